"""Where nobody comes, no session is left in the database, and the first who comes again is answered."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from postgres_server import Postgres, primary

pytestmark = pytest.mark.slow

#: Seconds in the place of five minutes.
IDLE = 4

SERVER = """
import django_fargate.settings as settings
settings.IDLE = {idle}
from django.conf import settings as configured
configured.configure(DATABASES={{"default": settings.database(asgi={asgi}, pool={pool})}})
import django; django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.core.signals import request_finished
from django.db import connection
def request(barrier):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        barrier.wait(30)
    request_finished.send(sender=None)
for line in iter(input, "end"):
    with ThreadPoolExecutor(int(line)) as threads:
        barrier = Barrier(int(line))
        list(threads.map(request, [barrier] * int(line)))
    print("answered", flush=True)
"""

WORKER = """
import django_fargate.settings as settings
settings.IDLE = {idle}
from django.conf import settings as configured
configured.configure(DATABASES={{"default": settings.database()}})
import django; django.setup()
from celery import Celery
from django_fargate import connections
folders = {{"data_folder_in": {folder!r}, "data_folder_out": {folder!r}, "control_folder": {folder!r}}}
app = Celery("idle_worker", broker="filesystem://")
app.conf.update(broker_transport_options=folders, worker_prefetch_multiplier=1, **connections.SETTINGS)
connections.install()

@app.task
def ask(name):
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    open(name, "w").close()
"""


@pytest.fixture(scope="module")
def server() -> Any:
    with primary() as started:
        yield started


def wait_until(reached: Any, seconds: float = 30) -> float:
    started = time.monotonic()
    while not reached():
        assert time.monotonic() < started + seconds
        time.sleep(0.1)
    return time.monotonic() - started


@pytest.mark.parametrize("asgi", [False, True])
def test_the_pool_of_a_server_process_is_empty_when_nobody_has_come_for_a_while(server: Postgres, asgi: bool):
    script = SERVER.format(idle=IDLE, asgi=asgi, pool=5)
    environment = {**os.environ, **server.variables, "DJANGO_FARGATE_PROCESS": "web"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for requests in (5, 3):
            process.stdin.write(f"{requests}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "answered\n"
            assert len(server.sessions()) >= requests - 1  # kept for the next
            assert wait_until(lambda: server.sessions() == []) < 2 * IDLE
        process.stdin.write("end\n")


def test_a_worker_without_tasks_has_no_session_and_takes_the_next_one(server: Postgres, tmp_path: Path):
    folder = tmp_path / "broker"
    folder.mkdir()
    (tmp_path / "idle_worker.py").write_text(WORKER.format(idle=IDLE, folder=str(folder)))
    environment = {**os.environ, **server.variables, "DJANGO_FARGATE_PROCESS": "worker"}
    environment["PYTHONPATH"] = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"

    def send(name: str) -> None:
        code = f"import idle_worker; idle_worker.ask.delay({str(tmp_path / name)!r})"
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=tmp_path)

    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "idle_worker",
        "worker",
        "-c",
        "2",
        "--without-gossip",
        "--without-mingle",
    ]
    with open(tmp_path / "log", "w") as log:
        worker = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
    try:
        for names in (["a", "b"], ["c", "d"]):
            for name in names:
                send(name)
            wait_until(lambda: all((tmp_path / name).exists() for name in names), 60)  # noqa: B023
            assert server.sessions() != []  # kept for the next
            assert wait_until(lambda: server.sessions() == []) < 2 * IDLE + 2
        assert "could not be closed" not in (tmp_path / "log").read_text()
    finally:
        worker.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(30)
        worker.kill()
