"""What strangers send to a WebSocket server, and what it makes of it."""

import asyncio
import base64
import socket
import struct
import subprocess
import time
import zlib
from contextlib import ExitStack, suppress

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.generic.websocket import AsyncWebsocketConsumer
from django.test import override_settings
from django.urls import path

from django_fargate.channels import AllowedHostsOriginValidator, AsyncJsonWebsocketConsumer, URLRouter
from servers import serving

UVICORN = ["uvicorn", "asgi:application", "--host", "127.0.0.1", "--port", "{port}", "--no-server-header"]
HANDSHAKE = {
    "Host": "shop.example.com",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(b"sixteen bytes...").decode(),
    "Origin": "https://shop.example.com",
}


def handshake(path="/ws/echo", *more, method="GET", **changed):
    """The lines of a handshake; a header that is changed to None is left out."""
    headers = {**HANDSHAKE, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return [f"{method} {path} HTTP/1.1", *lines, *more]


UNKNOWN = ["/ws/x{n}", "/ws/rooms/x{n}", "/ws/{n}%00%ff%0a", "/ws/echo/{n}", "/{n}", "/ws/..%2f{n}", "/ws/x?token={n}"]
BROKEN = {
    "no Origin": handshake(Origin=None),
    "a wrong Origin": handshake(Origin="https://evil.example"),
    "an opaque Origin": handshake(Origin="null"),
    "an Origin with half a bracket": handshake(Origin="http://[::1"),
    "an Origin with a port out of range": handshake(Origin="http://shop.example.com:99999999"),
    "an Origin of other bytes": handshake(Origin="https://\xff\xfe"),
    "two Origins": handshake("/ws/echo", "Origin: http://[::1"),
    "no key": handshake(Sec_WebSocket_Key=None),
    "a short key": handshake(Sec_WebSocket_Key="?"),
    "two keys": handshake("/ws/echo", "Sec-WebSocket-Key: AAAA"),
    "no version": handshake(Sec_WebSocket_Version=None),
    "a wrong version": handshake(Sec_WebSocket_Version="99"),
    "another method": handshake(method="POST"),
    "extensions out of grammar": handshake(Sec_WebSocket_Extensions=';;;=,,"x'),
    "protocols out of grammar": handshake(Sec_WebSocket_Protocol=",,(;"),
    "a path of other bytes": handshake("/ws/\xff\xfe"),
    "a control character": handshake("/ws/\x01"),
    "a path with a space": handshake("/ws/ x"),
    "another protocol": handshake(Upgrade="h2c"),
    "no upgrade": handshake(Connection=None),
    "a header of other bytes": handshake("/ws/echo", "X-\xff: a"),
}


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with serving(folder, *UVICORN, "--http", request.param, channels=True) as server:
        yield server


def faults(server):
    return [line for line in server.lines() if line["levelname"] in ("ERROR", "CRITICAL") or "exception" in line]


def test_a_thousand_unknown_paths_are_refused_and_none_is_an_error(server):
    statuses = [
        server.status(*handshake(UNKNOWN[number % len(UNKNOWN)].format(n=number))) for number in range(500)
    ]  # five hundred to each of the two parsers
    assert set(statuses) == {403}
    assert faults(server) == []
    assert "Traceback" not in server.log.read_text()
    assert "token=" not in server.log.read_text()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_handshake_is_refused_and_is_no_error(server, name):
    for _ in range(5):
        assert 400 <= server.status(*BROKEN[name]) < 500
    assert faults(server) == []


def frame(opcode, payload):
    """A frame with a mask of zeros."""
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0xFE, size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


class Client:
    """A WebSocket that is open, and through which anything can be sent."""

    def __init__(self, server, path="/ws/echo", *more):
        self.socket = socket.create_connection(("127.0.0.1", server.port), 60)
        self.socket.sendall("\r\n".join([*handshake(path, *more), "", ""]).encode())
        self.reader = self.socket.makefile("rb")
        assert b" 101 " in self.reader.readline()
        while self.reader.readline() != b"\r\n":
            pass

    def send(self, opcode, payload):
        self.socket.sendall(frame(opcode, payload))

    def receive(self):
        """The next frame: its opcode and what it holds."""
        opcode, length = self.reader.read(2)
        size = struct.unpack("!H", self.reader.read(2))[0] if length == 126 else length
        return opcode & 15, self.reader.read(size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    def closed_with(self):
        opcode, payload = self.receive()
        assert opcode == 8
        return struct.unpack("!H", payload[:2])[0]


TEXT, BINARY = 1, 2
NONSENSE = [
    (TEXT, b"{", 1007),
    (TEXT, b"", 1007),
    (BINARY, b"\x00\x01", 1007),
    (TEXT, b"[" * 60_000, 1007),
    (TEXT, b"\xff\xfe", 1007),
    (3, b"an opcode that there is not", 1002),
]


@pytest.mark.parametrize(("opcode", "payload", "code"), NONSENSE)
def test_a_message_that_is_none_closes_the_connection_and_is_no_error(server, opcode, payload, code):
    with Client(server) as client:
        client.send(opcode, payload)
        client.send(TEXT, b'"on its way"')
        assert client.closed_with() == code
    with Client(server, "/ws/rooms/7") as good:
        good.send(TEXT, b'"hello"')
        assert good.receive() == (TEXT, b'"hello"')
    time.sleep(0.1)
    assert faults(server) == []


class Broken(AsyncWebsocketConsumer):
    async def connect(self):
        raise ValueError("an error of the application")


def ask(application, path, kind="websocket", headers=(), seconds=60):
    async def run():
        scope = {"type": kind, "path": path, "headers": list(headers)}
        communicator = ApplicationCommunicator(application, scope)
        await communicator.send_input(
            {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request"}
        )
        return await communicator.receive_output(seconds)

    return asyncio.run(run())


def at(route, consumer):
    """A route to a consumer: `path()` is typed for views."""
    return path(route, consumer)


def test_an_error_of_a_consumer_is_still_an_error():
    router = URLRouter([at("ws/broken", Broken.as_asgi())])
    with pytest.raises(ValueError, match="an error of the application"):
        ask(router, "/ws/broken", seconds=10)  # it is looked at when nothing more comes


def test_an_inner_router_leaves_a_path_to_the_routes_after_it():
    class Accept(AsyncWebsocketConsumer):
        pass

    inner = URLRouter([at("known", Broken.as_asgi())])
    router = URLRouter([path("ws/", inner), at("ws/later", Accept.as_asgi())])
    assert ask(router, "/ws/later")["type"] == "websocket.accept"
    assert ask(router, "/ws/never")["type"] == "websocket.close"


def test_an_unknown_path_of_http_is_not_found():
    assert ask(URLRouter([]), "/nowhere", kind="http")["status"] == 404


@pytest.mark.parametrize("headers", [[], [(b"origin", b"https://elsewhere.example.com")], [(b"origin", b"https://[")]])
def test_whoever_is_refused_does_not_listen_to_the_channel_layer(headers):
    away = {"default": {"BACKEND": "a.layer.that.is.Away"}}
    with override_settings(ALLOWED_HOSTS=["shop.example.com"], CHANNEL_LAYERS=away):
        assert ask(AllowedHostsOriginValidator(URLRouter([])), "/", headers=headers)["type"] == "websocket.close"


@pytest.mark.parametrize(("debug", "answer"), [(True, "websocket.accept"), (False, "websocket.close")])
def test_on_a_developer_s_machine_its_own_pages_may_connect(debug, answer):
    with override_settings(ALLOWED_HOSTS=[], DEBUG=debug):
        application = AllowedHostsOriginValidator(AsyncJsonWebsocketConsumer.as_asgi())
        assert ask(application, "/", headers=[(b"origin", b"http://localhost:8000")])["type"] == answer


@override_settings(ALLOWED_HOSTS=["shop.example.com"])
def test_only_pages_of_our_own_hosts_may_connect():
    application = AllowedHostsOriginValidator(AsyncJsonWebsocketConsumer.as_asgi())
    answers = {
        origin: ask(application, "/", headers=[(b"origin", origin.encode("latin1"))])["type"]
        for origin in ("https://shop.example.com", "https://evil.example", "http://[", "")
    }
    assert answers.pop("https://shop.example.com") == "websocket.accept"
    assert set(answers.values()) == {"websocket.close"}


#: What AsgiService adds.
LIMITS = ["--ws-max-size", "65536", "--ws-max-queue", "4", "--ws-per-message-deflate", "false"]
COMPRESSED = 0x40
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
#: Half of what an ASGI task of production has.
HALF = 512


def bomb(mebibytes):
    """A compressed message of JSON: fifteen thousand bytes that become fifteen million."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -12)
    text = b'"' + b"x" * (mebibytes << 20) + b'"'
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def mebibytes(server):
    return int(subprocess.check_output(["/bin/ps", "-o", "rss=", "-p", str(server.process.pid)])) >> 10


def peak(server, connections, messages, seconds=3.0):
    """The most memory that the server takes while so many connections send; ends when it is over half of a task's."""
    with ExitStack() as stack:
        most = 0
        for _ in range(connections):
            client = stack.enter_context(Client(server, "/ws/echo", OFFER))
            client.socket.setblocking(False)
            with suppress(OSError):  # the server has closed, or takes no more for now
                client.socket.send(messages)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and most <= HALF:
            most = max(most, mebibytes(server))
        return most


def test_sixty_connections_of_bombs_take_less_than_half_of_a_task_s_memory(tmp_path):
    with serving(tmp_path, *UVICORN, *LIMITS, channels=True) as server:
        assert peak(server, 60, frame(COMPRESSED | TEXT, bomb(15)) * 6) < HALF / 4
        # The largest that the limit lets through, and nothing read of what comes back.
        assert peak(server, 60, frame(TEXT, b'"' + b"x" * 65_000 + b'"') * 100) < HALF / 2
        assert faults(server) == []
        with Client(server) as client:
            client.send(TEXT, b'"still there"')
            assert client.receive() == (TEXT, b'"still there"')


def test_without_the_limits_twelve_connections_take_more(tmp_path):
    with serving(tmp_path, *UVICORN, channels=True) as server:
        assert peak(server, 12, frame(COMPRESSED | TEXT, bomb(15)) * 6, seconds=90) > HALF
        server.process.kill()


def test_a_message_above_the_limit_is_too_big(tmp_path):
    with serving(tmp_path, *UVICORN, *LIMITS, channels=True) as server, Client(server) as client:
        client.socket.sendall(bytes([0x80 | TEXT]) + struct.pack("!BQ", 0xFF, 65_537) + bytes(4))
        assert client.closed_with() == 1009
