"""Which alias each query of a request goes to. `test_replicas_live.py` has the same with real servers."""

from __future__ import annotations

import asyncio
import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from django_fargate import replicas
from django_fargate.middleware import ReplicaMiddleware
from django_fargate.replicas import ReplicaRouter

router = ReplicaRouter()
#: Of an application whose reads may go to the replica.
MODEL = ContentType


class Replica:
    """What the servers say: the replica when it is asked, and the primary."""

    def __init__(self) -> None:
        self.is_replica, self.position, self.age = True, 100, 0.1
        self.primary = 100
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.connections: Any = None

    def ask(self, alias: str, sql: str) -> tuple[object, ...]:
        self.asked.append(alias)
        if alias == "default":
            return (self.primary,)
        if self.error is not None:
            raise self.error
        return self.is_replica, self.position, self.age


@pytest.fixture
def replica(monkeypatch):
    double = Replica()
    connected = SimpleNamespace(connection=object(), close=lambda: None)
    double.connections = Connections(connected)
    monkeypatch.setattr(replicas, "connections", double.connections)
    monkeypatch.setattr(replicas, "_ask", double.ask)
    monkeypatch.setattr(replicas, "health", replicas._Health())
    return double


class Connections(dict[str, Any]):
    def __init__(self, connected):
        super().__init__(replica=connected, default=connection)
        self.settings: dict[str, Any] = {"default": {}, "replica": {}}


def read(method="GET", cookies=None, **headers):
    """The alias that a request reads from."""
    return visit(lambda: router.db_for_read(MODEL), method, cookies, **headers)[0]


def visit(view, method="GET", cookies=None, **headers):
    found = []

    def respond(request):
        found.append(view())
        return HttpResponse()

    request = RequestFactory().generic(method, "/", **headers)
    request.COOKIES.update(cookies or {})
    response: Any = ReplicaMiddleware(respond)(request)
    return found[0], dict(response.cookies.items())


def at(position):
    return {f"{replicas.COOKIE}{position:08x}": f"{position:x}"}


def test_a_request_that_only_reads_does_so_from_the_replica(replica):
    assert read() == "replica"
    assert visit(lambda: None)[1] == {}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_that_may_change_something_reads_from_the_primary(replica, method):
    assert read(method) == "default"


def test_a_client_that_logs_in_with_each_request_keeps_no_cookies_and_reads_from_the_primary(replica):
    assert read(headers={"authorization": "Token canary"}) == "default"


def test_outside_of_a_request_reads_are_on_the_primary(replica):
    assert router.db_for_read(MODEL) == "default"


def test_without_a_replica_nothing_changes(replica):
    del replica.connections.settings["replica"]
    assert read() == "default"
    assert visit(replicas.wrote)[1] == {}


@pytest.mark.parametrize(("position", "alias"), [(99, "replica"), (100, "replica"), (101, "default")])
def test_a_visitor_reads_from_a_replica_that_has_what_they_wrote(replica, position, alias):
    assert read(cookies=at(position)) == alias


def test_of_several_positions_the_farthest_counts(replica):
    assert read(cookies={**at(7), **at(101), **at(9)}) == "default"


@pytest.mark.parametrize("value", ["", "x", "-1", "1" * 17, "0x65"])
def test_a_cookie_that_is_no_position_is_none(replica, value):
    assert read(cookies={f"{replicas.COOKIE}1": value}) == "replica"


def test_a_request_that_wrote_leaves_its_position_in_the_place_of_those_it_brought(replica):
    replica.primary = 0x3000F00
    _, cookies = visit(lambda: router.db_for_write(MODEL), "POST", {**at(7), "other": "7"})
    (gone, removed), (name, cookie) = cookies.items()
    assert (gone, removed.value, removed["max-age"]) == (next(iter(at(7))), "", 0)
    assert name.startswith(replicas.COOKIE)
    assert name != gone
    assert (cookie.value, cookie["max-age"], cookie["httponly"]) == ("3000f00", 300, True)
    assert cookie["samesite"] == "Lax"
    assert next(iter(visit(replicas.wrote)[1])) != name


