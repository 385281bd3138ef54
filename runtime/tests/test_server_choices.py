"""
Every server that the constructs offer, by their own command line, and what each of them must keep.

`commands.json` comes from the constructs; a test of theirs compares it. The checks that ask for nothing special are
those of test_servers.py and test_websockets.py too, for the servers that run by default.
"""

import asyncio
import hashlib
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from django_fargate import versions
from servers import serving
from test_servers import HEADERS, paths_and_refusals
from test_websockets import BROKEN, COMPRESSED, HALF, NONSENSE, OFFER, TEXT, Client, bomb, frame

pytestmark = [pytest.mark.slow, pytest.mark.servers]

COMMANDS = json.loads((Path(__file__).parent / "commands.json").read_text())
#: With a uvicorn that is too old for it, uvicorn-worker cannot be there (`npm run matrix -- --row oldest`).
ASGI = [name for name in COMMANDS["asgi"] if name == "uvicorn" or versions.installed("uvicorn-worker")]
SERVERS = [*COMMANDS["wsgi"], *ASGI]
#: This worker closes each connection with its answer, and says so.
CLOSES = ["sync"]
#: As many as a task of the default size has; each must be able to answer while another one is held.
PROCESSES = 2
HOST = {"Host": "shop.example.com"}
#: Seconds that ECS waits before it kills, and that an idle connection of the load balancer lives.
STOP_TIMEOUT, IDLE_TIMEOUT = 45, 60


def running(folder, name, graceful="30", keep_alive="75", processes=PROCESSES):
    """A server as the constructs run it, on a port of its own."""
    command = [part.replace("8000", "{port}") for part in {**COMMANDS["wsgi"], **COMMANDS["asgi"]}[name]]
    for suffix, value in (("graceful-timeout", graceful), ("graceful-shutdown", graceful), ("keep-alive", keep_alive)):
        for index, part in enumerate(command):
            if part.startswith("--") and part.endswith(suffix):
                command[index + 1] = value
    if (versions.installed("gunicorn") or ()) < versions.GUNICORN_WITH_MAX_REQUESTS and "--max-requests" in command:
        first = command.index("--max-requests")
        del command[first : first + 4]  # as `maxRequests: 0` leaves them out
    folder.mkdir(exist_ok=True)
    return serving(folder, *command, channels=name in ASGI, processes=processes)


def connected(server):
    return closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=120))


def ask(connection, path, body=None, **headers):
    connection.request("GET" if body is None else "POST", path, body, {**HOST, **headers})
    response = connection.getresponse()
    return response, response.read()


def wait_for(condition, seconds=120):
    """A deadline that only a hang reaches."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("name", SERVERS)
def test_requests_uploads_and_slow_clients(name, tmp_path):
    with running(tmp_path, name) as server:
        with connected(server) as connection:
            assert ask(connection, "/healthz", Host="10.0.3.7:8000")[0].status == 200
        with connected(server) as connection:
            assert ask(connection, "/missing", Host="10.0.3.7:8000")[0].status == 400
        check_addresses(server)
        for headers in HEADERS:
            for place in paths_and_refusals(server, ["X-Forwarded-Proto: http", *headers]):
                assert (place["path"], place["PATH_INFO"]) == ("/where/where/admin/", "/where/where/admin/"), headers
                assert (place["SCRIPT_NAME"], place["REMOTE_ADDR"], place["secure"]) == ("", "127.0.0.1", False), (
                    headers
                )
        check_upload(server)
        check_slow_upload(server)
        with connected(server) as connection:
            response, _ = ask(connection, "/asked?token=canary", **{"X-Forwarded-For": "203.0.113.9"})
            assert (response.status, response.getheader("Server")) == (404, None)
        line = server.line_of("/asked")
        assert "canary" not in server.log.read_text()
        assert line["client"] == "203.0.113.9"
        assert [line for line in server.lines() if line["levelname"] == "ERROR"] == []


def check_addresses(server):
    """The client is the right-most address that is not ours, and the scheme is the load balancer's word."""
    forwarded = {"6.6.6.6, 203.0.113.9": "203.0.113.9", "203.0.113.9, 127.0.0.7": "203.0.113.9"}
    for chain, client in forwarded.items():
        with connected(server) as connection:
            _, body = ask(connection, "/where/a", **{"X-Forwarded-For": chain, "X-Forwarded-Proto": "https"})
        place = json.loads(body)
        assert (place["REMOTE_ADDR"], place["secure"]) == (client, True)


def check_upload(server):
    body = os.urandom(5 << 20)
    with connected(server) as connection:
        _, answer = ask(connection, "/upload", body)
    assert json.loads(answer) == {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def check_slow_upload(server):
    """A client that sends half of its body holds up nobody else, and is answered when the rest has come."""
    with socket.create_connection(("127.0.0.1", server.port), 120) as slow:
        head = ["POST /upload HTTP/1.1", "Host: shop.example.com", "Content-Length: 6", "Connection: close", "", "abc"]
        slow.sendall("\r\n".join(head).encode())
        for _ in range(6):
            with connected(server) as connection:
                assert ask(connection, "/healthz")[0].status == 200
        slow.sendall(b"def")
        answer = b"".join(iter(lambda: slow.recv(65536), b""))
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"size": 6, "sha256": hashlib.sha256(b"abcdef").hexdigest()}


