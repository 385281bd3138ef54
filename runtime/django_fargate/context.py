"""What a line in the log belongs to: the request with its trace id, or the task with its id and name."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

#: As much of a header goes into each line.
MOST_CHARACTERS = 200

_trace: ContextVar[str | None] = ContextVar("django_fargate_trace", default=None)


def follow(trace_id: str | None) -> None:
    """
    Note the X-Amzn-Trace-Id of the request that begins here.

    Nothing takes it back: each request notes its own, and the access log is written after the response.
    """
    _trace.set(trace_id[:MOST_CHARACTERS] if trace_id else None)


def fields() -> dict[str, Any]:
    """The fields for a line that is written now: `trace`, or `task_id` and `task_name`."""
    found: dict[str, Any] = {}
    trace = _trace.get()
    if trace:
        found["trace"] = trace
    celery = sys.modules.get("celery._state")
    task = celery.get_current_task() if celery is not None else None
    if task is not None and task.request.id:
        found.update(task_id=task.request.id, task_name=task.name)
    return found
