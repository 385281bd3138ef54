"""Threads of gunicorn's for health checks alone, so that a process whose threads are all busy does not look dead."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from .health import health_path

#: Threads that look at what arrives: one that is silent must not hold up the health check behind it.
RESERVED = 4
#: Milliseconds to wait for the first bytes of a connection: a load balancer sends them as soon as it has opened one.
FIRST_BYTES = 1000
#: Seconds after which threads of which none has come free are not busy, but stuck.
STUCK = 300.0


class Threads(ThreadPoolExecutor):
    """
    gunicorn's threads, and a few more that look at what arrives while all of them are busy.

    A health check is answered at once by one of those; anything else waits for its turn as ever. When no thread has
    come free for five minutes, health checks wait too: the task is replaced.
    """

    def __init__(self, threads: int) -> None:
        super().__init__(max_workers=threads)
        self.threads = threads
        self.open = 0
        self.freed = time.monotonic()
        self.lock = threading.Lock()
        self.reserve = ThreadPoolExecutor(max_workers=RESERVED)
        self.starts = tuple(f"{method} {health_path()} HTTP/".encode() for method in ("GET", "HEAD"))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self.lock:
            busy = self.open >= self.threads
            if not busy:
                self.freed = time.monotonic()
        if not busy:
            return self._enqueue(fn, *args, **kwargs)
        answer: Future[Any] = Future()
        self.reserve.submit(self._sort, answer, fn, *args, **kwargs)
        return answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.reserve.shutdown(wait, cancel_futures=cancel_futures)
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _enqueue(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        with self.lock:
            self.open += 1
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._free)
        return future

    def _free(self, _: Future[Any]) -> None:
        with self.lock:
            self.open -= 1
            self.freed = time.monotonic()

    def _sort(self, answer: Future[Any], fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        try:
            if self._is_health_check(*args) and time.monotonic() - self.freed < STUCK:
                answer.set_result(fn(*args, **kwargs))
            else:
                self._enqueue(fn, *args, **kwargs).add_done_callback(lambda done: _copy(done, answer))
        except Exception as error:  # gunicorn closes the connection then.
            answer.set_exception(error)

    def _is_health_check(self, connection: Any = None, *_: Any) -> bool:
        """Look at the first bytes of a connection, and leave them to be read."""
        sock = getattr(connection, "sock", None)
        if not isinstance(sock, socket.socket):
            return False
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        if not poll.poll(FIRST_BYTES):
            return False
        return sock.recv(max(map(len, self.starts)), socket.MSG_PEEK | socket.MSG_DONTWAIT).startswith(self.starts)


def _copy(done: Future[Any], answer: Future[Any]) -> None:
    error = done.exception()
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(done.result())


def reserve_threads_for_health_checks() -> None:
    """Have the worker class gthread use these threads. gunicorn names the method as the one to override for that."""
    ThreadWorker.get_thread_pool = lambda self: Threads(self.cfg.threads)  # type: ignore[method-assign]
