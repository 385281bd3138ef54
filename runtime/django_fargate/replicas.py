"""
Reads from a replica: where each query of a request goes.

A replica is behind the primary, so a visitor who has just written would not find it there. Each request that has
written leaves the position of the primary's log in a cookie, and a later one reads from the replica only if that has
replayed as much. Whatever process answers, and however far behind the replica is, visitors read their own writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.signals import connection_created
from django.http import HttpRequest
from django.http.response import HttpResponseBase

logger = logging.getLogger(__name__)

PRIMARY = DEFAULT_DB_ALIAS
REPLICA = "replica"

#: Seconds by which a replica may be behind, for visitors who have written nothing.
MAX_LAG = 30
#: Seconds after which a replica that was away, or too far behind, is tried again, by one request of each process.
RETRY = 5
#: Seconds after which a replica that has been asked and says nothing is not asked by others.
PATIENCE = 2
#: Seconds that a visitor's position is kept: much longer than a replica may be behind.
POSITION_AGE = 300
#: Each position has a cookie of its own: of two answers that overtake each other, neither replaces the other's.
COOKIE = "django_fargate_read_"
#: As many cookies are looked at.
_MOST_COOKIES = 20
#: Where the position could not be found out, no replica is far enough.
_FAR = 2**63 - 1

#: Whose session has ended, and who may no longer log in, is never asked of a replica, and no lock or limit either.
_PRIMARY_APPS = ("auth", "sessions", "django_cache")

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: What begins like this leaves nothing to read. A function that writes does so unseen: `wrote()` tells of it.
_READS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*"
    r"(?:SELECT|WITH|VALUES|TABLE|SHOW|SET|BEGIN|SAVEPOINT|RELEASE|ROLLBACK|COMMIT|DECLARE|FETCH|CLOSE)\b",
    re.IGNORECASE | re.DOTALL,
)
_WRITES_INSIDE = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)

_VET = (
    "SELECT pg_is_in_recovery(), pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint,"
    " extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8"
)
# A transaction that does not wait for the disk is in the log before it is written.
_WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_FLUSHED = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


class _Health:
    """What the requests of this process know of the replica: a short circuit while it is of no use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away_until: float | None = None
        #: When those questions were asked that have no answer yet.
        self._open: list[float] = []
        #: When the primary was asked for its position, and what it said.
        self._sample = (float("-inf"), 0)

    def may_be_asked(self) -> bool:
        """False while it is of no use; once in a while True for a single request, which finds out."""
        now = time.monotonic()
        with self._lock:
            hangs = any(now - asked > PATIENCE for asked in self._open)
            is_new = hangs and self._away_until is None
            may = not hangs and (self._away_until is None or now >= self._away_until)
            if hangs or (may and self._away_until is not None):
                self._away_until = now + RETRY
        if is_new:
            self._warn("says nothing")
        return may

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """A server that hangs answers nobody, and whoever asks it waits: while one does, no other is to."""
        asked = time.monotonic()
        with self._lock:
            self._open.append(asked)
        try:
            yield
        finally:
            with self._lock:
                self._open.remove(asked)

    def failed(self, problem: str, error: BaseException | None = None) -> None:
        with self._lock:
            is_new = self._away_until is None
            self._away_until = time.monotonic() + RETRY
        if is_new:
            self._warn(problem, error)

    def _warn(self, problem: str, error: BaseException | None = None) -> None:
        # The text of libpq names the reason, and no password.
        logger.warning("The read replica %s: reads go to the primary. %s", problem, error or "")

    def works(self) -> None:
        with self._lock:
            is_new = self._away_until is not None
            self._away_until = None
        if is_new:
            logger.info("The read replica is in use again")

    def is_behind(self, position: int, age: float | None) -> bool:
        """
        Whether it may lack what was committed MAX_LAG ago.

        The newest transaction that it knows is a bound, but an old one where nothing is written. Then it must have
        what the primary had when it was asked.
        """
        if age is not None and age <= MAX_LAG:
            return False
        at, known = self._sample
        if position >= known and time.monotonic() - at <= MAX_LAG:
            return False
        at, known = time.monotonic(), _ask(PRIMARY, _FLUSHED)[0]
        self._sample = (at, known)
        return bool(_ask(REPLICA, _VET)[1] < known)


health = _Health()


class Visit:
    """What one request has done so far, in all of its threads."""

    def __init__(self, position: int, *, on_primary: bool) -> None:
        #: As much must be replayed.
        self.position = position
        #: Once there, for the rest of the request: it would else go back in time.
        self.on_primary = on_primary
        self.wrote = False
        #: Whether the replica has failed it, in the middle of a query.
        self.failed = False
        #: The connection that has been found good.
        self._vetted: Any = None

    def write(self) -> None:
        self.wrote = self.on_primary = True

    def may_be_repeated(self, status: int) -> bool:
        """Whether what the replica has broken off is to be done once more, on the primary."""
        may = self.failed and status >= 500 and not self.wrote
        self.failed, self.on_primary = False, self.on_primary or may
        return may

    def may_read_from_replica(self) -> bool:
        """Connect, and ask once for each connection: behind several replicas each may be another one."""
        connection = connections[REPLICA]
        if self._vetted is not None and connection.connection is self._vetted:
            return True
        self.on_primary = not (health.may_be_asked() and self._vet())
        self._vetted = None if self.on_primary else connection.connection
        return not self.on_primary

    def _vet(self) -> bool:
        try:
            with health.asking():
                is_replica, position, age = _ask(REPLICA, _VET)
            problem = None
            if not is_replica or position is None:
                problem = "follows no primary"
            elif health.is_behind(position, age):
                problem = f"is more than {MAX_LAG} seconds behind"
        except Error as error:
            # Also a password that has not been replicated yet.
            with contextlib.suppress(Error):
                connections[REPLICA].close()
            health.failed("does not answer", error)
            return False
        if problem is not None:
            health.failed(problem)
            return False
        health.works()
        return bool(position >= self.position)


