"""Starts real workers as the constructs do, in front of the double of SQS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from celery import Celery

from sqs_double import Queue, Sqs

APPLICATION = """
import logging.config
import os
import time

import django_fargate.celery
import django_fargate.consumer
import django_fargate.protection
import django_fargate.sqs.channel
from celery import Celery, signals
from django_fargate.logs import logging_config

logging.config.dictConfig(logging_config())
django_fargate.celery.LIVENESS_INTERVAL = 0.2
django_fargate.consumer.UNKNOWN_TASK_DELAY = int(os.environ.get("UNKNOWN_TASK_DELAY", "50"))
django_fargate.sqs.channel.MOST_HELD = int(os.environ.get("MOST_HELD", "10"))
django_fargate.protection.INTERVAL = float(os.environ.get("PROTECTION_INTERVAL", "15"))
app = Celery("shop", backend=os.environ.get("RESULTS"))
django_fargate.celery.setup(app)


def note(*words):
    with open(os.environ["DONE"], "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")


@signals.task_received.connect
def stop(request, **_):
    if "NOTES_RECEIPT" in os.environ:
        note("received", request.task_name, time.monotonic(), os.getpid())
    if request.task_name == os.environ.get("STOPS_WHEN_RECEIVED"):
        os.kill(os.getpid(), 15)


@app.task(name="nap")
def nap(label, seconds=0.0):
    note("start", label, time.monotonic(), os.getpid())
    time.sleep(seconds)
    note("done", label, time.monotonic(), os.getpid())


@app.task(name="outlive")
def outlive(label):
    with open(os.environ["DONE"]) as file:
        again = f"start {label} " in file.read()
    note("start", label, time.monotonic(), os.getpid())
    time.sleep(0 if again else 3600)
    note("done", label, time.monotonic(), os.getpid())


@app.task(name="fail")
def fail(label):
    note("start", label, time.monotonic(), os.getpid())
    raise ValueError(label)


@app.task(name="die")
def die(label):
    note("start", label, time.monotonic(), os.getpid())
    os.kill(os.getpid(), 9)


@app.task(name="exhaust")
def exhaust(label):
    raise MemoryError(label)


@app.task(name="again", bind=True, max_retries=5)
def again(self, label):
    note("start", label, time.monotonic(), os.getpid())
    if self.request.retries < 2:
        raise self.retry(countdown=1)
    note("done", label, time.monotonic(), os.getpid())


@app.task(name="collect")
def collect(results, label):
    note("done", label, time.monotonic(), os.getpid())


@app.task(name="relay")
def relay(label):
    nap.delay(label)


@app.task(name="connection")
def connection(label):
    from django.db import connection as database

    database.ensure_connection()
    note("connection", label, os.getpid(), id(database.connection))
"""
SETTINGS = """
SECRET_KEY = "x" * 50
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": __file__ + ".sqlite3", "CONN_MAX_AGE": 60}
}
"""
#: What a newer version of the application also has.
NEWER = """

@app.task(name="new")
def new(label):
    note("done", label, time.monotonic(), os.getpid())
"""


class Lab:
    """A folder with an application, a double of SQS, and workers."""

    def __init__(self, folder: Path, sqs: Sqs, options: dict[str, Any]) -> None:
        self.folder, self.sqs = folder, sqs
        self.done = folder / "done"
        self.done.touch()
        self.started: list[subprocess.Popen[bytes]] = []
        queues = {
            name: {
                "url": sqs.queue_url(name),
                **({} if queue.max_receives is None else {"max_receive_count": queue.max_receives}),
            }
            for name, queue in sqs.queues.items()
        }
        given = {"region": "eu-west-1", "wait_time_seconds": 2, "predefined_queues": queues, **options}
        self.environment = {
            "CELERY_BROKER_URL": "sqs://",
            "CELERY_BROKER_TRANSPORT_OPTIONS": json.dumps(given),
            "CELERY_TASK_DEFAULT_QUEUE": next(iter(queues)),
            "AWS_ENDPOINT_URL": sqs.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DONE": str(self.done),
        }

    def worker(self, *arguments: str, newer: bool = False, **variables: str) -> Worker:
        name = f"worker-{len(self.started)}"
        place = self.folder / name
        place.mkdir()
        (place / "shop.py").write_text(APPLICATION + (NEWER if newer else ""))
        (place / "shop_settings.py").write_text(SETTINGS)
        command = ["worker", "--queues", ",".join(self.sqs.queues), "--concurrency", "1", "--prefetch-multiplier", "1"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]
        log = place / "log"
        with open(log, "w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "--app", "shop", *command, *quiet, *arguments],
                cwd=place,
                env={**os.environ, **self.environment, "CELERY_LIVENESS_FILE": str(place / "alive"), **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that it can be killed with its children
            )
        self.started.append(process)
        worker = Worker(process, place / "alive", log)
        wait_until(lambda: "ready" in log.read_text() or process.poll() is not None, why=log)
        assert process.poll() is None, log.read_text()
        return worker

    def post(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Posts a task as a web process would."""
        return application(self.environment).send_task(name, arguments, **options)

    def notes(self, what: str, label: str) -> list[tuple[float, int]]:
        """When, and in which process, a task has started or is done."""
        lines = [line.split() for line in self.done.read_text().splitlines()]
        return [(float(line[2]), int(line[3])) for line in lines if line[:2] == [what, label]]

    def all_notes(self) -> dict[tuple[str, str], list[float]]:
        """When tasks have started or were done, by "start" or "done" and the label."""
        found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        for line in self.done.read_text().splitlines():
            what, label, at, _ = line.split()
            found[what, label].append(float(at))
        return found


class Worker:
    def __init__(self, process: subprocess.Popen[bytes], alive: Path, log: Path) -> None:
        self.process, self.alive, self._log = process, alive, log

    def log(self) -> str:
        return self._log.read_text()

    def lines(self, level: str) -> list[str]:
        found = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line["message"] for line in found if line["levelname"] == level]


@contextmanager
def lab(folder: Path, options: dict[str, Any] | None = None, **queues: Queue) -> Iterator[Lab]:
    sqs = Sqs()
    sqs.queues.update(queues or {"default": Queue()})
    made = Lab(folder, sqs, options or {})
    try:
        yield made
    finally:
        for process in made.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        sqs.close()


def application(environment: dict[str, str]) -> Celery:
    """A Celery application in this process, which must have these variables."""
    from django_fargate.celery import setup

    assert os.environ["AWS_ENDPOINT_URL"] == environment["AWS_ENDPOINT_URL"]
    app = Celery("poster", set_as_current=False)
    setup(app)
    return app


def wait_until(condition: Callable[[], Any], seconds: float = 60.0, why: Path | None = None) -> Any:
    """Waits for a condition, much longer than it takes on a quiet machine."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited too long\n{why.read_text() if why else ''}"
        time.sleep(0.02)
    return found
