"""Replaces what is personal, in one transaction, and wipes what was there before."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, transaction

from .rules import EMPTY, Plan, quoted
from .schema import LARGE_OBJECTS, Schema, Table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# HMAC of SHA-256, out of what PostgreSQL has without an extension. The key is a setting of the transaction: it is in
# no statement that a server would log for having been slow, and nobody has it afterwards.
_DIGEST = """
CREATE FUNCTION pg_temp.anonymise_digest(value text) RETURNS text LANGUAGE sql STABLE STRICT AS $$
  SELECT encode(sha256(decode(current_setting('anonymise.outer'), 'hex') ||
    sha256(decode(current_setting('anonymise.inner'), 'hex') || convert_to(value, 'UTF8'))), 'hex') $$"""
# Every text is replaced, an address by the same one as elsewhere, and every number is 0. Keys stay.
_JSON = r"""
CREATE FUNCTION pg_temp.anonymise_json(value jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k, pg_temp.anonymise_json(v)), '{}')
                          FROM jsonb_each(value) AS e (k, v))
    WHEN 'array' THEN (SELECT coalesce(jsonb_agg(pg_temp.anonymise_json(v) ORDER BY n), '[]')
                         FROM jsonb_array_elements(value) WITH ORDINALITY AS e (v, n))
    WHEN 'string' THEN to_jsonb(CASE
      WHEN value #>> '{}' = '' THEN ''
      WHEN value #>> '{}' ~ '^[^@\s]+@[^@\s]+$'
        THEN 'user-' || left(pg_temp.anonymise_digest(value #>> '{}'), 16) || '@example.com'
      ELSE left(pg_temp.anonymise_digest(value #>> '{}'), 16) END)
    WHEN 'number' THEN '0'::jsonb
    ELSE value END;
END $$"""
_BLOCK = 64  # bytes of a block of SHA-256

# Those that somebody has switched off stay off.
_TRIGGERS = """
SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
_ENABLE = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
_VIEWS = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND c.relispopulated ORDER BY c.oid"""
# Of tables without rows, for which ANALYZE leaves the statistics as they are.
_STALE = """
SELECT s.schemaname, s.tablename, s.attname, format_type(a.atttypid, a.atttypmod) FROM pg_stats s
  JOIN pg_namespace n ON n.nspname = s.schemaname
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename AND c.reltuples = 0
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
 WHERE s.schemaname !~ '^pg_'"""


def replace(
    connection: BaseDatabaseWrapper,
    schema: Schema,
    planned: tuple[Plan, list[Table]],
    rules: dict[str, Any],
    say: Callable[[str], object],
) -> None:
    replacements, emptied = planned
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL row_security = off")  # an error where a policy would hide rows
        _prepare(cursor)
        cursor.execute(_TRIGGERS)
        triggers = [(_full(namespace, of), quoted(trigger), state) for namespace, of, trigger, state in cursor]
        for of, trigger, _ in triggers:
            cursor.execute(f"ALTER TABLE {of} DISABLE TRIGGER {trigger}")
        _empty(cursor, schema, emptied)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for name, columns in replacements.items():
            table = schema.tables[name]
            settings = ", ".join(f"{quoted(column.name)} = {sql}" for column, sql in columns)
            only = "" if table.partitioned else "ONLY "
            cursor.execute(f"UPDATE {only}{_full(table.schema, table.relation)} SET {settings}")  # noqa: S608
            say(f"{name}: {cursor.rowcount} rows, {', '.join(column.name for column, _ in columns)}")
        for table in emptied:
            say(f"{table.name}: emptied")
        if rules.get(LARGE_OBJECTS) == EMPTY:
            cursor.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for of, trigger, state in triggers:
            cursor.execute(f"ALTER TABLE {of} {_ENABLE[state]} TRIGGER {trigger}")
        cursor.execute(_VIEWS)
        for namespace, view in cursor.fetchall():
            cursor.execute(f"REFRESH MATERIALIZED VIEW {_full(namespace, view)}")


def _empty(cursor: Any, schema: Schema, emptied: list[Table]) -> None:
    """Before all else, since they may refer to what changes. What refers to them is set to NULL, as its rule says."""
    oids = {table.oid for table in emptied}
    referring = [each for each in schema.references if each.to_table.oid in oids and each.table.oid not in oids]
    referred = {each.to_table.oid for each in referring}
    truncated = [_full(table.schema, table.relation) for table in emptied if table.oid not in referred]
    if truncated:
        cursor.execute(f"TRUNCATE {', '.join(truncated)}")
    for each in referring:
        cursor.execute(f"UPDATE {_full(each.table.schema, each.table.relation)} SET {quoted(each.column)} = NULL")  # noqa: S608
    for table in emptied:
        if table.oid in referred:
            cursor.execute(f"DELETE FROM {_full(table.schema, table.relation)}")  # noqa: S608


def wipe(connection: BaseDatabaseWrapper, say: Callable[[str], object]) -> None:
    """What was there before is in dead rows, and in the statistics of the planner as the most common values."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (FULL, ANALYZE)")
        cursor.execute(_STALE)
        for schema, table, column, sql_type in cursor.fetchall():
            try:
                # The same type: PostgreSQL drops the statistics of the column, and does nothing else.
                cursor.execute(f"ALTER TABLE {_full(schema, table)} ALTER COLUMN {quoted(column)} TYPE {sql_type}")
            except DatabaseError:
                say(f"{schema}.{table}.{column}: its statistics keep former values; a dump does not have them")
        for catalog in ("pg_statistic", "pg_statistic_ext_data"):
            cursor.execute(f"VACUUM (FULL) pg_catalog.{catalog}")


def _prepare(cursor: Any) -> None:
    key = secrets.token_bytes(_BLOCK)
    for name, pad in (("inner", 0x36), ("outer", 0x5C)):
        value = bytes(byte ^ pad for byte in key).hex()
        cursor.execute("SELECT set_config(%s, %s, true)", [f"anonymise.{name}", value])
    cursor.execute(_DIGEST)
    cursor.execute(_JSON)


def _full(schema: str, relation: str) -> str:
    return f"{quoted(schema)}.{quoted(relation)}"
