"""
Indexes that are made and dropped while the application runs, with the settings of a release. In a migration with
``atomic = False``, in place of Django's operations of the same names::

    from django_fargate.operations import AddIndexConcurrently
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.contrib.postgres import operations
from django.db import InternalError, transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState
    from django.db.models import Model

# A release waits ten seconds for a lock, because later queries on the table queue behind it. CREATE INDEX CONCURRENTLY
# queues nobody: it waits for every transaction that began before it, and a report of a minute would end it. What it
# leaves then is an index that is INVALID: every write updates it, no query uses it, and the next attempt fails at its
# name. The second setting ends the statement of a release that was stopped, which would otherwise run on.
SETTINGS = {"lock_timeout": "0", "client_connection_check_interval": "5s"}
# CREATE INDEX CONCURRENTLY gives its lock back just before it commits. A DROP that takes the lock in between is told
# that the tuple of the index was "concurrently updated", and can only be tried again.
ATTEMPTS = 20
PAUSE = 0.1


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Django's, which waits for its locks as long as it must and first drops what a failed attempt has left INVALID."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            with _patience(schema_editor):
                _drop_invalid(schema_editor, model, self.index.name)
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        with _patience(schema_editor):
            back = super().database_backwards
            _again(lambda: back(app_label, schema_editor, from_state, to_state))


class RemoveIndexConcurrently(operations.RemoveIndexConcurrently):
    """Django's, which waits for its locks as long as it must."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        with _patience(schema_editor):
            forth = super().database_forwards
            _again(lambda: forth(app_label, schema_editor, from_state, to_state))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            with _patience(schema_editor):
                _drop_invalid(schema_editor, model, self.name)
                super().database_backwards(app_label, schema_editor, from_state, to_state)


@contextmanager
def _patience(schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """What the session had before is back afterwards, so that other operations still give up."""
    connection = schema_editor.connection
    if schema_editor.collect_sql:  # sqlmigrate, which asks no server.
        schema_editor.execute("SET lock_timeout = 0", params=None)
        yield
        schema_editor.execute("RESET lock_timeout", params=None)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [list(SETTINGS)])
        before = dict(cursor.fetchall())
    _set(connection, {name: SETTINGS[name] for name in before})
    try:
        yield
    finally:
        if connection.is_usable():  # Otherwise the reason why it is not would be hidden.
            _set(connection, before)


def _set(connection: BaseDatabaseWrapper, settings: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])


def _drop_invalid(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> None:
    if schema_editor.collect_sql:
        return
    connection = schema_editor.connection
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON oid = indexrelid"
            " WHERE indrelid = to_regclass(%s) AND relname = %s AND NOT indisvalid",
            [table, name],
        )
        leftover = cursor.fetchone()
        if leftover is None:
            return
        with transaction.atomic(connection.alias):  # An attempt that is still being made ends first.
            cursor.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
    _again(lambda: schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {leftover[0]}", params=None))


def _again(drop: Callable[[], None]) -> None:
    """Drops an index, which another attempt may be about to commit."""
    for _ in range(1, ATTEMPTS):
        try:
            return drop()
        except InternalError:
            time.sleep(PAUSE)
    return drop()