def test_a_visitor_whose_position_is_not_known_stays_on_the_primary(replica, monkeypatch):
    def fail(alias, sql):
        raise OperationalError("canary")

    monkeypatch.setattr(replicas, "_ask", fail)
    [cookie] = visit(replicas.wrote)[1].values()
    monkeypatch.setattr(replicas, "_ask", replica.ask)
    assert read(cookies={f"{replicas.COOKIE}1": cookie.value}) == "default"


def test_after_its_first_write_a_request_reads_from_the_primary(replica):
    def view():
        return [router.db_for_read(MODEL), router.db_for_write(MODEL), router.db_for_read(MODEL)]

    assert visit(view)[0] == ["replica", "default", "default"]


def test_sql_that_writes_is_noticed_and_sql_that_reads_is_not(replica):
    connection.close()
    connection.ensure_connection()  # sqlite, but the wrapper is the same

    def view(sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
        return router.db_for_read(MODEL)

    insert = "INSERT INTO auth_group (name) VALUES ('canary')"
    assert visit(lambda: view(insert))[0] == "default"
    assert visit(lambda: view("/* a */ -- b\n (SELECT 1)".replace("(SELECT 1)", "SELECT 1")))[0] == "replica"
    assert visit(lambda: view("WITH a AS (SELECT 1) SELECT * FROM a"))[0] == "replica"
    Group.objects.all().delete()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE a SET b = 1",
        "  delete from a",
        "WITH a AS (INSERT INTO b DEFAULT VALUES RETURNING *) SELECT * FROM a",
        "CALL a()",
        "TRUNCATE a",
        b"SELECT 1",
    ],
)
def test_what_is_not_known_to_read_counts_as_a_write(sql):
    assert replicas._writes(sql)


def test_reads_in_a_transaction_are_on_the_primary(replica):
    def view():
        with transaction.atomic():
            inside = router.db_for_read(MODEL)
        return inside, router.db_for_read(MODEL)

    assert visit(view)[0] == ("default", "replica")


def test_users_sessions_and_the_applications_named_are_read_from_the_primary(replica):
    def view():
        return [router.db_for_read(model) for model in (User, Group, Session, MODEL)]

    assert visit(view)[0] == ["default"] * 3 + ["replica"]
    with override_settings(DJANGO_FARGATE_PRIMARY_APPS=["contenttypes"]):
        assert visit(view)[0] == ["default"] * 4


def test_objects_of_both_may_be_related_and_are_saved_on_the_primary(replica):
    def of(alias):
        model = MODEL()
        model._state.db = alias
        return model

    assert router.allow_relation(of("default"), of("replica")) is True
    assert router.allow_relation(of("default"), of("elsewhere")) is None
    assert router.db_for_write(MODEL, instance=of("replica")) == "default"
    assert visit(lambda: router.db_for_read(MODEL, instance=of("replica")))[0] == "replica"
    assert router.db_for_read(MODEL, instance=of("elsewhere")) is None
    assert router.db_for_write(MODEL, instance=of("elsewhere")) is None


def test_the_replica_is_not_migrated():
    assert router.allow_migrate("replica", "auth") is False
    assert router.allow_migrate("default", "auth") is None


def test_a_connection_is_asked_once_in_a_request_and_another_one_again(replica):
    def view():
        aliases = [router.db_for_read(MODEL) for _ in range(3)]
        replica.connections["replica"].connection = object()
        replica.position = 99
        return [*aliases, router.db_for_read(MODEL)]

    assert visit(view, cookies=at(100))[0] == ["replica"] * 3 + ["default"]
    assert replica.asked == ["replica"] * 2


