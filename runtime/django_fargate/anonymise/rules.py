"""The rules: what each may be used for, and the SQL that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .schema import LARGE_OBJECTS, Column, Schema, Table

KEEP = "keep"
NULL = "null"
#: Of a table: all of its rows are deleted.
EMPTY = "empty"
#: What a proposal says of a column that a person has to decide on.
UNDECIDED = "?"

_TEXTS = frozenset({"text", "varchar", "bpchar", "citext"})
_DATES = frozenset({"date", "timestamp", "timestamptz"})
_FIRST_NAMES = (
    "Alex,Ben,Chris,Dana,Eli,Finn,Gale,Hana,Ira,Jo,Kim,Lee,Max,Noa,Ora,Pat,Quinn,Robin,Sam,Toni,Uli,Val,Wil,Yael"
)
_LAST_NAMES = (
    "Abbott,Baker,Carter,Dyer,Ellis,Fisher,Gardner,Harper,Iverson,Jordan,Keller,Lawson,Mason,Nolan,"
    "Olsen,Parker,Quick,Reed,Sawyer,Turner,Upton,Vance,Weaver,Young"
)
_LOREM = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt. "


@dataclass(frozen=True)
class Rule:
    """
    A kind of replacement: ``{of}`` stands for the value as text, ``{digest}`` for its keyed digest in 64 hexadecimal
    digits, ``{column}`` for the column itself.
    """

    sql: str
    types: frozenset[str]
    #: Characters that it makes, at most.
    makes: int = 0
    #: Whether different values stay different.
    distinct: bool = False
    #: Whether '' stays ''.
    blank: bool = True


def _pick(names: str, start: int) -> str:
    digits = f"('x' || substr({{digest}}, {start}, 7))::bit(28)::int"
    return f"('{{{{{names}}}}}'::text[])[1 + {digits} % {len(names.split(','))}]"


RULES = {
    "email": Rule("'user-' || left({digest}, 16) || '@example.com'", _TEXTS, makes=33, distinct=True),
    "code": Rule("left({digest}, {code})", _TEXTS, makes=12, distinct=True),
    "first_name": Rule(_pick(_FIRST_NAMES, 1), _TEXTS, makes=5),
    "last_name": Rule(_pick(_LAST_NAMES, 8), _TEXTS, makes=7),
    "name": Rule(f"{_pick(_FIRST_NAMES, 1)} || ' ' || {_pick(_LAST_NAMES, 8)}", _TEXTS, makes=13),
    # No country has the code 999.
    "phone": Rule(
        "'+999' || lpad((('x' || left({digest}, 15))::bit(60)::bigint % 1000000000)::text, 9, '0')", _TEXTS, makes=13
    ),
    "text": Rule(f"left(repeat('{_LOREM}', 1 + length({{of}}) / {len(_LOREM)}), length({{of}}))", _TEXTS),
    # Django takes a password that begins with ! for one that nobody has.
    "password": Rule("'!' || left({digest}, 40)", _TEXTS, makes=41, distinct=True, blank=False),
    "blank": Rule("''", _TEXTS),
    # 10.0.0.0/8 is nobody's, and 2001:db8::/32 is for documentation.
    "ip": Rule(
        "CASE WHEN position(':' IN {of}) = 0 THEN '10.' || concat_ws('.', get_byte(decode({digest}, 'hex'), 0),"
        " get_byte(decode({digest}, 'hex'), 1), get_byte(decode({digest}, 'hex'), 2))"
        " ELSE '2001:db8::' || concat_ws(':', substr({digest}, 1, 4), substr({digest}, 5, 4), substr({digest}, 9, 4))"
        " END",
        _TEXTS | {"inet"},
        makes=24,
    ),
    "uuid": Rule("left({digest}, 32)::uuid", frozenset({"uuid"}), distinct=True),
    "year": Rule("date_trunc('year', {column})", _DATES),
    "json": Rule("pg_temp.anonymise_json({column}::jsonb)", frozenset({"json", "jsonb"})),
}

#: For each table its columns that are replaced, each with an expression of SQL.
Plan = dict[str, list[tuple[Column, str]]]


class RulesError(Exception):
    """All that is wrong with rules, a line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def plan(rules: dict[str, Any], schema: Schema) -> tuple[Plan, list[Table]]:
    """The expressions for each table, and the tables to be emptied; refuses whatever is not decided."""
    problems: list[str] = []
    emptied = [schema.tables[name] for name, rule in rules.items() if rule == EMPTY and name in schema.tables]
    known = {*schema.tables, LARGE_OBJECTS}
    problems += [f"{name}: the database has no such table" for name in rules if name not in known]
    if schema.large_objects > 0 and rules.get(LARGE_OBJECTS) not in (EMPTY, KEEP):
        problems.append(f"{LARGE_OBJECTS}: there are {schema.large_objects} large objects; say 'empty' or 'keep'")
    made: Plan = {}
    for name, table in schema.tables.items():
        given = rules.get(name)
        if given is None:
            problems.append(f"{name}: no rule; it has {', '.join(table.columns)}")
        elif isinstance(given, dict):
            made[name] = _columns(table, given, problems)
        elif given != EMPTY:
            problems.append(f"{name}: {given!r} is no rule of a table; say 'empty', or name its columns")
    problems += _references(rules, schema, emptied)
    if problems:
        raise RulesError(problems)
    return {name: columns for name, columns in made.items() if columns}, emptied


