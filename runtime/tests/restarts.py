"""Rolling restarts of workers as ECS makes them, and what they do to tasks."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from celery import Celery

from sqs_double import Message
from workers import Lab, Worker, application, wait_until

#: When tasks have started or were done, by "start" or "done" and the label.
Notes = Mapping[tuple[str, str], Sequence[float]]

#: Seconds that a task may take beyond its own work, however many workers are restarted meanwhile.
LATEST = 60.0
#: Messages that may wait. A machine that is slow gets fewer tasks in the same time, and none of them is late.
MOST_WAITING = 20
#: What the constructs start a worker with, beside what every one in these tests has.
COMMAND = ("--concurrency", "2", "--time-limit", "1500", "--max-tasks-per-child", "1000")

CUT_OFF = "cut off before stopTimeout"
UNREAD = "received by a worker that stops, and given back before it had begun"
HIDDEN = "neither done nor given back, so the visibility timeout ran out"


@dataclass(frozen=True)
class Plan:
    """So many tasks, posted while all workers are replaced several times."""

    tasks: int
    restarts: int
    interval: float
    """Seconds between two posts."""
    workers: int
    stop_timeout: float
    outliving: int = 0
    """Tasks of each restart that take longer than the stop timeout, beside the others."""


@dataclass
class Figures:
    posted: int = 0
    done: int = 0
    late: int = 0
    latest: float = 0.0
    done_twice: int = 0
    again: Counter[str] = field(default_factory=Counter)
    """Receives beyond the first, by their cause."""
    resumed: float = 0.0
    """The longest time in seconds from the end of a task that was cut off to its next start."""
    stops: list[float] = field(default_factory=list)
    killed: int = 0
    seconds: float = 0.0
    of_late: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return self.posted - self.done

    def __str__(self) -> str:
        again = ", ".join(f"{count} {cause}" for cause, count in sorted(self.again.items())) or "none"
        return (
            f"{self.posted} tasks, {len(self.stops)} workers restarted: {self.lost} lost, {self.late} later than "
            f"{LATEST:.0f} s (latest {self.latest:.1f} s), {self.done_twice} done twice; received again: {again}"
            f"{f' (started again after {self.resumed:.1f} s at most)' if self.again[CUT_OFF] else ''}; workers stopped "
            f"in {min(self.stops):.1f} to {max(self.stops):.1f} s, {self.killed} killed; {self.seconds:.0f} s"
        )


class Restarts:
    """Posts tasks and replaces workers at the same time."""

    def __init__(self, one: Lab, plan: Plan) -> None:
        self.lab, self.plan, self.figures = one, plan, Figures()
        [self.queue] = one.sqs.queues.values()
        self.app: Celery = application(one.environment)
        self.labels: list[str] = []
        self.workers: list[Worker] = []
        self._posting, self._starting = threading.Lock(), threading.Lock()

    def run(self) -> Figures:
        begin = time.monotonic()
        self.workers = self._start()
        share = self.plan.tasks // self.plan.restarts
        with ThreadPoolExecutor(self.plan.restarts) as threads:
            restarts: list[Future[None]] = []
            for number in range(self.plan.tasks):
                if number % share == share // 2 and len(restarts) < self.plan.restarts:
                    restarts.append(threads.submit(self._restart, len(restarts)))
                self._post("nap", f"n{number}")
                time.sleep(self.plan.interval)
                wait_until(lambda: self.queue.waiting() < MOST_WAITING)
            for restart in restarts:
                restart.result()
        with suppress(AssertionError):  # a task that is lost is hidden for longer
            wait_until(lambda: not self.queue.messages, seconds=LATEST)
        self.figures.seconds = time.monotonic() - begin
        count(self.figures, self.labels, self.queue.everything(), self.lab.all_notes())
        return self.figures

    def _start(self) -> list[Worker]:
        stop_timeout = str(self.plan.stop_timeout)
        return [self.lab.worker(*COMMAND, DJANGO_FARGATE_STOP_TIMEOUT=stop_timeout) for _ in range(self.plan.workers)]

    def _post(self, name: str, label: str) -> None:
        with self._posting:
            self.labels.append(label)
            self.app.send_task(name, (label,))

    def _restart(self, number: int) -> None:
        """Starts new workers, sends SIGTERM to the old ones, and SIGKILL after the stop timeout, as ECS does."""
        with self._starting:
            long = [f"long{number}.{index}" for index in range(self.plan.outliving)]
            for label in long:
                self._post("outlive", label)
            wait_until(lambda: all(self.lab.notes("start", label) for label in long))
            old, self.workers = self.workers, self._start()
            begin = time.monotonic()
            for worker in old:
                worker.process.send_signal(signal.SIGTERM)
        for worker in old:
            try:
                worker.process.wait(max(0.0, begin + self.plan.stop_timeout - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(worker.process.pid, signal.SIGKILL)
                worker.process.wait()
                self.figures.killed += 1
            self.figures.stops.append(time.monotonic() - begin)


def count(figures: Figures, labels: Sequence[str], messages: Sequence[Message], notes: Notes) -> None:
    """Counts what became of the tasks, from what SQS and the tasks have noted."""
    of_label = {str(label_of(message)): message for message in messages}
    figures.posted = len(labels)
    for label in labels:
        message, starts, ends = of_label[label], notes.get(("start", label), ()), notes.get(("done", label), ())
        worked = 0.0
        for number, received in enumerate(message.received[:-1], start=1):
            following = message.received[number]
            cause = cause_of(message, number, [start for start in starts if received <= start < following])
            figures.again[cause] += 1
            if cause == CUT_OFF:
                cut_at = message.given_back[number][0]
                worked += cut_at - received
                next_start = min((start for start in starts if start >= following), default=following)
                figures.resumed = max(figures.resumed, next_start - cut_at)
        figures.done += bool(ends)
        figures.done_twice += len(ends) > 1
        waited = (ends[0] if ends else time.monotonic()) - message.sent - worked
        figures.latest = max(figures.latest, waited)
        if waited > LATEST:
            figures.late += 1
            figures.of_late.append(f"{label}: done {len(ends)} times after {waited:.1f} s, {message}")


def cause_of(message: Message, number: int, starts: Sequence[float]) -> str:
    """Why SQS handed a message out once more after its receive of this number."""
    if number not in message.given_back:
        return HIDDEN
    _, hidden = message.given_back[number]
    if hidden > 0:
        return f"failed, and hidden for {hidden} s"
    return CUT_OFF if starts else UNREAD


def label_of(message: Message) -> Any:
    return json.loads(base64.b64decode(message.payload()["body"]))[0][0]
