"""The database connections of a worker: kept between tasks, and closed when none come."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

from celery import signals
from django.conf import settings
from django.db import close_old_connections, connections

from .settings import IDLE

logger = logging.getLogger(__name__)

#: Read by Celery's own fix-up for Django, which closes every connection before and after every task unless it is set:
#: a TLS handshake and a login for the smallest task. What it stands for there is left to CONN_MAX_AGE.
SETTINGS = {"CELERY_DB_REUSE_MAX": sys.maxsize}

_UID = "django_fargate.connections"


def install() -> None:
    """Treat a task as Django treats a request: connections that are too old or broken are closed, others are kept."""
    for signal, receiver in ((signals.task_prerun, _begin), (signals.task_postrun, _end)):
        signal.connect(receiver, weak=False, dispatch_uid=_UID)


class _Idle:
    """
    Closes what is kept once no task has run for a while, which Django only does when the next one comes.

    A session that nobody uses takes memory of the server, and keeps a database awake that would pause.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._since = 0.0
        self._kept: WeakSet[Any] = WeakSet()
        #: One for each process, and none of a parent lives on in its child.
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Waits until nothing is being closed."""
        with self._lock:
            self._running += 1

    def end(self, kept: Iterable[Any]) -> None:
        with self._lock:
            self._running = max(0, self._running - 1)
            self._since = time.monotonic()
            self._kept.update(kept)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name=_UID, daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while True:
            time.sleep(max(0.1, self._since + IDLE - time.monotonic()))
            with self._lock:
                if self._running == 0 and time.monotonic() - self._since >= IDLE:
                    self._close()
                    self._thread = None
                    return

    def _close(self) -> None:
        for connection in self._kept:
            connection.inc_thread_sharing()  # Its own thread waits for the lock before it uses the connection again.
            try:
                connection.close()
            except Exception:
                logger.warning("An idle database connection could not be closed", exc_info=True)
            finally:
                connection.dec_thread_sharing()
        self._kept.clear()


_idle = _Idle()


def _begin(sender: Any = None, **_: Any) -> None:
    if _is_ours(sender):
        _idle.begin()
        close_old_connections()


def _end(sender: Any = None, **_: Any) -> None:
    if _is_ours(sender):
        close_old_connections()
        _idle.end(connections.all(initialized_only=True))


def _is_ours(sender: Any) -> bool:
    """An eager task runs inside the transaction of whoever calls it."""
    return settings.configured and not getattr(sender.request, "is_eager", False)
