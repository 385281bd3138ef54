"""ECS task scale-in protection, while a worker does what stopping it would throw away."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

from celery import bootsteps

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

#: Seconds that the longest task may take; set where that is more than a worker has to stop.
VARIABLE = "DJANGO_FARGATE_TASK_PROTECTION"
#: Seconds between two looks at what is in work. A task that ends before the second look is never protected: what is
#: lost when it is cut off is less than the calls would cost.
INTERVAL = 15.0
#: Seconds that the agent may take.
TIMEOUT = 5.0
#: Most minutes that ECS protects a task for, and minutes that are added for a renewal that comes late.
MOST_MINUTES = 2880
SPARE_MINUTES = 1


def install(app: Celery) -> None:
    """Protect workers of this application where the contract asks for it, and where there is an ECS agent."""
    app.steps["worker"].add(Protection)


class Agent:
    """The endpoint of the ECS agent inside a task."""

    def __init__(self, uri: str) -> None:
        self.url = f"{uri.rstrip('/')}/task-protection/v1/state"

    def protect(self, minutes: int) -> None:
        """No scale-in and no deployment stops the task for so long."""
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": minutes})

    def release(self) -> None:
        """ECS may stop the task again."""
        self._put({"ProtectionEnabled": False})

    def _put(self, state: dict[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310 (the agent's own address, from ECS)
            self.url, json.dumps(state).encode(), {"content-type": "application/json"}, method="PUT"
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            answer = json.loads(response.read() or b"{}")
        if "failure" in answer or "error" in answer:
            raise OSError(json.dumps(answer.get("failure") or answer.get("error")))


class Protection(bootsteps.StartStopStep):
    """
    Asks for protection while a Celery task runs that has been running for a while, and gives it up afterwards.

    A deployment waits for a protected task as well. Where ECS refuses, the worker goes on unprotected.
    """

    requires = ("celery.worker.components:Timer", "celery.worker.components:Pool")

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        uri, limit = os.environ.get("ECS_AGENT_URI"), os.environ.get(VARIABLE)
        self.enabled = bool(uri and limit)
        self.agent = Agent(uri or "")
        self.minutes = min(MOST_MINUTES, math.ceil(float(limit or 0) / 60) + SPARE_MINUTES)
        self.protected = False
        self.seen: set[str] = set()
        self._protected_for: frozenset[str] = frozenset()
        self.timer_entry: Any = None
        self._busy = threading.Lock()

    def include_if(self, worker: Any) -> bool:
        return self.enabled

    def start(self, worker: Any) -> None:
        self.timer_entry = worker.timer.call_repeatedly(INTERVAL, self.look, priority=10)

    def stop(self, worker: Any) -> None:
        if self.timer_entry is not None:
            self.timer_entry.cancel()
            self.timer_entry = None

    def terminate(self, worker: Any) -> None:
        self.stop(worker)

    def look(self) -> None:
        """Protect for a task that was in work at the last look already; release when no such task is left."""
        from celery.worker import state

        active = {str(request.id) for request in tuple(state.active_requests)}
        lasting, self.seen = active & self.seen, active
        if lasting and (not self.protected or lasting - self._protected_for):
            self._call(True, lasting)
        elif not lasting and self.protected:
            self._call(False, set())

    def _call(self, protect: bool, tasks: set[str]) -> None:
        """In a thread: the event loop does not wait for the agent."""
        if self._busy.acquire(blocking=False):
            threading.Thread(target=self._tell, args=(protect, frozenset(tasks)), daemon=True).start()

    def _tell(self, protect: bool, tasks: frozenset[str]) -> None:
        try:
            if protect:
                self.agent.protect(self.minutes)
            else:
                self.agent.release()
            self.protected, self._protected_for = protect, tasks
        except (OSError, ValueError) as error:
            logger.warning("ECS did not change the protection of this task: %s", error)
        finally:
            self._busy.release()
