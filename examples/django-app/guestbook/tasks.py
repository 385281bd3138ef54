"""
Tasks on two queues. Names with ``express_`` go to the queue ``express``, all others to the default one.

Each run leaves a TaskRecord, so that /tasks/ shows what was done, by which worker, and how often. SQS delivers at least
once: every task may run twice and must not mind.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from celery import Task, shared_task
from django.utils import timezone

from .models import Message, TaskRecord
from .rooms import say

#: How long a drill may sleep.
MAX_SECONDS = 60


class DrillError(Exception):
    """What a failing drill raises."""


@shared_task(bind=True)
def count_words(self: Task, message_id: int) -> None:
    """Count the words of a message."""
    with recorded(self, label=str(message_id)):
        message = Message.objects.filter(pk=message_id).first()
        if message is not None:
            Message.objects.filter(pk=message_id).update(words=len(message.text.split()))


@shared_task(bind=True)
def heartbeat(self: Task) -> None:
    """
    Sent by beat each minute.

    Shows that beat, queue, worker and database work together, and makes up for lost tasks.
    """
    with recorded(self):
        now = timezone.now()
        TaskRecord.objects.filter(name=self.name, started_at__lt=now - timedelta(days=1)).delete()
        forgotten = Message.objects.filter(words=None, created_at__lt=now - timedelta(minutes=1))
        for message_id in forgotten.values_list("pk", flat=True)[:100]:
            count_words.delay(message_id)


@shared_task(bind=True)
def say_later(self: Task, room: str, text: str) -> None:
    """Say something in a room, from a worker."""
    with recorded(self, label=room):
        say(room, f"{text}, from a worker")


@shared_task(bind=True)
def express_ping(self: Task, label: str = "") -> None:
    """A quick task."""
    with recorded(self, label):
        pass


@shared_task(bind=True)
def slow(self: Task, label: str = "", seconds: float = 5) -> None:
    """A drill: a task that takes its time."""
    with recorded(self, label):
        time.sleep(min(seconds, MAX_SECONDS))


@shared_task(bind=True)
def express_slow(self: Task, label: str = "", seconds: float = 2) -> None:
    """A drill: a task that takes its time, on the queue with the short time limit."""
    with recorded(self, label):
        time.sleep(min(seconds, MAX_SECONDS))


@shared_task(bind=True)
def express_poison(self: Task, label: str = "") -> None:
    """A drill: a task that always fails. It ends up in the dead-letter queue."""
    with recorded(self, label):
        raise DrillError("this task always fails")


@shared_task(bind=True)
def express_kill(self: Task, label: str = "") -> None:
    """
    A drill: kills its own process the first time and succeeds the next time.

    The kernel does the same when memory runs out.
    """
    with recorded(self, label):
        if TaskRecord.objects.filter(task_id=self.request.id).count() == 1:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def recorded(task: Task, label: str = "") -> Iterator[TaskRecord]:
    """Write down that a task started, and when it has succeeded."""
    record = TaskRecord.objects.create(
        task_id=task.request.id or "",
        name=task.name,
        queue=(task.request.delivery_info or {}).get("routing_key") or "",
        worker=task.request.hostname or "",
        label=label,
    )
    yield record
    record.finished_at = timezone.now()
    record.save(update_fields=["finished_at"])
