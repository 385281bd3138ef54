"""The tables of a database as PostgreSQL knows them: models are not asked, since a table may have none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: Where large objects are stored: to be named among the rules, as a table.
LARGE_OBJECTS = "pg_largeobject"

# Without the tables of extensions and without partitions, whose rows are those of the table that they are parts of.
_TABLES = r"""
SELECT c.oid, n.nspname, c.relname, c.relkind = 'p', a.attname, format_type(a.atttypid, a.atttypmod),
       coalesce(b.typname, t.typname), a.attnotnull, a.attgenerated <> '', a.attidentity = 'a',
       nullif(greatest(coalesce(nullif(a.atttypmod, -1), t.typtypmod), -1), -1) - 4
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type b ON b.oid = nullif(t.typbasetype, 0)
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname, c.relname, a.attnum"""
_REFERENCES = """
SELECT r.conrelid, f.attname, r.confrelid, t.attname
  FROM pg_constraint r
  CROSS JOIN LATERAL unnest(r.conkey, r.confkey) AS k (ours, theirs)
  JOIN pg_attribute f ON f.attrelid = r.conrelid AND f.attnum = k.ours
  JOIN pg_attribute t ON t.attrelid = r.confrelid AND t.attnum = k.theirs
 WHERE r.contype = 'f' AND r.conparentid = 0"""
_UNIQUE = """
SELECT DISTINCT i.indrelid, a.attname FROM pg_index i
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
 WHERE i.indisunique OR i.indisexclusion"""


@dataclass
class Column:
    """A column; ``length`` is the number of characters that ``varchar`` and ``char`` are limited to."""

    name: str
    sql_type: str
    base: str
    required: bool
    generated: bool
    always_identity: bool
    length: int | None
    unique: bool = False


@dataclass
class Table:
    """A table with its columns; ``name`` is what the rules call it, with its schema unless that is ``public``."""

    oid: int
    schema: str
    relation: str
    partitioned: bool
    columns: dict[str, Column]

    @property
    def name(self) -> str:
        return self.relation if self.schema == "public" else f"{self.schema}.{self.relation}"


@dataclass
class Reference:
    """One column of a foreign key."""

    table: Table
    column: str
    to_table: Table
    to_column: str


@dataclass
class Schema:
    """What the rules have to speak of."""

    tables: dict[str, Table]
    references: list[Reference]
    large_objects: int


def read_schema(connection: BaseDatabaseWrapper) -> Schema:
    by_oid: dict[int, Table] = {}
    for oid, schema, relation, partitioned, *column in _rows(connection, _TABLES):
        table = by_oid.setdefault(oid, Table(oid, schema, relation, partitioned, {}))
        name, sql_type, base, required, generated, identity, length = column
        limited = length if base in ("varchar", "bpchar") else None
        table.columns[name] = Column(name, sql_type, base, required, generated, identity, limited)
    for oid, name in _rows(connection, _UNIQUE):
        if oid in by_oid:
            by_oid[oid].columns[name].unique = True
    references = [
        Reference(by_oid[table], column, by_oid[to_table], to_column)
        for table, column, to_table, to_column in _rows(connection, _REFERENCES)
        if table in by_oid and to_table in by_oid
    ]
    [[large_objects]] = _rows(connection, "SELECT count(*) FROM pg_largeobject_metadata")
    return Schema({table.name: table for table in by_oid.values()}, references, large_objects)


def _rows(connection: BaseDatabaseWrapper, sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
