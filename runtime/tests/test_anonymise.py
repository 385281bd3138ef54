"""``manage.py anonymise`` on a real PostgreSQL, as the owner of a database: what is planted is found nowhere."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from django_fargate.management.commands.anonymise import Command
from postgres_server import Postgres, primary

PASSWORD = "owner-pw"
#: Each of them is planted, and must be gone; none could be among hexadecimal digits.
PLANTED = ["augusta", "lovelace", "4930123456", "203.0.113.77", "analytical", "ockham", "menabrea", "byron"]
TABLES = """
CREATE SCHEMA tenant;
CREATE EXTENSION citext;
CREATE DOMAIN address AS varchar(80);
CREATE TABLE customer (
  email varchar(254) PRIMARY KEY, contact address NOT NULL, phone varchar(20) NOT NULL, born date, ip inet,
  seen_from text, nick citext UNIQUE, short varchar(12) NOT NULL, badge uuid, "odd ""name%" text, active boolean,
  upper_email text GENERATED ALWAYS AS (upper(email)) STORED);
CREATE TABLE shop_order (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer varchar(254) REFERENCES customer DEFERRABLE INITIALLY DEFERRED,
  note text NOT NULL, details jsonb NOT NULL, old json, country varchar(2) NOT NULL, total numeric NOT NULL);
CREATE TABLE tenant.visit (day date, visitor varchar(254)) PARTITION BY RANGE (day);
CREATE TABLE tenant.visit_2026 PARTITION OF tenant.visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE token (key text PRIMARY KEY, owner varchar(254) REFERENCES customer);
CREATE TABLE django_admin_log (id serial PRIMARY KEY, user_id int REFERENCES auth_user, object_repr text);
CREATE TABLE login (id serial PRIMARY KEY, token text REFERENCES token);
CREATE TABLE history (id serial PRIMARY KEY, was text);
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.history (was) VALUES (OLD.note); RETURN NEW; END $$;
CREATE TRIGGER remember BEFORE UPDATE ON shop_order FOR EACH ROW EXECUTE FUNCTION remember();
CREATE TRIGGER never BEFORE UPDATE ON shop_order FOR EACH ROW EXECUTE FUNCTION remember();
ALTER TABLE shop_order DISABLE TRIGGER never;
CREATE MATERIALIZED VIEW best AS SELECT customer, note FROM shop_order;
INSERT INTO customer VALUES
  ('augusta@lovelace.org', 'Augusta Lovelace', '+4930123456', '1815-12-10', '203.0.113.77', '2001:db8:77::1', 'Augusta',
   'Ockham', gen_random_uuid(), 'Byron', true),
  ('menabrea@lovelace.org', '', '', NULL, NULL, NULL, NULL, '', NULL, NULL, NULL);
INSERT INTO customer SELECT 'augusta' || n || '@lovelace.org', 'Augusta', '+4930123456', '1815-12-10', '203.0.113.77',
  '203.0.113.77', 'augusta' || n, 'Augusta ' || n, NULL, 'Lovelace', true FROM generate_series(1, 500) n;
INSERT INTO shop_order (customer, note, details, old, country, total)
  SELECT email, 'for Augusta, analytical engine', jsonb_build_object('mail', email, 'names',
    jsonb_build_array('Byron', ''), 'phone', 4930123456, 'gift', true, 'none', null),
    '{"by": "Menabrea"}', 'GB', 9.5 FROM customer;
INSERT INTO tenant.visit SELECT '2026-05-05', email FROM customer;
INSERT INTO token SELECT 'augusta-' || email, email FROM customer;
INSERT INTO login (token) SELECT key FROM token LIMIT 5;
INSERT INTO history (was) VALUES ('Augusta');
REFRESH MATERIALIZED VIEW best;
SELECT lo_from_bytea(0, 'a letter of Augusta');
ANALYZE;
"""
RULES = """
django_session = "empty"
django_admin_log = "empty"
history = "empty"
token = "empty"
pg_largeobject = "empty"

[customer]
email = "email"
contact = "name"
phone = "phone"
born = "year"
ip = "ip"
seen_from = "ip"
nick = "code"
short = "code"
badge = "uuid"
'odd "name%' = "last_name"
active = "keep"

[shop_order]
id = "keep"
customer = "email"
note = "text"
details = "json"
old = "json"
country = { value = "XX" }
total = { sql = "total % 5" }

["tenant.visit"]
day = "keep"
visitor = "email"

[login]
id = "keep"
token = "null"

