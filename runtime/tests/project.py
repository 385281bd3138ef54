"""URLs and views of the tests' project."""

import hashlib
import os
import time
from pathlib import Path

import psycopg
from django.core.cache import cache
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def whoami(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"authenticated": request.user.is_authenticated})


def no_server(request: HttpRequest) -> HttpResponse:
    """Connects to a PostgreSQL that is not there, through Django's own wrapping of errors."""
    from django.db.backends.postgresql.base import DatabaseWrapper

    database = DatabaseWrapper(
        {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": "9", "USER": "u", "PASSWORD": "canary", "NAME": "d"}
    )
    database.ensure_connection()
    raise AssertionError("there should be nobody on port 9")


async def no_server_async(request: HttpRequest) -> HttpResponse:
    raise OperationalError("too many clients") from psycopg.errors.TooManyConnections("too many clients")


def deadlock(request: HttpRequest) -> HttpResponse:
    raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected("deadlock detected")


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("an error of the application")


def where(request: HttpRequest, rest: str) -> JsonResponse:
    """Where Django believes the request to be, and whom from."""
    names = ("PATH_INFO", "SCRIPT_NAME", "REMOTE_ADDR", "SERVER_NAME")
    return JsonResponse(
        {"path": request.path, "secure": request.is_secure(), **{n: request.META.get(n) for n in names}}
    )


def fields(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST)))


def upload(request: HttpRequest) -> JsonResponse:
    """What has arrived of a body, which is read piece by piece."""
    digest, size = hashlib.sha256(), 0
    while piece := request.read(65536):
        digest.update(piece)
        size += len(piece)
    return JsonResponse({"size": size, "sha256": digest.hexdigest()})


def held(request: HttpRequest, name: str) -> HttpResponse:
    """Says in a file that it has begun, and ends when the test has made another one, or never."""
    folder = Path(os.environ["HELD"])
    (folder / f"begun-{name}").touch()
    while name == "endless" or not (folder / "go").exists():
        time.sleep(0.02)
    return HttpResponse(f"done {name}")


def cached(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(cache.get_or_set("page", "made")))


urlpatterns = [
    path("cached", cached),
    path("upload", upload),
    path("held/<name>", held),
    path("fields", fields),
    path("where/<path:rest>", where),
    path("whoami", whoami),
    path("no-server", no_server),
    path("no-server-async", no_server_async),
    path("deadlock", deadlock),
    path("broken", broken),
]
