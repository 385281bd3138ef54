"""The database pool of a server process: why it cannot connect, and its end."""

from __future__ import annotations

import atexit
import functools
from typing import Any

import psycopg

#: Why the newest attempt of this process to connect failed; None since one has succeeded.
_last_failure: psycopg.OperationalError | None = None


class Connection(psycopg.Connection[Any]):
    """A connection of the pool, which itself tells whoever waits for one only that none came in time."""

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Any:
        global _last_failure
        _close_at_exit()
        try:
            connection = super().connect(*args, **kwargs)
        except psycopg.OperationalError as error:
            _last_failure = error
            raise
        _last_failure = None
        return connection


class ReplicaConnection(psycopg.Connection[Any]):
    """A connection of the replica's pool, whose failures are no reason for what the primary's lacks."""

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Any:
        _close_at_exit()
        return super().connect(*args, **kwargs)


def why(error: BaseException | None) -> BaseException | None:
    """The failure to connect that a timeout of the pool stands for, or the error itself."""
    return _last_failure if type(error).__name__ == "PoolTimeout" and _last_failure is not None else error


def close_pools() -> None:
    """
    Close the pools of this process while their threads still run.

    psycopg_pool waits five seconds for each that is left when the interpreter ends, for all threads have stopped by
    then. Nothing is in work any more: Python waits for the threads of a server before.
    """
    from django.db import connections

    for connection in connections.all():
        close = getattr(connection, "close_pool", None)
        if close is not None:
            close()


@functools.cache
def _close_at_exit() -> None:
    """Not before there is a pool: settings that cannot be read would fail a second time."""
    atexit.register(close_pools)
