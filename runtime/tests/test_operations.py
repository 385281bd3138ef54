"""What reaches the server, in order. What it does there is checked on real servers, by `npm run rotations`."""

from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.postgres import operations as django
from django.db import migrations, models
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter
from django.db.utils import InternalError, NotSupportedError, OperationalError

from django_fargate import operations as ours
from django_fargate.operations import AddIndexConcurrently, RemoveIndexConcurrently

CREATE = 'CREATE INDEX CONCURRENTLY "book_written" ON "shelf_book" ("written")'
DROP = 'DROP INDEX CONCURRENTLY IF EXISTS "book_written"'
SET = "SELECT set_config(%s, %s, false)"
BEFORE = [f"{SET} ['lock_timeout', '0']", f"{SET} ['client_connection_check_interval', '5s']"]
AFTER = [f"{SET} ['lock_timeout', '10s']", f"{SET} ['client_connection_check_interval', '0']"]


class Server(DatabaseWrapper):
    """A connection that writes down what it is asked; it finds a leftover where one is given."""

    def __init__(self, leftover=None, fails_at="\0", updating=0):
        super().__init__({"ENGINE": "", "NAME": "shop", "OPTIONS": {}, "TIME_ZONE": None, "CONN_MAX_AGE": 0}, "default")
        self.asked, self.leftover, self.fails_at, self.usable = [], leftover, fails_at, True
        self.updating = updating
        self.settings = {"lock_timeout": "10s", "client_connection_check_interval": "0"}
        vars(self.ops)["compose_sql"] = lambda sql, params: sql

    def cursor(self) -> Any:
        return nullcontext(self)

    def execute(self, sql, params=None):
        self.asked.append(f"{sql} {params}" if params else str(sql))
        if self.fails_at in str(sql):
            self.usable = False
            raise OperationalError("the connection is lost")

        if str(sql) == DROP and self.updating > 0:
            self.updating -= 1
            raise InternalError("tuple concurrently updated")

    def fetchall(self):
        return list(self.settings.items())

    def fetchone(self):
        return None if self.leftover is None else (self.leftover,)

    def is_usable(self):
        return self.usable

    @property
    def statements(self):
        return [statement for statement in self.asked if "FROM pg_" not in statement]


def shelf(*indexes):
    state = ProjectState()
    operation = migrations.CreateModel(
        "Book",
        [("id", models.BigAutoField(primary_key=True)), ("written", models.DateField())],
        {"indexes": list(indexes)},
    )
    operation.state_forwards("shelf", state)
    return state


def index():
    return models.Index(fields=["written"], name="book_written")


@pytest.fixture(autouse=True)
def transactions(monkeypatch):
    monkeypatch.setattr("django.db.transaction.atomic", lambda using: nullcontext())


def run(server, operation, backwards=False, collect_sql=False, atomic=False):
    before = shelf(index()) if isinstance(operation, django.RemoveIndexConcurrently) else shelf()
    after = before.clone()
    operation.state_forwards("shelf", after)
    editor = server.SchemaEditorClass(server, collect_sql=collect_sql, atomic=atomic)
    editor.deferred_sql = []
    if backwards:
        operation.database_backwards("shelf", editor, after, before)
    else:
        operation.database_forwards("shelf", editor, before, after)
    return editor


@pytest.mark.parametrize(
    ("operation", "backwards", "statement"),
    [
        (AddIndexConcurrently("book", index()), False, CREATE),
        (AddIndexConcurrently("book", index()), True, DROP),
        (RemoveIndexConcurrently("book", "book_written"), False, DROP),
        (RemoveIndexConcurrently("book", "book_written"), True, CREATE),
    ],
)
def test_the_limit_is_lifted_for_one_statement_and_back_afterwards(operation, backwards, statement):
    server = Server()
    run(server, operation, backwards)
    assert server.statements == [*BEFORE, statement, *AFTER]