[auth_user]
id = "keep"
password = "password"
last_login = "keep"
is_superuser = "keep"
username = "code"
first_name = "first_name"
last_name = "last_name"
email = "email"
is_staff = "keep"
is_active = "keep"
date_joined = "keep"
"""
KEPT = ["django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"]
KEPT += ["auth_user_groups", "auth_user_user_permissions"]


class Copy:
    """A database that belongs to a login without powers, and Django's connection to it."""

    def __init__(self, server: Postgres, folder: Path) -> None:
        self.server, self.name, self.file = server, f"copy_{uuid.uuid4().hex}", folder / "rules.toml"
        server.query(f"CREATE DATABASE {self.name} OWNER owner TEMPLATE shop_template")
        defaults = dict(connections.settings["default"])
        self.settings = {
            **defaults,
            "ENGINE": "django.db.backends.postgresql",
            "NAME": self.name,
            "USER": "owner",
            "PASSWORD": PASSWORD,
            "HOST": "127.0.0.1",
            "PORT": server.port,
        }
        self.alias = self.name
        connections.settings[self.alias] = self.settings
        kept = "".join(
            f"\n[{table}]\n" + "".join(f'{column} = "keep"\n' for (column,) in self.rows(_COLUMNS, table))
            for table in KEPT
        )
        self.rules = RULES + kept

    def session(self) -> Any:
        where = f"host=127.0.0.1 port={self.server.port} user=owner password={PASSWORD} dbname={self.name}"
        return psycopg.connect(where, autocommit=True)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.session() as session:
            cursor = session.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def run(self, *arguments: str, rules: str | None = None, copy: str | None = None) -> str:
        self.file.write_text(self.rules if rules is None else rules)
        output = StringIO()
        words = [f"--database={self.alias}", f"--rules={self.file}", f"--copy={copy or f'{self.name}@127.0.0.1'}"]
        try:
            call_command(Command(), *words, *arguments, stdout=output)
        finally:
            connections[self.alias].close()
        return output.getvalue()

    def refused(self, *arguments: str, **options: Any) -> str:
        before = self.everything()
        with pytest.raises(CommandError) as refusal:
            self.run(*arguments, **options)
        assert self.everything() == before
        return str(refusal.value)

    def everything(self) -> bytes:
        """What a dump would have: each row of each table, and each large object."""
        tables = self.rows(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('public', 'tenant') ORDER BY 1"
        )
        with self.session() as session:
            parts = []
            for [table] in tables:
                with session.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copied:  # noqa: S608
                    parts += [b"".join(bytes(part) for part in copied)]
            parts += [value for [value] in session.execute("SELECT lo_get(oid) FROM pg_largeobject_metadata")]
        return b"\n".join(parts)

    def files(self) -> bytes:
        """What is in the files of the database, dead rows and statistics with it."""
        self.server.query("CHECKPOINT")
        [[oid]] = self.rows("SELECT oid FROM pg_database WHERE datname = current_database()")
        return b"".join(file.read_bytes() for file in sorted((self.server.data / "base" / str(oid)).iterdir()))


_COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with primary() as running:
        running.query(f"CREATE ROLE owner LOGIN PASSWORD '{PASSWORD}'")
        running.query("CREATE DATABASE shop_template OWNER owner")
        defaults = dict(connections.settings["default"])
        where = {"NAME": "shop_template", "USER": "owner", "PASSWORD": PASSWORD, "HOST": "127.0.0.1"}
        engine = {"ENGINE": "django.db.backends.postgresql", "PORT": running.port}
        connections.settings["shop_template"] = {**defaults, **engine, **where}
        call_command("migrate", database="shop_template", verbosity=0)
        with connections["shop_template"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO auth_user VALUES (1, 'pbkdf2$augusta', NULL, true, 'augusta', 'Augusta', 'Lovelace',"
                " 'augusta@lovelace.org', true, true, now())"
            )
            cursor.execute("INSERT INTO django_session VALUES ('byron', 'augusta', now())")
            cursor.execute(TABLES)
            cursor.execute("INSERT INTO django_admin_log (user_id, object_repr) VALUES (1, 'Augusta Lovelace')")
        connections["shop_template"].close()
        yield running


@pytest.fixture(scope="module")
def untouched(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """For tests in which nothing changes."""
    made = Copy(server, tmp_path_factory.mktemp("rules"))
    yield made
    del connections.settings[made.alias]


@pytest.fixture
def copy(server: Postgres, tmp_path: Path) -> Iterator[Copy]:
    made = Copy(server, tmp_path)
    yield made
    del connections.settings[made.alias]


def found(text: bytes) -> list[str]:
    return [word for word in PLANTED if word.encode() in text.lower()]


def test_what_is_planted_is_found_neither_in_a_row_nor_in_the_files(copy):
    assert found(copy.everything()) == PLANTED
    assert found(copy.files()) == PLANTED
    copy.run()
    assert found(copy.everything()) == []
    assert found(copy.files()) == []


def test_what_statistics_cannot_let_go_of_is_said(copy):
    copy.rows("CREATE VIEW tokens AS SELECT key FROM token")
    said = copy.run()
    assert "public.token.key: its statistics keep former values" in said
    assert "public.token.owner" not in said
    assert found(copy.everything()) == []


def test_the_same_stays_the_same_and_what_differs_differs(copy):
    copy.run()
    assert copy.rows(
        "SELECT count(*), count(DISTINCT email), count(DISTINCT nick), count(DISTINCT short) FROM customer"
    ) == [
        (502, 502, 501, 502)  # one has no nick, and one of the short ones is ''
    ]
    # By foreign key, by value alone in another schema, and within JSON.
    assert copy.rows(
        "SELECT count(*) FROM customer c JOIN shop_order o ON o.customer = c.email"
        " JOIN tenant.visit v ON v.visitor = c.email"
        " WHERE o.details ->> 'mail' = c.email AND c.upper_email = upper(c.email)"
    ) == [(502,)]
    [[user]] = copy.rows("SELECT email FROM auth_user")
    assert copy.rows("SELECT count(*) FROM customer WHERE email = %s", user) == [(1,)]


def test_each_copy_has_a_key_of_its_own(server, tmp_path, copy):
    other = Copy(server, tmp_path)
    copy.run()
    other.run()
    both = [set(each.rows("SELECT email FROM customer")) for each in (copy, other)]
    assert both[0].isdisjoint(both[1])


def test_what_replaces_looks_like_what_it_replaces(copy):
    copy.run()
    [row] = copy.rows(
        "SELECT email, contact, phone, born::text, host(ip), seen_from, short, active FROM customer"
        " WHERE badge IS NOT NULL"
    )
    email, contact, phone, born, ip, seen, short, active = row
    assert email.startswith("user-")
    assert email.endswith("@example.com")
    assert len(contact.split()) == 2
    assert phone[:4] == "+999"
    assert len(phone) == 13
    assert (born, active) == ("1815-01-01", True)
    assert ip.startswith("10.")
    assert seen.startswith("2001:db8:")
    assert len(short) == 12
    [[note, details, old, country, total]] = copy.rows(
        "SELECT note, details, old, country, total::text FROM shop_order ORDER BY id LIMIT 1"
    )
    assert note == "Lorem ipsum dolor sit amet, co"
    assert details == {**details, "names": [details["names"][0], ""], "phone": 0, "gift": True, "none": None}
    assert len(details["names"][0]) == 16
    assert list(old) == ["by"]
    assert (country, total) == ("XX", "4.5")
    [[password, username]] = copy.rows("SELECT password, username FROM auth_user")
    assert password.startswith("!")
    assert len(username) == 16


def test_null_and_nothing_stay_what_they_are(copy):
    copy.run()
    assert copy.rows(
        "SELECT contact, phone, born, ip, seen_from, nick, short, badge, active FROM customer WHERE born IS NULL"
    ) == [("", "", None, None, None, None, "", None, None)]


def test_triggers_keep_no_copy_and_are_what_they_were_afterwards(copy):
    copy.run()
    assert copy.rows("SELECT count(*) FROM history") == [(0,)]
    assert copy.rows("SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1") == [
        ("never", "D"),
        ("remember", "O"),
    ]
    assert copy.rows("SELECT count(*) FROM best b JOIN customer c ON c.email = b.customer") == [(502,)]


def test_tables_are_emptied_others_that_refer_to_them_too_or_to_nothing(copy):
    said = copy.run()
    for table in ("django_session", "django_admin_log", "token", "history"):
        assert copy.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608
        assert f"{table}: emptied" in said
    assert copy.rows("SELECT count(*), count(token) FROM login") == [(5, 0)]
    assert copy.rows("SELECT count(*) FROM pg_largeobject_metadata") == [(0,)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE customer ADD COLUMN passport text", "customer.passport: no rule; it is text"),
        ("ALTER TABLE customer RENAME COLUMN phone TO tel", "customer.phone: the table has no such column"),
        ("CREATE TABLE tenant.secret (name text)", "tenant.secret: no rule; it has name"),
        ("DROP TABLE login", "login: the database has no such table"),
    ],
)
def test_what_no_rule_names_is_refused(copy, change, said):
    assert copy.run("--check").endswith("every column has a rule\n")
    copy.rows(change)
    assert said in copy.refused()
    assert said in copy.refused("--check")


@pytest.mark.parametrize(
    ("rule", "other", "said"),
    [
        (
            'nick = "code"',
            'nick = "name"',
            "customer.nick: it is unique, and 'name' makes the same of different values",
        ),
        ('nick = "code"', 'nick = { value = "x" }', "customer.nick: a unique column cannot have one value"),
        ('nick = "code"', "nick = { of = 1 }", "customer.nick: give either `sql` or `value`"),
        ('nick = "code"', 'nick = "?"', "customer.nick: no rule; it is citext"),
        ('nick = "code"', 'nick = "nonsense"', "customer.nick: 'nonsense' is no rule; there are keep, null, email"),
        ('short = "code"', 'short = "email"', "customer.short: 'email' makes 33 characters, and it holds 12"),
        ('short = "code"', 'short = "null"', "customer.short: it is NOT NULL"),
        (
            'born = "year"',
            'born = "email"',
            "customer.born: 'email' is for bpchar, citext, text, varchar, and it is date",
        ),
        ('id = "keep"\ncustomer', "id = { value = 1 }\ncustomer", "shop_order.id: PostgreSQL alone makes its values"),
        ('customer = "email"', 'customer = "keep"', "shop_order.customer: it refers to customer.email, so both need"),
        ('token = "null"', 'token = "keep"', "login.token: it refers to token, which is emptied"),
        ('active = "keep"', 'active = "keep"\nupper_email = "keep"', "customer.upper_email: PostgreSQL computes it"),
        ('history = "empty"', 'history = "keep"', "history: 'keep' is no rule of a table; say 'empty', or name"),
        ('pg_largeobject = "empty"', "", "pg_largeobject: there are 1 large objects"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused_before_anything_changes(untouched, rule, other, said):
    given = untouched.rules
    assert rule in given
    assert said in untouched.refused(rules=given.replace(rule, other))


@pytest.mark.parametrize("rule", ["contact", "note", "total"])
def test_an_error_half_way_changes_nothing_and_shows_no_value(untouched, rule):
    wrong = {
        "contact": ('contact = "name"', "contact = { sql = \"CASE WHEN contact = '' THEN NULL ELSE contact END\" }"),
        "note": ('note = "text"', 'note = { sql = "note::integer::text" }'),
        "total": ('total = { sql = "total % 5" }', 'total = { sql = "no_such_column" }'),
    }[rule]
    said = untouched.refused(rules=untouched.rules.replace(*wrong))
    assert "SQLSTATE" in said
    assert said.endswith("Nothing was changed.")
    assert found(said.encode()) == []


def test_only_what_is_called_a_copy_is_changed(untouched):
    assert f"give --copy {untouched.name}@127.0.0.1." in untouched.refused(copy="shop@127.0.0.1")


def test_a_database_that_somebody_uses_is_no_copy(untouched):
    with untouched.session():
        assert "1 other sessions" in untouched.refused()


def test_a_server_elsewhere_has_to_be_marked(copy, monkeypatch):
    # As through a tunnel: the address that the server has itself is not of this machine.
    monkeypatch.setattr("django_fargate.management.commands.anonymise.HERE", "inet_server_addr() <<= '10.0.0.0/8'")
    assert f"COMMENT ON DATABASE \"{copy.name}\" IS 'copy'" in copy.refused()
    copy.rows(f"COMMENT ON DATABASE {copy.name} IS 'copy'")
    assert copy.run().endswith("anonymised\n")


def test_a_proposal_leaves_what_may_be_personal_to_a_person(untouched):
    proposed = untouched.run("--propose")
    assert 'django_session = "empty"' in proposed
    assert "upper_email" not in proposed
    # By Django's default for primary keys, which is BigAutoField from 6.0 on.
    assert re.search(r'\[auth_user_groups\]\nid = "keep"  # (integer|bigint)\nuser_id = "keep"  # integer\n', proposed)
    decided = [line for line in untouched.refused(rules=proposed).splitlines() if "no rule" in line]
    assert "customer.nick: no rule; it is citext" in decided
    assert not [line for line in decided if line.startswith(("auth_permission", "auth_user.password", "shop_order.id"))]


def test_what_is_no_rules_file_is_said(untouched):
    assert "rules.toml: " in untouched.refused(rules="= nonsense")
    with pytest.raises(CommandError, match="Give --rules with a file"):
        call_command(Command(), f"--database={untouched.alias}")
    with pytest.raises(CommandError, match="default is no PostgreSQL database"):
        call_command(Command())