_visit: ContextVar[Visit | None] = ContextVar("django_fargate_visit", default=None)


class ReplicaRouter:
    """
    Reads of requests go to the replica, everything else to the primary: ``DATABASE_ROUTERS``, after your own.

    It needs `databases()` and ``ReplicaMiddleware``. On the primary stay requests that may change something, those with
    an Authorization header, whose clients keep no cookies, and what is read in a transaction, of users and sessions, or
    after the request's first write. Tasks, commands and WebSockets read there, too, unless they name the alias.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        if _is_elsewhere(hints):
            return None
        visit = _visit.get()
        if visit is None or visit.on_primary or _stays(model) or _is_in_event_loop() or _is_in_transaction():
            return PRIMARY
        return REPLICA if visit.may_read_from_replica() else PRIMARY

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        if _is_elsewhere(hints):
            return None
        wrote()
        return PRIMARY

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        return True if {obj1._state.db, obj2._state.db} <= {PRIMARY, REPLICA} else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == REPLICA else None


def wrote() -> None:
    """Tell that this request has written something, where that cannot be seen: by a function in a SELECT, say."""
    visit = _visit.get()
    if visit is not None:
        visit.write()


def has_replica() -> bool:
    return REPLICA in connections.settings


@contextlib.contextmanager
def visit_of(request: HttpRequest) -> Iterator[Visit]:
    """Follow a request, from the positions that its visitor brings."""
    is_read = request.method in _SAFE_METHODS and "HTTP_AUTHORIZATION" not in request.META
    visit = Visit(max(_positions(request).values(), default=0), on_primary=not (is_read and has_replica()))
    token = _visit.set(visit)
    try:
        yield visit
    finally:
        _visit.reset(token)


def position_of_primary() -> int:
    """How far the log of the primary is: behind everything that has been committed."""
    try:
        return int(_ask(PRIMARY, _WRITTEN)[0])
    except Error:
        logger.warning("The primary does not say how far it is: this visitor reads from it", exc_info=True)
        return _FAR


def leave(request: HttpRequest, response: HttpResponseBase, position: int) -> None:
    """Give the visitor a new position in the place of those that the request has brought, which are behind it."""
    place: dict[str, Any] = {"path": settings.SESSION_COOKIE_PATH, "domain": settings.SESSION_COOKIE_DOMAIN}
    same_site: Any = settings.SESSION_COOKIE_SAMESITE
    for name in _positions(request):
        response.delete_cookie(name, samesite=same_site, **place)
    response.set_cookie(
        COOKIE + secrets.token_hex(4),
        f"{position:x}",
        max_age=POSITION_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=same_site,
        **place,
    )


def _positions(request: HttpRequest) -> dict[str, int]:
    """By the name of the cookie. A forged one only changes where its own visitor reads."""
    found = [(name, value) for name, value in request.COOKIES.items() if name.startswith(COOKIE)]
    return {name: int(value, 16) for name, value in found[:_MOST_COOKIES] if re.fullmatch("[0-9a-f]{1,16}", value)}


def _ask(alias: str, sql: str) -> tuple[Any, ...]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def _stays(model: Any) -> bool:
    label = model._meta.app_label
    own = getattr(settings, "DJANGO_FARGATE_PRIMARY_APPS", ())
    return label in _PRIMARY_APPS or label in own or model._meta.label_lower == settings.AUTH_USER_MODEL.lower()


def _is_elsewhere(hints: dict[str, Any]) -> bool:
    """Whether what is related to an object of another database is looked for, or that object is saved."""
    instance = hints.get("instance")
    return instance is not None and instance._state.db not in (None, PRIMARY, REPLICA)


def _is_in_event_loop() -> bool:
    """Where nothing can be asked; Django asks in a thread for the database of each query."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _is_in_transaction() -> bool:
    connection = connections[PRIMARY]
    return connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)


def _writes(sql: Any) -> bool:
    return not isinstance(sql, str) or not _READS.match(sql) or _WRITES_INSIDE.search(sql) is not None


Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


def _note_writes(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """SQL that no router is asked for."""
    visit = _visit.get()
    if visit is not None and not visit.wrote and _writes(sql):
        visit.write()
    return execute(sql, params, many, context)


def _note_failures(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """A replica that goes away in the middle of a request, or needs what a query locks to go on with replaying."""
    try:
        return execute(sql, params, many, context)
    except Error as error:
        is_gone = getattr(context["connection"].connection, "closed", True)
        if is_gone:
            health.failed("has gone away", error)
        visit = _visit.get()
        if visit is not None and (is_gone or _is_conflict(error.__cause__)):
            visit.failed = True
        raise


def _is_conflict(cause: Any) -> bool:
    """SQLSTATE 40001 or 40P01, by psycopg 3 or psycopg2."""
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)).startswith("40")


def _watch(connection: Any, **_: Any) -> None:
    wrapper = {PRIMARY: _note_writes, REPLICA: _note_failures}.get(connection.alias)
    if wrapper is not None and wrapper not in connection.execute_wrappers:
        connection.execute_wrappers.append(wrapper)


connection_created.connect(_watch, dispatch_uid="django_fargate.replicas")