@pytest.mark.parametrize("name", SERVERS)
def test_requests_in_flight_end_after_sigterm_and_one_that_never_does_is_cut(name, tmp_path):
    count = PROCESSES - 1 if name in CLOSES else 6
    answers: dict[int, bytes] = {}

    def hold(number):
        with connected(server) as connection:
            answers[number] = ask(connection, f"/held/{number}")[1]

    with running(tmp_path, name, graceful="10") as server, connected(server) as endless:
        clients = [threading.Thread(target=hold, args=[number]) for number in range(count)]
        for client in clients:
            client.start()
        endless.request("GET", "/held/endless", headers=HOST)
        wait_for(lambda: len(list(tmp_path.glob("begun-*"))) == count + 1)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # a server that cuts does it now
        (tmp_path / "go").touch()
        for client in clients:
            client.join()
        assert server.process.wait(STOP_TIMEOUT) == 0
    assert answers == {number: f"done {number}".encode() for number in range(count)}


@pytest.mark.parametrize("name", [name for name in ASGI if name != "uvicorn"])
def test_gunicorn_hears_of_a_process_until_its_end_although_uvicorn_is_silent_while_it_shuts_down(name, monkeypatch):
    from django_fargate.uvicorn import Worker

    worker = Worker.__new__(Worker)
    beats = iter(range(3))
    done = asyncio.Event()
    monkeypatch.setattr(worker, "notify", lambda: done.set() if next(beats, None) is None else None)

    async def shut_down():
        await worker.callback_notify()
        await done.wait()

    asyncio.run(asyncio.wait_for(shut_down(), 60))


@pytest.mark.parametrize("name", [name for name in ASGI if name != "uvicorn"])
def test_uvicorn_in_gunicorn_bounds_websockets_as_uvicorn_by_itself(name):
    from django_fargate import uvicorn

    def given(name, flag):
        return COMMANDS["asgi"][name][COMMANDS["asgi"][name].index(flag) + 1]

    size = given("uvicorn", "--ws-max-size")
    assert given(name, "--env") == f"{uvicorn.WEB_SOCKET_MAX_SIZE}={size}"
    assert str(uvicorn.DEFAULT_MAX_SIZE) == size
    assert str(uvicorn.Worker.CONFIG_KWARGS["ws_max_queue"]) == given("uvicorn", "--ws-max-queue")
    assert given("uvicorn", "--ws-per-message-deflate") == "false"
    assert uvicorn.Worker.CONFIG_KWARGS["ws_per_message_deflate"] is False


@pytest.mark.parametrize("name", ASGI)
def test_websockets(name, tmp_path):
    with running(tmp_path, name) as server:
        for wrong, lines in BROKEN.items():
            # An extension or a protocol that the server does not know may be left out of the answer instead.
            assert 400 <= server.status(*lines) < 500 or "out of grammar" in wrong, wrong
        for opcode, payload, code in NONSENSE:
            with Client(server) as client:
                client.send(opcode, payload)
                client.send(TEXT, b'"on its way"')
                assert client.closed_with() == code
        with Client(server) as client:
            client.socket.sendall(bytes([0x80 | TEXT]) + struct.pack("!BQ", 0xFF, 65_537) + bytes(4))
            assert client.closed_with() == 1009
        assert [line for line in server.lines() if line["levelname"] == "ERROR" or "exception" in line] == []
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(server)) for _ in range(6)]
            for client in clients:
                client.send(TEXT, b'"hello"')
                assert client.receive() == (TEXT, b'"hello"')
            server.process.send_signal(signal.SIGTERM)
            assert {client.closed_with() for client in clients} == {1012}
            server.process.wait(STOP_TIMEOUT)


@pytest.mark.parametrize("name", [name for name in ASGI if name != "uvicorn"])  # that one is in test_websockets.py
def test_bombs_and_large_messages_take_less_than_half_of_a_task_s_memory(name, tmp_path):
    with running(tmp_path, name, processes=1) as server:
        assert peak(server, frame(COMPRESSED | TEXT, bomb(15)) * 6) < HALF / 2
        assert peak(server, frame(TEXT, b'"' + b"x" * 65_000 + b'"') * 100) < HALF / 2
        with Client(server) as client:
            client.send(TEXT, b'"still there"')
            assert client.receive() == (TEXT, b'"still there"')


def peak(server, messages, connections=60, seconds=3.0):
    """The most that the server and its processes take while so many connections send."""
    with ExitStack() as stack:
        for _ in range(connections):
            client = stack.enter_context(Client(server, "/ws/echo", OFFER))
            client.socket.setblocking(False)
            with suppress(OSError):  # the server has closed, or takes no more for now
                client.socket.send(messages)
        most, deadline = 0, time.monotonic() + seconds
        while time.monotonic() < deadline and most <= HALF:
            most = max(most, mebibytes(server.process.pid))
        return most


def mebibytes(pid):
    sizes = subprocess.check_output(["/bin/ps", "-o", "rss=", "--pid", str(pid), "--ppid", str(pid)], text=True)
    return sum(map(int, sizes.split())) >> 10


def test_an_idle_connection_lives_longer_than_that_of_the_load_balancer(tmp_path):
    """One wait for all of them, at an hour in the place of 75 seconds: how fast they start must not matter."""
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(running(tmp_path / name, name, keep_alive="3600", processes=1))
            for name in SERVERS
        }
        connections = {name: stack.enter_context(connected(server)) for name, server in servers.items()}
        said = {name: ask(each, "/healthz")[0].getheader("Connection") for name, each in connections.items()}
        assert [name for name in SERVERS if said[name] == "close"] == CLOSES
        sockets = {name: each.sock for name, each in connections.items()}
        time.sleep(IDLE_TIMEOUT + 1)
        for name, connection in connections.items():
            assert ask(connection, "/healthz")[0].status == 200
            assert (connection.sock is sockets[name]) or name in CLOSES, f"{name} has closed"
