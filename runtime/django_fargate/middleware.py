"""Middleware that keeps a task in service: the health check, and an honest answer when the database is away."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.signals import got_request_exception
from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

from . import context, replicas, versions
from .cache import is_cache_unavailable
from .client import client_address, networks
from .health import health_path
from .masking import masked_path

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], Any]

#: Seconds after which a client may try again while the database is away.
RETRY_AFTER = 5
#: SQLSTATE of a server that refuses or drops connections. A failed connect has no SQLSTATE at all.
_UNAVAILABLE_STATES = {"53300", "57P01", "57P02", "57P03"}
_CONNECTION_EXCEPTION = "08"
#: A connect that will never work, by the server's words or libpq's: 28P01, 28000, 3D000, 42501, and TLS. Waiting does
#: not help, and whoever has to mend it must hear of it.
_MISCONFIGURED = re.compile(
    r"authentication failed|no pg_hba\.conf entry|role \".*\" (does not exist|is not permitted to log in)"
    r"|database \".*\" does not exist|permission denied for database|certificate|does not support SSL|sslmode"
    r"|SSL (error: .*(verify|version|handshake|alert)|is not|negotiation)|no password supplied",
    re.IGNORECASE,
)


class _Middleware:
    """Sync or async, as the chain it is in."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._respond_async(request)
        return self.before(request) or self.after(request, self.get_response(request))

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        return self.before(request) or self.after(request, await self.get_response(request))

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response


class HealthCheckMiddleware(_Middleware):
    """
    Answers the load balancer's health check. Put it first in MIDDLEWARE.

    The load balancer asks for the task by its IP address, which ALLOWED_HOSTS must go on refusing: nothing here looks
    at the Host header. Nor at the database: an outage of it must not make ECS replace every task.

    Being the first, it also notes the trace id of each request for the log, and makes REMOTE_ADDR the client's address
    under every server: uvicorn takes it from X-Forwarded-For, gunicorn leaves that of the load balancer.

    An answer that sets a cookie is for one visitor, and says so to every cache on the way: CloudFront would keep the
    cookie with the page, and hand it to others.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        for server in ("gunicorn", "uvicorn"):
            if server in sys.modules:
                versions.require(server)
        self.path = health_path()
        self.trusted = networks(os.environ.get("FORWARDED_ALLOW_IPS", "").split(","))

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        context.follow(request.META.get("HTTP_X_AMZN_TRACE_ID"))
        peer = request.META.get("REMOTE_ADDR") or ""
        request.META["REMOTE_ADDR"] = client_address(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""), self.trusted)
        if request.path_info != self.path or request.method not in ("GET", "HEAD"):
            return None
        return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.cookies:
            patch_cache_control(response, private=True)
        return response


class _UnavailableMiddleware(_Middleware):
    """
    503 with Retry-After for exceptions of one kind.

    It sees what views raise and, by the signal, what other middleware (sessions, authentication) raises.
    """

    #: What can be away.
    what: ClassVar[str]

    @staticmethod
    def is_unavailable(exception: BaseException | None) -> bool:
        raise NotImplementedError

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if not self.is_unavailable(exception):
            return None
        # Whoever listens for exceptions (Sentry) hears of this one too, although a view's exception ends here.
        got_request_exception.send(sender=type(self), request=request)
        return _unavailable(self.what)

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code == 500 and getattr(request, _MARK, None) == self.what:
            response.close()
            return _unavailable(self.what)
        return response


def is_database_unavailable(exception: BaseException | None) -> bool:
    """
    Whether PostgreSQL could not be reached or refused the connection.

    Deadlocks, lock timeouts and cancelled statements are an OperationalError too, but the application's own. So are a
    wrong password, a role or database that does not exist, and a certificate that does not verify.
    """
    if not isinstance(exception, OperationalError):
        return False
    cause: Any = _why(exception.__cause__)
    for attribute in ("sqlstate", "pgcode"):  # psycopg 3, psycopg2
        if hasattr(cause, attribute):
            state = getattr(cause, attribute)
            if state is None:
                return not _MISCONFIGURED.search(str(cause))
            return state in _UNAVAILABLE_STATES or state.startswith(_CONNECTION_EXCEPTION)
    return False


class DatabaseUnavailableMiddleware(_UnavailableMiddleware):
    """
    503 with Retry-After while the database is away or has no connection left. Put it right after HealthCheckMiddleware.

    400 for a text with a NUL, which PostgreSQL takes nowhere: as a 500, anybody could set off the alarm on errors.
    """

    what = "database"
    is_unavailable = staticmethod(is_database_unavailable)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if _is_nul(exception):
            return HttpResponseBadRequest("A text must not contain NUL.\n", content_type="text/plain; charset=utf-8")
        return super().process_exception(request, exception)


class CacheUnavailableMiddleware(_UnavailableMiddleware):
    """
    503 with Retry-After where a page reads or writes a cache that is away. Pages that do not use it answer.

    A cache that is away is no miss: the database would have to do all of its work at once, and locks and limits that
    are kept in it would hold for nobody. ``django_fargate.sessions.cached_db`` reads sessions from the database then.
    """

    what = "cache"
    is_unavailable = staticmethod(is_cache_unavailable)


class ReplicaMiddleware(_Middleware):
    """
    Lets requests read from the replica, and their visitors read what they have written: see ``replicas``.

    Put it before everything that may use the database, ``SessionMiddleware`` above all: what is written further out is
    not noticed.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._respond_async(request)
        with replicas.visit_of(request) as visit:
            response: HttpResponseBase = self.get_response(request)
            if visit.may_be_repeated(response.status_code):
                response.close()
                response = self.get_response(request)
            if visit.wrote and replicas.has_replica():
                replicas.leave(request, response, replicas.position_of_primary())
            return response

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        with replicas.visit_of(request) as visit:
            response: HttpResponseBase = await self.get_response(request)
            if visit.may_be_repeated(response.status_code):
                response.close()
                response = await self.get_response(request)
            if visit.wrote and replicas.has_replica():
                replicas.leave(request, response, await sync_to_async(replicas.position_of_primary)())
            return response


def _why(cause: BaseException | None) -> BaseException | None:
    """A pool that cannot connect only says that it had no connection in time."""
    pool = sys.modules.get("django_fargate.pool")
    return cause if pool is None else pool.why(cause)


def _is_nul(exception: Exception) -> bool:
    # psycopg 3 raises a DataError, psycopg2 a ValueError; both texts have these words.
    return isinstance(exception, (DataError, ValueError)) and "NUL (0x00)" in str(exception)


_MARK = "_django_fargate_unavailable"


def _mark_request(request: HttpRequest | None = None, **_: Any) -> None:
    error = sys.exc_info()[1]
    for kind in (DatabaseUnavailableMiddleware, CacheUnavailableMiddleware):
        if request is not None and kind.is_unavailable(error):
            setattr(request, _MARK, kind.what)
            # The text of libpq and that of redis name the reason, and no password.
            logger.warning(
                "The %s is unavailable", kind.what, exc_info=error, extra={"path": masked_path(request.path)}
            )


got_request_exception.connect(_mark_request, dispatch_uid=_MARK)


def _unavailable(what: str) -> HttpResponse:
    return HttpResponse(
        f"The {what} is not available at the moment. Please try again shortly.\n",
        status=503,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"},
    )