@pytest.mark.parametrize(
    ("operation", "backwards"),
    [(AddIndexConcurrently("book", index()), False), (RemoveIndexConcurrently("book", "book_written"), True)],
)
def test_what_a_failed_attempt_left_invalid_is_dropped_first(operation, backwards):
    server = Server(leftover='"100%".book_written')
    run(server, operation, backwards)
    waited = 'LOCK TABLE "shelf_book" IN SHARE UPDATE EXCLUSIVE MODE'
    dropped = 'DROP INDEX CONCURRENTLY IF EXISTS "100%".book_written'
    assert server.statements == [*BEFORE, waited, dropped, CREATE, *AFTER]
    [looked] = [statement for statement in server.asked if "pg_index" in statement]
    assert looked.endswith("""['"shelf_book"', 'book_written']""")


@pytest.mark.parametrize("times", [1, ours.ATTEMPTS - 1])
@pytest.mark.parametrize(
    ("operation", "backwards", "leftover", "afterwards"),
    [
        (AddIndexConcurrently("book", index()), False, '"book_written"', [CREATE]),
        (AddIndexConcurrently("book", index()), True, None, []),
        (RemoveIndexConcurrently("book", "book_written"), False, None, []),
        (RemoveIndexConcurrently("book", "book_written"), True, '"book_written"', [CREATE]),
    ],
)
def test_an_attempt_that_ends_at_the_same_moment_is_let_end(
    monkeypatch, operation, backwards, leftover, afterwards, times
):
    monkeypatch.setattr(ours, "PAUSE", 0)
    server = Server(leftover=leftover, updating=times)
    run(server, operation, backwards)
    assert server.statements[-len(afterwards + AFTER) - times - 1 :] == [DROP] * (times + 1) + afterwards + AFTER


def test_what_is_always_refused_is_an_error(monkeypatch):
    monkeypatch.setattr(ours, "PAUSE", 0)
    server = Server(leftover='"book_written"', updating=ours.ATTEMPTS)
    with pytest.raises(InternalError, match="concurrently updated"):
        run(server, AddIndexConcurrently("book", index()))
    assert server.statements[-len(AFTER) :] == AFTER


def test_a_server_that_does_not_know_a_setting_is_not_asked_to_change_it():
    server = Server()
    del server.settings["client_connection_check_interval"]
    run(server, AddIndexConcurrently("book", index()))
    assert server.statements == [BEFORE[0], CREATE, AFTER[0]]


def test_a_lost_connection_is_reported_and_not_what_follows_from_it():
    server = Server(fails_at="CREATE INDEX")
    with pytest.raises(OperationalError, match="the connection is lost"):
        run(server, AddIndexConcurrently("book", index()))
    assert server.statements == [*BEFORE, CREATE]


def test_sqlmigrate_shows_the_statements_without_asking_a_server():
    server = Server()
    editor = run(server, AddIndexConcurrently("book", index()), collect_sql=True)
    assert editor.collected_sql == ["SET lock_timeout = 0;", f"{CREATE};", "RESET lock_timeout;"]
    assert server.asked == []


@pytest.mark.parametrize(
    ("operation", "backwards"),
    [
        (operation, backwards)
        for operation in (AddIndexConcurrently("book", index()), RemoveIndexConcurrently("book", "book_written"))
        for backwards in (False, True)
    ],
)
def test_a_migration_that_is_a_transaction_is_refused_before_anything_is_asked(operation, backwards):
    server = Server()
    server.in_atomic_block = True
    with pytest.raises(NotSupportedError, match="atomic = False"):
        run(server, operation, backwards)
    assert server.asked == []


def test_a_database_that_a_router_keeps_free_of_the_model_is_left_alone(settings_of_routers):
    server = Server()
    run(server, AddIndexConcurrently("book", index()))
    run(server, RemoveIndexConcurrently("book", "book_written"), backwards=True)
    assert server.asked == []


@pytest.fixture
def settings_of_routers():
    from django.test import override_settings

    class Elsewhere:
        def allow_migrate(self, db, app_label, **hints):
            return False

    with override_settings(DATABASE_ROUTERS=[Elsewhere()]):
        yield


def test_a_squashed_migration_imports_the_operations_from_here():
    text, imports = OperationWriter(AddIndexConcurrently("book", index()), indentation=0).serialize()
    assert "import django_fargate.operations" in imports
    assert text.startswith("django_fargate.operations.AddIndexConcurrently(")
