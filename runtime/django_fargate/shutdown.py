"""What a worker does shortly before ECS kills it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from celery import signals

logger = logging.getLogger(__name__)

VARIABLE = "DJANGO_FARGATE_STOP_TIMEOUT"
#: Seconds that a worker needs to cut its tasks off and to give their messages back, also if SQS is slow.
MARGIN = 15.0

_UID = "django_fargate.shutdown"


def seconds_before_cut(stop_timeout: float) -> float:
    """Seconds after SIGTERM for which tasks may go on: all but a margin, or three quarters of a short time."""
    return max(stop_timeout - MARGIN, stop_timeout * 0.75)


def stop_timeout() -> float | None:
    """Seconds between SIGTERM and SIGKILL, by the contract; None where nobody says it."""
    value = os.environ.get(VARIABLE)
    return float(value) if value else None


def install() -> None:
    """
    Cut off what still runs shortly before SIGKILL, so that another worker starts it again at once.

    SIGTERM is a warm shutdown. After SIGKILL a message stays hidden for the visibility timeout; after SIGQUIT Celery
    gives it back.
    """
    signals.worker_shutting_down.connect(_cut_off_later, weak=False, dispatch_uid=_UID)


def _cut_off_later(how: str = "", **_: Any) -> None:
    seconds = stop_timeout()
    if how != "Warm" or seconds is None:
        return
    timer = threading.Timer(seconds_before_cut(seconds), os.kill, (os.getpid(), signal.SIGQUIT))
    timer.daemon = True
    timer.start()
