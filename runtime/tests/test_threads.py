"""Health checks while every thread of gunicorn is busy."""

import socket
import threading
import time
from concurrent.futures import wait
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.workers.gthread import ThreadWorker

from django_fargate.threads import STUCK, Threads, reserve_threads_for_health_checks
from servers import serving
from test_servers import COMMANDS

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
PAGE = b"GET /healthz-of-others HTTP/1.1\r\nHost: a\r\n\r\n"
BODY = [b"POST /fields HTTP/1.1", b"Host: shop.example.com", b"Content-Type: application/x-www-form-urlencoded"]


def test_gunicorn_answers_health_checks_while_slow_clients_hold_all_of_its_threads(tmp_path):
    with serving(tmp_path, *COMMANDS["gunicorn"]) as server, ExitStack() as clients:
        # Two threads, and as many clients again that wait for one.
        slow = [clients.enter_context(socket.create_connection(("127.0.0.1", server.port), 60)) for _ in range(4)]
        for client in slow:
            client.sendall(b"\r\n".join([*BODY, b"Content-Length: 3", b"Connection: close", b"", b"a"]))
        page = clients.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
        for _ in range(3):
            assert server.status("GET /healthz HTTP/1.1", "Host: 10.0.3.7", "Connection: close") == 200
        page.sendall(b"GET /where/a HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\r\n")
        assert server.status("GET /healthz HTTP/1.1", "Host: 10.0.3.7", "Connection: close") == 200
        page.settimeout(0.5)
        with pytest.raises(TimeoutError):
            page.recv(1)
        for client in slow:
            client.sendall(b"=1")
        page.settimeout(60)
        assert page.recv(100).startswith(b"HTTP/1.1 200")
        assert [client.recv(100).split(b"\r\n")[0] for client in slow] == [b"HTTP/1.1 200 OK"] * 4


@pytest.fixture
def busy():
    """One thread, which is busy until the test sets `end`."""
    threads, end = Threads(1), threading.Event()
    threads.submit(end.wait, 60)
    yield threads, end
    end.set()
    threads.shutdown()


@pytest.fixture
def connection():
    """Makes connections of gunicorn's on which something was received."""
    with ExitStack() as sockets:

        def make(received: bytes):
            ours, theirs = (sockets.enter_context(end) for end in socket.socketpair())
            theirs.sendall(received)
            ours.setblocking(False)
            return SimpleNamespace(sock=ours)

        yield make


def read(conn):
    return conn.sock.recv(1000)


def test_what_is_no_health_check_waits_for_its_turn_and_loses_nothing(busy, connection):
    threads, end = busy
    page, silent = threads.submit(read, connection(PAGE)), threads.submit(lambda conn: conn, connection(b""))
    assert threads.submit(read, connection(HEALTH)).result(60) == HEALTH
    assert not page.done()
    assert not silent.done()
    end.set()
    assert page.result(60) == PAGE
    assert silent.result(60) is not None


def test_threads_of_which_none_came_free_for_five_minutes_are_stuck(busy, connection):
    threads, end = busy
    threads.freed = time.monotonic() - STUCK
    check = threads.submit(read, connection(HEALTH))
    assert not wait([check], 0.5).done
    end.set()
    assert check.result(60) == HEALTH


def test_an_error_reaches_the_worker(busy, connection):
    threads, end = busy
    errors = [threads.submit(lambda conn: 1 / 0, connection(received)) for received in (HEALTH, PAGE)]
    end.set()
    assert [type(error.exception(60)) for error in errors] == [ZeroDivisionError] * 2


def test_the_worker_class_of_gunicorn_makes_these_threads(monkeypatch):
    monkeypatch.setattr(ThreadWorker, "get_thread_pool", None)
    reserve_threads_for_health_checks()
    worker: Any = SimpleNamespace(cfg=SimpleNamespace(threads=3))
    pool = ThreadWorker.get_thread_pool(worker)
    assert isinstance(pool, Threads)
    assert pool.threads == 3
    pool.shutdown()
