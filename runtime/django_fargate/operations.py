"""
Indexes that are made and dropped while the application runs, with the settings of a release. In a migration with
``atomic = False``, in place of Django's operations of the same names::

    from django_fargate.operations import AddIndexConcurrently
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.contrib.postgres import operations

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState
    from django.db.models import Model

# A release waits ten seconds for a lock, because later queries on the table queue behind it. CREATE INDEX CONCURRENTLY
# queues nobody: it waits for every transaction that began before it, and a report of a minute would end it. What it
# leaves then is an index that is INVALID, which every write still updates, no query uses, and the next attempt finds in
# its way.


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
            with _without_lock_timeout(schema_editor):
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
        with _without_lock_timeout(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


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
        with _without_lock_timeout(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

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
            with _without_lock_timeout(schema_editor):
                _drop_invalid(schema_editor, model, self.name)
                super().database_backwards(app_label, schema_editor, from_state, to_state)


@contextmanager
def _without_lock_timeout(schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """What the session had before is back afterwards, so that other operations still give up."""
    connection = schema_editor.connection
    if schema_editor.collect_sql:  # sqlmigrate, which asks no server.
        schema_editor.execute("SET lock_timeout = 0", params=None)
        yield
        schema_editor.execute("RESET lock_timeout", params=None)
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        (before,) = cursor.fetchone()
        cursor.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        if connection.is_usable():  # Otherwise the reason why it is not would be hidden.
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [before])


def _drop_invalid(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> None:
    if schema_editor.collect_sql:
        return
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON oid = indexrelid"
            " WHERE indrelid = to_regclass(%s) AND relname = %s AND NOT indisvalid",
            [connection.ops.quote_name(model._meta.db_table), name],
        )
        leftover = cursor.fetchone()
    if leftover is not None:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {leftover[0]}", params=None)
