"""Starts real servers in front of the tests' project, and reads their logs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = """
import tests_settings
from django.core.{kind} import get_{kind}_application
application = get_{kind}_application()
"""
SETTINGS = """
from django.conf import settings
from django_fargate.logs import logging_config

settings.configure(
    SECRET_KEY="x" * 50,
    ALLOWED_HOSTS=["shop.example.com"],
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    ROOT_URLCONF="project",
    MIDDLEWARE=[
        "django_fargate.middleware.HealthCheckMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    SESSION_ENGINE="django_fargate.sessions.db",
    LOGGING=logging_config(),
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
"""
CHANNELS = """
from django_fargate.channels import (
    AllowedHostsOriginValidator,
    AsyncJsonWebsocketConsumer,
    AuthMiddlewareStack,
    URLRouter,
)
from channels.routing import ProtocolTypeRouter
from django.urls import path


class Echo(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content, **kwargs):
        await self.send_json(content)


http = application
routes = [
    path("ws/echo", Echo.as_asgi()),
    path("ws/rooms/", URLRouter([path("<int:room>", Echo.as_asgi())])),
]
application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes)))}
)
"""
GUNICORN = """
import sys

if "gevent" in sys.argv:  # before anything of Django is imported
    from gevent import monkey

    monkey.patch_all()

from django_fargate.gunicorn import hide_server_header
from django_fargate.threads import reserve_threads_for_health_checks

hide_server_header()
reserve_threads_for_health_checks()
logger_class = "django_fargate.gunicorn.Logger"
control_socket_disable = True
"""


@dataclass
class Server:
    """A server that listens."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def line_of(self, path: str) -> dict[str, Any]:
        """The line of a request; servers write it when they have answered, so it may be a moment late."""
        deadline = time.monotonic() + 30
        while True:
            found = [line for line in self.lines() if line.get("path") == path and "client" in line]
            if found or time.monotonic() > deadline:
                return found[-1]
            time.sleep(0.05)

    def answer(self, *lines: str, whole: bool = False) -> str:
        """
        What comes back first for lines that are sent as they are, or all until the server closes.

        Nothing where the server only closes.
        """
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin1"))
            with suppress(ConnectionResetError):
                while chunk := connection.recv(65536):
                    answer += chunk
                    if not whole:
                        break
        return answer.decode("latin1")

    def status(self, *lines: str) -> int:
        """The status of that answer; 0 where there is none."""
        answer = self.answer(*lines)
        return int(answer.split(None, 2)[1]) if answer.startswith("HTTP/") else 0


@contextmanager
def serving(folder: Path, *command: str, channels: bool = False, processes: int = 1) -> Iterator[Server]:
    """``python -m`` a command, in which ``{port}`` stands for a free one, in front of the tests' project."""
    (folder / "tests_settings.py").write_text(SETTINGS)
    (folder / "wsgi.py").write_text(PROJECT.format(kind="wsgi"))
    (folder / "asgi.py").write_text(PROJECT.format(kind="asgi") + (CHANNELS if channels else ""))
    (folder / "gunicorn.conf.py").write_text(GUNICORN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), os.path.dirname(__file__)]),
        "FORWARDED_ALLOW_IPS": "127.0.0.0/8",
        "WEB_CONCURRENCY": str(processes),
        "HELD": str(folder),
    }
    log = folder / "log"
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(port=port) for part in command)],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_port(port, process, log)
        yield Server(port, log, process)
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.1)
