"""Celery's consumer, for a queue that hands a message out until somebody deletes it."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from celery import bootsteps, signals
from celery.worker import consumer, state

logger = logging.getLogger(__name__)

#: Seconds after which a worker that does not know a task gives it to another one: longer than a poll of the same
#: worker, shorter than a deployment.
UNKNOWN_TASK_DELAY = 50
#: Seconds in which a message is written to the process that does its task.
WRITING_TIME = 5.0
#: As many unknown tasks are remembered, so that each is logged once.
MOST_UNKNOWN = 1000


class Consumer(consumer.Consumer):
    """Leaves to other workers, and in the end to the dead-letter queue, what this worker cannot do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unknown: dict[str, None] = {}

    def call_soon(self, p: Any, *args: Any, **kwargs: Any) -> Any:
        """
        Call at once while the worker stops.

        Celery's acknowledgements wait for the event loop, which no longer turns: a task that is done would be deleted
        only when all others are done, and would be done again if the worker was killed before.
        """
        if self.hub and self.blueprint.state in (bootsteps.CLOSE, bootsteps.TERMINATE):
            return p(*args, **kwargs)
        return super().call_soon(p, *args, **kwargs)

    def stop(self) -> None:
        """
        Stop receiving, and give back at once what has not begun.

        The pool is told of a task in the next turn of the event loop. SIGTERM before that turn leaves a task that no
        process knows: Celery waits for its end until the worker is cut off, and nobody does it meanwhile. The same goes
        for a task that is held because it is due in some seconds.
        """
        channel = getattr(self.task_consumer, "channel", None)
        super().stop()
        if getattr(channel, "stopping", False):
            pool = getattr(self.pool, "_pool", None)
            # Acknowledgements wait for a turn of the loop; what is written to a process by half has begun.
            channel.turn_while(
                lambda: bool(getattr(self.hub, "_ready", None) or getattr(pool, "_active_writers", None)), WRITING_TIME
            )
            channel.give_back_all_but(_begun(pool))

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """
        Give a task that was posted by a newer version to a worker of that version.

        Celery would mark it as failed and leave it hidden for the visibility timeout.
        """
        give_back = getattr(message.channel, "give_back", None)
        headers = message.headers or {}
        if give_back is None or "id" not in headers:
            super().on_unknown_task(body, message, exc)
            return
        name, task_id = headers["task"], headers["id"]
        if task_id not in self._unknown:
            self._unknown[task_id] = None
            if len(self._unknown) > MOST_UNKNOWN:
                del self._unknown[next(iter(self._unknown))]
            logger.error(
                "This worker has no task %s: it leaves the message to others for %s seconds",
                name,
                UNKNOWN_TASK_DELAY,
                extra={"task_id": task_id, "task_name": name},
            )
        give_back(message.delivery_tag, UNKNOWN_TASK_DELAY)
        signals.task_unknown.send(sender=self, message=message, exc=exc, name=name, id=task_id)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Leave a message that cannot be decoded to the dead-letter queue. Celery deletes it."""
        logger.error("A message cannot be decoded: %r", exc, exc_info=exc)
        message.reject_log_error(logger, self.connection_errors)


def _begun(pool: Any) -> set[str]:
    """
    Delivery tags of the tasks that a process does, or reads from its pipe.

    The pool forgets the others, and waits for them no longer.
    """
    begun = {request.message.delivery_tag for request in tuple(state.active_requests)}
    for request in tuple(state.reserved_requests):
        job = request._apply_result and request._apply_result()
        if job is not None and getattr(job, "_write_to", job) is None and not job._accepted:
            job.discard()
            with suppress(AttributeError, ValueError):
                pool.outbound_buffer.remove(job)
        elif job is not None:
            begun.add(request.message.delivery_tag)
    return begun