def test_a_replica_that_is_away_is_asked_by_one_request_in_five_seconds(replica, monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    replica.error = OperationalError("connection refused")
    assert [read() for _ in range(5)] == ["default"] * 5
    assert replica.asked == ["replica"]
    assert "does not answer: reads go to the primary. connection refused" in caplog.text
    now[0] += replicas.RETRY
    assert [read() for _ in range(5)] == ["default"] * 5
    assert replica.asked == ["replica"] * 2
    replica.error = None
    now[0] += replicas.RETRY
    with caplog.at_level(logging.INFO, "django_fargate"):
        assert [read() for _ in range(5)] == ["replica"] * 5
    assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 1
    assert "in use again" in caplog.text


def test_while_a_request_waits_for_a_replica_that_hangs_no_other_one_does(replica, monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    answer = replica.ask

    def hang(alias, sql):
        monkeypatch.setattr(replicas, "_ask", answer)
        assert read() == "replica"  # it may just be slow
        now[0] += replicas.PATIENCE + 1
        assert [read() for _ in range(3)] == ["default"] * 3
        now[0] += 10 * replicas.RETRY
        assert [read() for _ in range(3)] == ["default"] * 3
        return answer(alias, sql)

    monkeypatch.setattr(replicas, "_ask", hang)
    assert read() == "replica"  # at last
    warned = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert warned == ["The read replica says nothing: reads go to the primary. "]
    assert read() == "replica"


def test_a_replica_that_has_been_promoted_is_not_read_from(replica, caplog):
    replica.is_replica, replica.position, replica.age = False, None, None
    assert read() == "default"
    assert "follows no primary" in caplog.text


@pytest.mark.parametrize("age", [31.0, None])
def test_a_replica_that_lags_is_not_read_from_unless_nothing_was_written(replica, monkeypatch, caplog, age):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    replica.age, replica.primary = age, 101
    assert read() == "default"
    assert "more than 30 seconds behind" in caplog.text
    replica.position = 101
    now[0] += replicas.RETRY
    assert read() == "replica"
    replica.primary = 102
    assert read() == "replica"  # It has all that the primary had five seconds ago.
    now[0] += replicas.MAX_LAG + 1
    assert read() == "default"


def test_a_query_on_a_replica_that_goes_away_closes_it_for_the_next_requests(replica):
    broken = {"connection": SimpleNamespace(connection=SimpleNamespace(closed=True))}
    sound = {"connection": SimpleNamespace(connection=SimpleNamespace(closed=False))}

    def fail(*_):
        raise DatabaseError("canary")

    for context, alias in ((sound, "replica"), (broken, "default")):
        with pytest.raises(DatabaseError):
            replicas._note_failures(fail, "SELECT 1", None, False, context)
        assert read() == alias


def broken_off(state=None, closed=False):
    """A query on the replica that ends in the middle."""

    def fail(*_):
        raise OperationalError("canary") from type("Cause", (Exception,), {"sqlstate": state})()

    context = {"connection": SimpleNamespace(connection=SimpleNamespace(closed=closed))}
    with pytest.raises(OperationalError):
        replicas._note_failures(fail, "SELECT 1", None, False, context)


@pytest.mark.parametrize(
    ("failure", "wrote", "status", "aliases"),
    [
        ({"state": "40001"}, False, 500, ["replica", "default"]),
        ({"closed": True}, False, 503, ["replica", "default"]),
        ({"state": "42P01"}, False, 500, ["replica"]),  # of the application
        ({"state": "40001"}, True, 500, ["replica"]),
        ({"state": "40001"}, False, 200, ["replica"]),  # which has seen to it
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_request_that_the_replica_has_failed_is_done_again_on_the_primary(
    replica, failure, wrote, status, aliases, is_async
):
    read_from = []

    def respond(request):
        read_from.append(router.db_for_read(MODEL))
        if len(read_from) > 1:
            return HttpResponse()
        if wrote:
            replicas.wrote()
        broken_off(**failure)
        return HttpResponse(status=status)

    async def respond_async(request):
        from asgiref.sync import sync_to_async

        return await sync_to_async(respond)(request)

    middleware: Any = ReplicaMiddleware(respond_async if is_async else respond)
    request = RequestFactory().get("/")
    response = asyncio.run(middleware(request)) if is_async else middleware(request)
    assert read_from == aliases
    assert response.status_code == (200 if len(aliases) > 1 else status)


def test_asynchronous_requests_are_followed_too(replica):
    from asgiref.sync import sync_to_async

    async def respond(request):
        outside = router.db_for_read(MODEL)  # Nothing can be asked here.
        thread = await sync_to_async(router.db_for_read)(MODEL)
        await sync_to_async(router.db_for_write)(MODEL)
        after = await sync_to_async(router.db_for_read)(MODEL)
        return HttpResponse(f"{outside} {thread} {after}")

    async def two():
        middleware: Any = ReplicaMiddleware(respond)
        requests = RequestFactory().get("/"), RequestFactory().get("/")
        return await asyncio.gather(*[middleware(request) for request in requests])

    for response in asyncio.run(two()):
        assert response.content == b"default replica default"
        [cookie] = response.cookies.values()
        assert cookie.value == "64"
