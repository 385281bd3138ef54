"""What is too old is refused in words, where a process starts."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_fargate import gunicorn, middleware, versions


def with_version(monkeypatch, package, number):
    monkeypatch.setattr(versions, "version", lambda name: number if name == package else "99.0")


@pytest.mark.parametrize(
    ("package", "number", "refused"),
    [
        (
            "gunicorn",
            "23.0.0",
            "gunicorn must be 24.1 or later, got 23.0.0: 23.0 does not start behind a load balancer",
        ),
        ("gunicorn", "24.1.1", None),
        ("uvicorn", "0.30.6", "uvicorn must be 0.34 or later, got 0.30.6: earlier ones take the load balancer for"),
        ("uvicorn", "0.34.0", None),
    ],
)
def test_a_server_that_is_too_old_is_refused_when_the_application_is_loaded(monkeypatch, package, number, refused):
    with_version(monkeypatch, package, number)
    monkeypatch.setitem(middleware.sys.modules, package, SimpleNamespace())  # type: ignore[attr-defined]
    if refused is None:
        middleware.HealthCheckMiddleware(lambda _: None)
        return
    with pytest.raises(ImproperlyConfigured, match=refused):
        middleware.HealthCheckMiddleware(lambda _: None)


def test_a_gunicorn_that_loses_requests_when_it_replaces_a_worker_is_refused_with_max_requests(monkeypatch):
    with_version(monkeypatch, "gunicorn", "26.0.0")
    logger = gunicorn.Logger.__new__(gunicorn.Logger)
    with pytest.raises(
        ImproperlyConfigured, match=r"gunicorn must be 27\.0\.1 or later, got 26\.0\.0: .*--max-requests"
    ):
        logger.setup(SimpleNamespace(max_requests=10_000))


@pytest.mark.parametrize(
    ("package", "number", "refused"),
    [
        ("gunicorn", "23.0.0", r"gunicorn must be 24\.1 or later, got 23\.0\.0"),
        ("uvicorn-worker", "0.3.0", r"uvicorn-worker must be 0\.4 or later, got 0\.3\.0: earlier ones do not"),
    ],
)
def test_uvicorn_in_gunicorn_refuses_what_is_too_old_for_it(monkeypatch, package, number, refused):
    from django_fargate.uvicorn import Worker

    with_version(monkeypatch, package, number)
    with pytest.raises(ImproperlyConfigured, match=refused):
        Worker()


def test_a_package_that_is_not_installed_is_nobody_s_concern():
    assert versions.installed("no-such-package") is None
    versions.require("no-such-package", (1, 0), "")
