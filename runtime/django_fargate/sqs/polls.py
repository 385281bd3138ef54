"""What is known about the long polls of a worker."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger(__name__)

#: Seconds between two warnings that polls fail, and between a poll that failed and the next one.
WARNING_INTERVAL = 60.0
PAUSE = 1.0
#: Seconds that an answer may take beyond the time that SQS holds a poll open.
ANSWER_MARGIN = 10.0
#: After the time of so many polls without any answer, not even a failure, polling has stopped.
MISSED_ANSWERS = 2


class Polls:
    """The open polls of one channel, when the last one returned, and whether they fail."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.open = 0
        self._alive_at = time.monotonic()
        self._failing: set[str] = set()
        self._warned_at: float | None = None
        self._silent = 0

    def started(self) -> None:
        self.open += 1

    def returned(self) -> None:
        self.open -= 1
        self.alive()

    def alive(self) -> None:
        """Polling goes on, or there is nothing to ask for because the worker is full."""
        self._alive_at = time.monotonic()

    def have_stopped(self) -> bool:
        """Whether nothing came back for so long that nobody polls any more. An outage of SQS is no such thing."""
        return time.monotonic() - self._alive_at > MISSED_ANSWERS * (self.wait + ANSWER_MARGIN)

    def refused(self, queue: str, reason: str) -> None:
        """Notes a poll that failed; warns of the first, and then once in WARNING_INTERVAL."""
        self._failing.add(queue)
        now = time.monotonic()
        if self._warned_at is not None and now - self._warned_at < WARNING_INTERVAL:
            self._silent += 1
            return
        logger.warning(
            "SQS gave no messages of %s: %s. The worker goes on asking.",
            queue,
            reason,
            extra={"queue": queue, "reason": reason, "failures_before": self._silent},
        )
        self._warned_at, self._silent = now, 0

    def pause(self, queue: str) -> float:
        """Seconds to wait before a queue is asked again, told once."""
        if queue not in self._failing:
            return 0.0
        self._failing.discard(queue)
        return PAUSE
