"""How a task with a countdown travels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from celery import current_app

#: The longest delay that SQS has.
MOST_DELAY = 900
#: The longest visibility timeout that SQS has.
MOST_VISIBILITY = 12 * 3600


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
        due = math.ceil(seconds)
        raise CountdownTooLongError(
            f"The task {headers.get('task')} is due in {due} seconds by its `countdown` or `eta`, but a message of the "
            f"queue {queue} may wait for {longest} seconds at most. {_more_time(queue, due, longest)}"
        )
    return min(MOST_DELAY, int(seconds))


def _more_time(queue: str, due: int, longest: int) -> str:
    """What to do for a task that is due so late."""
    store = "store when the task is due, and let a periodic task of beat post it then"
    if due >= MOST_DELAY + MOST_VISIBILITY:
        return f"No queue allows more than 12 hours and 15 minutes: {store}."
    more = due - longest
    return (
        f"In the stack, give `queues.{queue}` a `visibilityTimeout` that is {more} seconds longer or a `taskTimeLimit` "
        f"that is {more} seconds shorter, or {store}."
    )
