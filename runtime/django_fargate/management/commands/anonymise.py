"""``manage.py anonymise``: makes a copy of the database fit to leave production."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from ...anonymise.replace import replace, wipe
from ...anonymise.rules import RulesError, plan, proposal
from ...anonymise.schema import read_schema

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: The comment of a database that may be changed although its server is on another machine. No dump carries it.
MARK = "copy"
#: Whether the server, as it sees itself, was reached on this machine. Behind a tunnel it has another address.
HERE = "coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true)"
_GUARD = """
SELECT {here}, coalesce(shobj_description(d.oid, 'pg_database') = %s, false),
       (SELECT count(*) FROM pg_stat_activity a
         WHERE a.datid = d.oid AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid())
  FROM pg_database d WHERE d.datname = current_database()"""


class Command(BaseCommand):
    help = "Replaces what is personal in a copy of the database, by rules for each table and column."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rules", type=Path, help="file with the rules, in TOML")
        parser.add_argument("--database", default="default", help="alias in DATABASES")
        parser.add_argument("--copy", help="name and host of the database, NAME@HOST: everything in it may be changed")
        parser.add_argument("--check", action="store_true", help="only compare the rules with the database")
        parser.add_argument("--propose", action="store_true", help="print rules to begin with")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            raise CommandError(f"{options['database']} is no PostgreSQL database")
        if options["propose"]:
            self.stdout.write(proposal(read_schema(connection)), ending="")
            return
        if options["rules"] is None:
            raise CommandError("Give --rules with a file, or --propose to begin one.")
        rules = read_rules(options["rules"])
        if not options["check"]:
            self._refuse_other_than_copy(connection, options["copy"])
        schema = read_schema(connection)
        try:
            planned = plan(rules, schema)
        except RulesError as problems:
            raise CommandError(f"The rules do not fit the database:\n{problems}\nNothing was changed.") from None
        if options["check"]:
            self.stdout.write(f"anonymise: {len(schema.tables)} tables, every column has a rule")
            return
        try:
            replace(connection, schema, planned, rules, self.stdout.write)
        except DatabaseError as error:
            raise CommandError(f"{_without_values(error)}\nNothing was changed.") from None
        try:
            wipe(connection, self.stdout.write)
        except DatabaseError as error:
            raise CommandError(
                f"{_without_values(error)}\nEverything was replaced, but what was there before may still be in the"
                " files: run VACUUM (FULL, ANALYZE), or keep a dump alone."
            ) from None
        self.stdout.write("anonymised")

    def _refuse_other_than_copy(self, connection: Any, copy: str | None) -> None:
        settings = connection.settings_dict
        name = f"{settings['NAME']}@{settings['HOST'] or 'localhost'}"
        if copy != name:
            raise CommandError(f"This would change {name} for good. If that is a copy, give --copy {name}.")
        with connection.cursor() as cursor:
            cursor.execute(_GUARD.format(here=HERE), [MARK])
            here, marked, others = cursor.fetchone()
        if not here and not marked:
            raise CommandError(
                f"The server of {name} is on another machine, or behind a tunnel: it may be production. If it is"
                f" a copy, mark it: COMMENT ON DATABASE \"{settings['NAME']}\" IS '{MARK}'"
            )
        if others > 0:
            raise CommandError(
                f"{name} has {others} other sessions: somebody uses it, so it is no copy. Those of a pool in"
                " OPTIONS count."
            )


def read_rules(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            rules: dict[str, Any] = tomllib.load(opened)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{file}: {error}") from None
    return rules


def _without_values(error: DatabaseError) -> str:
    """What PostgreSQL says, but not what has a row or a value in it."""
    diagnosis = getattr(error.__cause__, "diag", None)
    state = str(getattr(diagnosis, "sqlstate", None))
    table, constraint = getattr(diagnosis, "table_name", None), getattr(diagnosis, "constraint_name", None)
    # Class 22 quotes the value that it cannot read.
    message = "A value does not fit" if state.startswith("22") else getattr(diagnosis, "message_primary", None)
    where = [f"table {table}" if table else "", f"constraint {constraint}" if constraint else "", f"SQLSTATE {state}"]
    return f"{message or 'The connection was lost'} ({', '.join(filter(None, where))})"
