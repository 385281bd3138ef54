import asyncio
import sys

import psycopg
import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import got_request_exception
from django.db import DataError, OperationalError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, RequestFactory, override_settings

from django_fargate import health
from django_fargate.middleware import (
    DatabaseUnavailableMiddleware,
    HealthCheckMiddleware,
    is_database_unavailable,
)

TASK_ADDRESS = "10.0.3.7:8000"


@pytest.mark.parametrize("method", ["get", "head"])
def test_the_health_check_answers_a_task_address_while_allowed_hosts_stays_strict(method):
    client = Client(headers={"host": TASK_ADDRESS})
    response = getattr(client, method)("/healthz")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert client.get("/whoami").status_code == 400


def test_the_health_check_needs_no_database(monkeypatch):
    def fail(*_):
        raise AssertionError("the health check opened a connection")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", fail)
    assert Client().get("/healthz").status_code == 200


def test_only_get_and_head_are_the_health_check():
    assert Client(headers={"host": "shop.example.com"}).post("/healthz").status_code == 404


@override_settings(DJANGO_FARGATE_HEALTH_PATH="/up")
def test_the_path_of_the_health_check_is_a_setting():
    assert Client(headers={"host": TASK_ADDRESS}).get("/up").status_code == 200
    assert Client(headers={"host": TASK_ADDRESS}).get("/healthz").status_code == 400


def test_the_health_check_answers_under_asgi():
    response = asyncio.run(AsyncClient().get("/healthz"))  # its host is not an allowed one
    assert (response.status_code, response.content) == (200, b"ok\n")


def answer(cache_control=None, cookie=True):
    response = HttpResponse("hello")
    if cache_control:
        response["Cache-Control"] = cache_control
    if cookie:
        response.set_cookie("csrftoken", "x")
    return response


@pytest.mark.parametrize(
    ("given", "cookie", "header"),
    [
        (None, True, "private"),
        ("max-age=600", True, "max-age=600, private"),
        ("public, max-age=600", True, "max-age=600, private"),
        ("public, max-age=600", False, "public, max-age=600"),
        (None, False, None),
    ],
)
def test_an_answer_that_sets_a_cookie_is_kept_by_no_cache_that_others_share(given, cookie, header):
    request = RequestFactory().get("/")
    response = HealthCheckMiddleware(lambda _: answer(given, cookie))(request)
    assert isinstance(response, HttpResponse)
    assert response.headers.get("Cache-Control") == header

    async def view(_):
        return answer(given, cookie)

    async def visit():
        awaited = HealthCheckMiddleware(view)(request)
        assert not isinstance(awaited, HttpResponseBase)
        return await awaited

    assert asyncio.run(visit()).headers.get("Cache-Control") == header


def shop(**options):
    return Client(headers={"host": "shop.example.com"}, raise_request_exception=False, **options)


def test_a_database_that_is_away_is_a_503_with_retry_after(caplog):
    response = shop().get("/no-server")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert b"database is not available" in response.content
    assert b"canary" not in response.content
    assert "canary" not in caplog.text
    [line] = [entry for entry in caplog.records if entry.getMessage() == "The database is unavailable"]
    assert line.exc_info is not None
    assert "Connection refused" in caplog.text


def test_who_listens_for_exceptions_hears_of_a_database_that_is_away():
    heard = []

    def hear(**_):
        heard.append(type(sys.exc_info()[1]))

    got_request_exception.connect(hear)
    try:
        assert shop().get("/no-server").status_code == 503
        with override_settings(ALLOWED_HOSTS=["testserver"]):
            client = AsyncClient(raise_request_exception=False)
            assert asyncio.run(client.get("/no-server-async")).status_code == 503
    finally:
        got_request_exception.disconnect(hear)
    assert heard == [OperationalError, OperationalError]


def test_a_database_without_a_free_connection_is_a_503_under_asgi():
    client = AsyncClient(raise_request_exception=False)
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        assert asyncio.run(client.get("/no-server-async")).status_code == 503


def test_what_other_middleware_raises_is_a_503_too(monkeypatch):
    def fail(*_):
        raise OperationalError("connection refused") from psycopg.OperationalError("connection refused")

    monkeypatch.setattr(SessionBase, "is_empty", fail)
    assert shop().get("/whoami").status_code == 503


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), 400),
        (ValueError("A string literal cannot contain NUL (0x00) characters."), 400),
        (DataError("value too long for type character varying(20)"), 500),
        (ValueError("invalid literal for int()"), 500),
        (RuntimeError("NUL (0x00)"), 500),
    ],
)
def test_a_nul_is_a_mistake_of_the_client(error, status):
    middleware = DatabaseUnavailableMiddleware(lambda _: None)
    response = middleware.process_exception(RequestFactory().get("/"), error)
    assert (500 if response is None else response.status_code) == status


@pytest.mark.parametrize("path", ["/deadlock", "/broken"])
def test_the_application_s_own_errors_stay_a_500(path):
    assert shop().get(path).status_code == 500


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (psycopg.OperationalError("connection timeout"), True),
        (psycopg.OperationalError("FATAL:  the database system is starting up"), True),
        (psycopg.OperationalError('FATAL:  password authentication failed for user "shop"'), False),
        (psycopg.OperationalError('FATAL:  no pg_hba.conf entry for host "10.0.0.1", no encryption'), False),
        (psycopg.OperationalError('FATAL:  role "shop" does not exist'), False),
        (psycopg.OperationalError('FATAL:  database "shop" does not exist'), False),
        (psycopg.OperationalError("SSL error: certificate verify failed"), False),
        (psycopg.OperationalError("SSL error: tlsv1 alert protocol version"), False),
        (psycopg.OperationalError("consuming input failed: SSL error: unexpected eof while reading"), True),
        (psycopg.OperationalError('root certificate file "/x.pem" does not exist'), False),
        (psycopg.OperationalError("server does not support SSL, but SSL was required"), False),
        (psycopg.errors.InvalidPassword("28P01"), False),
        (psycopg.errors.TooManyConnections("53300"), True),
        (psycopg.errors.AdminShutdown("57P01"), True),
        (psycopg.errors.CannotConnectNow("57P03"), True),
        (psycopg.errors.ConnectionFailure("08006"), True),
        (psycopg.errors.LockNotAvailable("55P03"), False),
        (psycopg.errors.QueryCanceled("57014"), False),
        (psycopg.errors.DiskFull("53100"), False),
        (None, False),
    ],
)
def test_only_lost_and_refused_connections_count_as_unavailable(cause, expected):
    error = OperationalError("x")
    error.__cause__ = cause
    assert is_database_unavailable(error) is expected


def test_the_path_of_the_health_check_has_a_default_where_there_are_no_settings(monkeypatch):
    class NoSettings:
        def __getattr__(self, name):
            raise ImproperlyConfigured(name)

    monkeypatch.setattr(health, "settings", NoSettings())
    assert health.health_path() == "/healthz"