def _columns(table: Table, given: dict[str, Any], problems: list[str]) -> list[tuple[Column, str]]:
    made = []
    problems += [f"{table.name}.{name}: the table has no such column" for name in given if name not in table.columns]
    for column in table.columns.values():
        where, rule = f"{table.name}.{column.name}", given.get(column.name)
        if column.generated:
            if rule is not None:
                problems.append(f"{where}: PostgreSQL computes it from other columns; take it out")
        elif rule is None or rule == UNDECIDED:
            problems.append(f"{where}: no rule; it is {column.sql_type}")
        elif rule != KEEP:
            wrong = _wrong(column, rule)
            if wrong is None:
                made.append((column, _expression(column, rule)))
            else:
                problems.append(f"{where}: {wrong}")
    return made


def _wrong(column: Column, rule: Any) -> str | None:
    if column.always_identity:
        return "PostgreSQL alone makes its values; say 'keep'"
    if isinstance(rule, dict):
        if set(rule) not in ({"sql"}, {"value"}):
            return "give either `sql` or `value`"
        return "a unique column cannot have one value" if "value" in rule and column.unique else None
    if rule == NULL:
        return "it is NOT NULL" if column.required else None
    kind = RULES.get(rule) if isinstance(rule, str) else None
    if kind is None:
        return f"{rule!r} is no rule; there are {', '.join([KEEP, NULL, *RULES])}, `sql` and `value`"
    if column.base not in kind.types:
        return f"{rule!r} is for {', '.join(sorted(kind.types))}, and it is {column.sql_type}"
    if column.length is not None and column.length < kind.makes:
        return f"{rule!r} makes {kind.makes} characters, and it holds {column.length}"
    if column.unique and not kind.distinct:
        return f"it is unique, and {rule!r} makes the same of different values"
    return None


def _expression(column: Column, rule: Any) -> str:
    if isinstance(rule, dict) and "sql" in rule:
        return f"({rule['sql']})"
    name = quoted(column.name)
    if rule == NULL:
        return "NULL"
    if isinstance(rule, dict):
        literal = str(rule["value"]).replace("'", "''")
        return f"CASE WHEN {name} IS NOT NULL THEN '{literal}'::{column.sql_type} END"
    kind = RULES[rule]
    # An address without its mask; and what citext takes for the same has to stay the same.
    of = {"inet": f"host({name})", "citext": f"lower({name}::text)"}.get(column.base, f"{name}::text")
    digest = f"pg_temp.anonymise_digest({of})"
    made = kind.sql.format(of=of, digest=digest, column=name, code=min(column.length or 16, 16))
    blank = f"WHEN {of} = '' THEN {name} " if kind.blank and column.base in _TEXTS else ""
    return f"CASE WHEN {name} IS NULL THEN NULL {blank}ELSE ({made})::{column.sql_type} END"


def _references(rules: dict[str, Any], schema: Schema, emptied: list[Table]) -> list[str]:
    problems = []
    for each in schema.references:
        ours, theirs = _rule_of(rules, each.table, each.column), _rule_of(rules, each.to_table, each.to_column)
        here, there = f"{each.table.name}.{each.column}", f"{each.to_table.name}.{each.to_column}"
        if each.table in emptied or ours is None or ours == NULL:
            continue
        if each.to_table in emptied:
            problems.append(f"{here}: it refers to {each.to_table.name}, which is emptied; say 'null', or empty both")
        elif ours != theirs and theirs is not None:
            problems.append(f"{here}: it refers to {there}, so both need the same rule; {theirs!r} there")
    return problems


def _rule_of(rules: dict[str, Any], table: Table, column: str) -> Any:
    given = rules.get(table.name)
    return given.get(column) if isinstance(given, dict) else None


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def proposal(schema: Schema) -> str:
    """Rules to begin with: what is a key or cannot be personal is kept, all else is for a person to decide."""
    references = {(each.table.name, each.column) for each in schema.references}
    targets = {(each.to_table.name, each.to_column) for each in schema.references}
    empty, tables = [], []
    if schema.large_objects > 0:
        empty.append(f'{LARGE_OBJECTS} = "{UNDECIDED}"')
    for name, table in schema.tables.items():
        if name in _ALWAYS_EMPTY:
            empty.append(f'{_key(name)} = "{EMPTY}"')
            continue
        lines = [f"[{_key(name)}]"]
        for column in table.columns.values():
            if not column.generated:
                key = (name, column.name)
                number = column.name == "id" and column.base in ("int2", "int4", "int8")
                kept = key in references | targets or number or column.base == "bool" or name in _ALWAYS_KEPT
                rule = KEEP if kept or column.always_identity else _OF_DJANGO.get(key, UNDECIDED)
                lines.append(f'{_key(column.name)} = "{rule}"  # {column.sql_type}')
        tables.append("\n".join(lines))
    return "\n\n".join(filter(None, ["\n".join(empty), *tables])) + "\n"


_ALWAYS_EMPTY = {"django_session", "django_admin_log", "authtoken_token"}
_ALWAYS_KEPT = {"django_migrations", "django_content_type", "auth_permission"}
_OF_DJANGO = {
    ("auth_user", "password"): "password",
    ("auth_user", "username"): "code",
    ("auth_user", "first_name"): "first_name",
    ("auth_user", "last_name"): "last_name",
    ("auth_user", "email"): "email",
}


def _key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "").isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
