"""Read replicas with real servers: a primary, a replica that is held 5 seconds behind, and several web processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from postgres_server import PASSWORD, Postgres, free_port, primary, replica_of

pytestmark = pytest.mark.slow

DELAY = 5
VISITORS = 1000
KINDS = ["wsgi", "wsgi", "asgi"]
SEED = 20261129


@dataclass
class Site:
    """The primary with its replica, and web processes on ports."""

    primary: Postgres
    replica: Postgres
    ports: list[int]


@contextlib.contextmanager
def processes(servers: tuple[Postgres, Postgres], kinds: list[str], **variables: str) -> Iterator[Site]:
    server, replica = servers
    host = {"DATABASE_REPLICA_HOST": "127.0.0.1"}
    ports = [free_port() for _ in kinds]
    environment = {**os.environ, **server.variables, **host, "REPLICA_PORT": str(replica.port), **variables}
    script = Path(__file__).parent / "replica_project.py"
    started = [
        subprocess.Popen([sys.executable, script, str(port), kind], env=environment)
        for port, kind in zip(ports, kinds, strict=True)
    ]
    try:
        for port in ports:
            _wait_for(port)
        yield Site(server, replica, ports)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            if Visitor().ask(port, "GET", "/healthz") is not None:
                return
        assert time.monotonic() < deadline, f"nobody answers on {port}"
        time.sleep(0.1)


@dataclass
class Visitor:
    """A browser: it keeps cookies in the order in which answers come."""

    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, port: int, method: str, path: str) -> dict[str, Any]:
        answer, cookies = self.send(port, method, path)
        self.keep(cookies)
        return answer

    def send(self, port: int, method: str, path: str) -> tuple[dict[str, Any], list[str]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, headers={"Cookie": cookies} if cookies else {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status == 200, (path, response.status, body[:500])
        return json.loads(body) if body.startswith(b"{") else {}, response.headers.get_all("Set-Cookie") or []

    def keep(self, cookies: list[str]) -> None:
        for line in cookies:
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != 0 and morsel.value:
                    self.cookies[name] = morsel.value


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    with primary() as server:
        server.query('CREATE TABLE notes_note (id bigint PRIMARY KEY, "left" int NOT NULL, "right" int NOT NULL)')
        server.query("INSERT INTO notes_note SELECT id, 0, 0 FROM generate_series(1, 4000) id")
        with replica_of(server, recovery_min_apply_delay=f"{DELAY}s") as replica:
            yield server, replica


def interleaving(site: Site, pk: int, pool: ThreadPoolExecutor) -> Counter[str]:
    """What one visitor does, in processes at random: the aliases of reads, and how many of them were too old."""
    chance = random.Random(SEED + pk)  # noqa: S311 - no secret: the same in each run
    visitor, expected, found = Visitor(), {"left": 0, "right": 0}, Counter[str]()
    for value in range(1, chance.randint(3, 8)):
        action = chance.choice(["write", "write", "sql", "both", "pause", "read"])
        side = chance.choice(["left", "right"])
        if action == "write":
            visitor.ask(chance.choice(site.ports), "POST", f"/write/{pk}/{side}/{value}")
            expected[side] = value
        elif action == "sql":
            answer = visitor.ask(chance.choice(site.ports), "GET", f"/write-sql/{pk}/{side}/{value}")
            found["old within a request"] += answer[side] != value
            expected[side] = value
        elif action == "both":
            # Two at the same time, whose answers arrive in any order.
            sent = [
                pool.submit(visitor.send, chance.choice(site.ports), "POST", f"/write/{pk}/{one}/{value}")
                for one in expected
            ]
            answers = [each.result()[1] for each in sent]
            chance.shuffle(answers)
            for cookies in answers:
                visitor.keep(cookies)
            expected = {"left": value, "right": value}
        elif action == "pause" and chance.random() < 0.4:
            time.sleep(chance.uniform(0, 2 * DELAY))
        path = chance.choice(["read", "read-async"])
        answer = visitor.ask(chance.choice(site.ports), "GET", f"/{path}/{pk}")
        found[answer["from"]] += 1
        found["old"] += any(answer[side] != value for side, value in expected.items())
    return found


def interleavings(site: Site, pks: range) -> Counter[str]:
    with ThreadPoolExecutor(24) as visitors, ThreadPoolExecutor(48) as pool:
        return sum(visitors.map(lambda pk: interleaving(site, pk, pool), pks), Counter())


def test_a_visitor_reads_what_they_wrote_in_1000_interleavings_over_several_processes(servers):
    with processes(servers, KINDS) as site:
        started = time.monotonic()
        found = interleavings(site, range(1, VISITORS + 1))
    print(  # noqa: T201 - npm run runtime shows it
        f"figures: {VISITORS} interleavings, {dict(found)}, {time.monotonic() - started:.0f} s"
    )
    assert found["old"] == 0
    assert found["old within a request"] == 0
    # Both are used: the replica by those who have written nothing, or long ago.
    assert found["replica"] > VISITORS / 10
    assert found["default"] > VISITORS


def test_a_router_that_reads_from_the_replica_alone_fails_the_same(servers):
    with processes(servers, KINDS, ROUTER="replica_project.Naive") as site:
        found = interleavings(site, range(VISITORS + 1, VISITORS + 51))
    assert found["old"] > 20


def test_a_replica_further_behind_than_allowed_is_not_read_from(servers):
    with processes(servers, KINDS, MAX_LAG="2") as site:
        for _ in range(4):
            site.primary.query('UPDATE notes_note SET "left" = "left" + 1 WHERE id = 4000')
            assert {Visitor().ask(port, "GET", "/read/4000")["from"] for port in site.ports} == {"default"}
            time.sleep(1)


@pytest.mark.servers
def test_reads_return_to_the_primary_while_the_replica_is_away_and_none_waits_twice(servers):
    server, _ = servers
    with replica_of(server) as replica, processes((server, replica), KINDS) as site:
        ask = lambda port: Visitor().ask(port, "GET", "/read/1")["from"]  # noqa: E731
        assert [ask(port) for port in site.ports] == ["replica"] * 3
        replica.stop()
        for port in site.ports:
            ask(port)  # The first finds out.
            started = time.monotonic()
            assert [ask(port) for _ in range(20)] == ["default"] * 20
            assert time.monotonic() - started < 2
        replica.start()
        deadline = time.monotonic() + 60
        while {ask(port) for port in site.ports} != {"replica"}:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def test_a_replica_that_hangs_holds_up_those_alone_who_have_asked_it(servers):
    server, _ = servers
    with replica_of(server) as replica, processes((server, replica), KINDS) as site, ThreadPoolExecutor(3) as pool:
        ask = lambda port: Visitor().ask(port, "GET", "/read/1")["from"]  # noqa: E731
        assert [ask(port) for port in site.ports] == ["replica"] * 3
        replica.freeze()
        held = [pool.submit(ask, port) for port in site.ports]
        time.sleep(4)
        for port in site.ports:
            started = time.monotonic()
            assert [ask(port) for _ in range(20)] == ["default"] * 20
            assert time.monotonic() - started < 2
        assert not any(each.done() for each in held)
        replica.thaw()
        assert {each.result(30) for each in held} == {"replica"}
        deadline = time.monotonic() + 60
        while {ask(port) for port in site.ports} != {"replica"}:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def test_a_login_that_the_replica_does_not_know_yet_reads_from_the_primary(servers):
    server, replica = servers
    replica.query("SELECT pg_wal_replay_pause()")
    server.query(f"CREATE ROLE shop_b SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
    with processes((server, replica), ["wsgi", "asgi"], DATABASE_USER="shop_b") as site:
        ask = lambda: {Visitor().ask(port, "GET", "/read/1")["from"] for port in site.ports}  # noqa: E731
        assert ask() == {"default"}
        replica.query("SELECT pg_wal_replay_resume()")
        deadline = time.monotonic() + 60
        while ask() != {"replica"}:
            assert time.monotonic() < deadline
            time.sleep(0.5)
