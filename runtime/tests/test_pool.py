"""The database pool of a server process says why it cannot connect."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import OperationalError

from django_fargate import pool
from django_fargate.middleware import is_database_unavailable


class PoolTimeout(psycopg.OperationalError):
    """psycopg_pool's, by its name."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(pool, "_last_failure", None)


def timeout():
    error = OperationalError("couldn't get a connection after 10.00 sec")
    error.__cause__ = PoolTimeout("couldn't get a connection after 10.00 sec")
    return error


def test_a_pool_without_a_free_connection_is_unavailable():
    assert is_database_unavailable(timeout())


def test_a_pool_whose_server_is_away_is_unavailable():
    with pytest.raises(psycopg.OperationalError):
        pool.Connection.connect("host=127.0.0.1 port=9 user=u password=canary dbname=d")
    assert "port 9" in str(pool.why(timeout().__cause__))
    assert is_database_unavailable(timeout())


def test_a_pool_with_wrong_credentials_is_an_error(monkeypatch):
    wrong = psycopg.OperationalError('FATAL:  password authentication failed for user "shop"')
    monkeypatch.setattr(pool, "_last_failure", wrong)
    assert not is_database_unavailable(timeout())


def test_what_failed_before_the_newest_connection_does_not_count(monkeypatch):
    monkeypatch.setattr(pool, "_last_failure", psycopg.OperationalError("password authentication failed"))
    monkeypatch.setattr(psycopg.Connection, "connect", classmethod(lambda cls, *args, **kwargs: "connected"))
    assert pool.Connection.connect("") == "connected"
    assert is_database_unavailable(timeout())


def test_a_replica_that_cannot_be_reached_is_no_reason_for_what_the_primary_lacks():
    with pytest.raises(psycopg.OperationalError):
        pool.ReplicaConnection.connect("host=127.0.0.1 port=9 user=u password=canary dbname=d")
    assert pool._last_failure is None


def test_other_errors_are_what_they_are():
    error = psycopg.errors.DeadlockDetected("deadlock detected")
    assert pool.why(error) is error
    assert pool.why(None) is None


SERVER_PROCESS = """
import atexit, threading
from django.conf import settings
from django_fargate.settings import database
settings.configure(DATABASES={"default": database(asgi=True, pool=2)})
from django.db import connections
pool = connections["default"].pool
atexit.register(lambda: print("closed" if pool.closed else "open"))  # after what is registered later
pool.open()
def request():
    try:
        pool.getconn(timeout=0.2)
    except Exception as error:
        print(type(error).__name__)
thread = threading.Thread(target=request)
thread.start()
thread.join()
"""


def test_a_process_closes_its_pool_while_the_threads_of_the_pool_still_run():
    """Otherwise psycopg_pool waits five seconds for threads that have stopped, in each process of each roll-out."""
    names = {"HOST": "127.0.0.1", "PORT": "9", "NAME": "shop", "USER": "shop", "PASSWORD": "canary"}
    environment = os.environ | {f"DATABASE_{name}": value for name, value in names.items()}
    done = subprocess.run([sys.executable, "-c", SERVER_PROCESS], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["PoolTimeout", "closed"]
    assert "Traceback" not in done.stderr
