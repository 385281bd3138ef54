"""The database pool of a server process, and why it cannot connect."""

from __future__ import annotations

from typing import Any

import psycopg

#: Why the newest attempt of this process to connect failed; None since one has succeeded.
_last_failure: psycopg.OperationalError | None = None


class Connection(psycopg.Connection[Any]):
    """A connection of the pool, which itself tells whoever waits for one only that none came in time."""

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Any:
        global _last_failure
        try:
            connection = super().connect(*args, **kwargs)
        except psycopg.OperationalError as error:
            _last_failure = error
            raise
        _last_failure = None
        return connection


def why(error: BaseException | None) -> BaseException | None:
    """The failure to connect that a timeout of the pool stands for, or the error itself."""
    return _last_failure if type(error).__name__ == "PoolTimeout" and _last_failure is not None else error
