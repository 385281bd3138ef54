"""
A Django project that reads from a replica, for processes that the tests start.

`python replica_project.py PORT wsgi|asgi` serves it. ROUTER names another router, MAX_LAG another bound.
"""

import os
import sys
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

from django_fargate import replicas
from django_fargate.settings import databases


class Naive(replicas.ReplicaRouter):
    """What is often written: reads there, writes here."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"


ROUTER = os.environ.get("ROUTER", "django_fargate.replicas.ReplicaRouter")
replicas.MAX_LAG = int(os.environ.get("MAX_LAG", replicas.MAX_LAG))
DATABASES = databases(asgi="asgi" in sys.argv, pool=8)
DATABASES["replica"]["PORT"] = os.environ["REPLICA_PORT"]  # on one machine each server has its own
settings.configure(
    SECRET_KEY="x" * 50,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES=DATABASES,
    DATABASE_ROUTERS=[ROUTER],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=[
        "django_fargate.middleware.HealthCheckMiddleware",
        "django_fargate.middleware.DatabaseUnavailableMiddleware",
        "django_fargate.middleware.ReplicaMiddleware",
    ],
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402 - after the settings
from django.views.decorators.csrf import csrf_exempt  # noqa: E402


class Note(models.Model):
    left: Any = models.IntegerField(default=0)
    right: Any = models.IntegerField(default=0)

    class Meta:
        app_label = "notes"

    def __str__(self) -> str:
        return str(self.pk)


def _answer(note: Note) -> JsonResponse:
    return JsonResponse({"left": note.left, "right": note.right, "from": note._state.db})


def read(request: HttpRequest, pk: int) -> JsonResponse:
    return _answer(Note.objects.get(pk=pk))


async def read_async(request: HttpRequest, pk: int) -> JsonResponse:
    return _answer(await Note.objects.aget(pk=pk))


@csrf_exempt
def write(request: HttpRequest, pk: int, side: str, value: int) -> JsonResponse:
    """Reads, changes and writes the whole row, as a form does."""
    with transaction.atomic():
        note = Note.objects.select_for_update().get(pk=pk)
        setattr(note, side, value)
        note.save()
    return _answer(note)


def write_sql(request: HttpRequest, pk: int, side: str, value: int) -> JsonResponse:
    """In a GET, past the ORM, which asks no router; what follows in the request finds it."""
    with connection.cursor() as cursor:
        sql = 'UPDATE notes_note SET "left" = %s WHERE id = %s'
        cursor.execute(sql.replace("left", side), [value, pk])
    return read(request, pk)


urlpatterns = [
    path("read/<int:pk>", read),
    path("read-async/<int:pk>", read_async),
    path("write/<int:pk>/<side>/<int:value>", write),
    path("write-sql/<int:pk>/<side>/<int:value>", write_sql),
]


def main(port: int, kind: str) -> None:
    sys.modules["replica_project"] = sys.modules["__main__"]  # the router is named by it
    if kind == "asgi":
        import uvicorn
        from django.core.asgi import get_asgi_application

        uvicorn.run(get_asgi_application(), port=port, log_level="warning")
        return
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

    from django.core.wsgi import get_wsgi_application

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        request_queue_size = 100

    class Handler(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    make_server("127.0.0.1", port, get_wsgi_application(), Server, Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
