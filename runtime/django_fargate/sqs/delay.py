"""How a task with a countdown travels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from celery import current_app

#: The longest delay that SQS has.
MOST_DELAY = 900


class CountdownTooLongError(ValueError):
    """
    A task that is due later than its queue allows.

    Where SQS does not hide the message until then, a worker holds the task, and SQS takes it for lost after the
    visibility timeout.
    """


def seconds_until(eta: str | None, now: datetime | None = None) -> float:
    """Seconds until an ETA of Celery's headers, 0 where there is none or it is over."""
    if not eta:
        return 0.0
    due = datetime.fromisoformat(eta.replace("Z", "+00:00"))
    if due.tzinfo is None:
        due = due.replace(tzinfo=current_app.timezone)  # as Celery's worker reads it
    return max(0.0, (due - (now or datetime.now(timezone.utc))).total_seconds())


def delay_seconds(headers: Mapping[str, Any], queue: str, longest: int | None = None) -> int:
    """
    Seconds that SQS keeps a message back: its countdown, up to 15 minutes.

    No worker holds it meanwhile, so that a deployment does not count as an attempt. Raises CountdownTooLongError for
    more than `longest`: if a worker had to hold the task, SQS would hand the message out while it still runs.
    """
    seconds = seconds_until(headers.get("eta"))
    if longest is not None and seconds > longest:
        raise CountdownTooLongError(
            f"The task {headers.get('task')} is due in {math.ceil(seconds)} seconds, but a message of "
            f"{queue} may wait for {longest} seconds at most. Store when it is due and "
            "let a periodic task post it, or give the queue a longer `visibilityTimeout`."
        )
    return min(MOST_DELAY, int(seconds))
