/** What somebody who took an application over plants in its database before a handler comes. */
export interface Plant {
  readonly name: string;
  /** `serving` is what web and workers have; `owner`, what releases have and every process once had. */
  readonly as: 'serving' | 'owner';
  /** Run one after the other; what PostgreSQL refuses is skipped. */
  readonly statements: string[];
  /** Where they are run. @default - the application's database */
  readonly database?: string;
  /** Whether the handlers must succeed all the same; otherwise they may fail, and say so. */
  readonly harmless?: boolean;
  /** The first version of PostgreSQL that has it. */
  readonly since?: number;
}

function body(plant: string, returns = 'bool'): string {
  const end = returns.endsWith('void') ? '' : 'RETURN NULL;';
  return `LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.pwn('${plant}'); ${end} END $f$`;
}

/** A function that leaves a line in the server's log, which no rollback takes back. */
export const CANARY = [
  'CREATE SCHEMA IF NOT EXISTS evil',
  `CREATE OR REPLACE FUNCTION evil.pwn(plant pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $f$
     BEGIN RAISE LOG 'LOOT session=% user=% by %', session_user, current_user, plant; RETURN true; END $f$`,
  'GRANT USAGE ON SCHEMA evil TO PUBLIC',
];

const FIRST = `ALTER DATABASE shop SET search_path = evil, public, pg_catalog`;

function named(name: string, statements: string[], more: Partial<Plant> = {}): Plant {
  return { name, as: 'owner', harmless: true, statements: [...statements, FIRST], ...more };
}

/** A function of PostgreSQL that the application makes again in a schema that is searched first. */
function overloaded(name: string, signatures: string[], returns = 'pg_catalog.bool'): Plant {
  return named(
    `function ${name}`,
    signatures.map(
      (signature) =>
        `CREATE FUNCTION evil.${name}(${signature}) RETURNS ${returns} ${body(name.replaceAll('"', ''), returns)}`,
    ),
  );
}

function operator(symbol: string, types: [string, string][]): Plant {
  const name = `op_${Buffer.from(symbol).toString('hex')}`;
  const statements = types.flatMap(([left, right]) => [
    `CREATE FUNCTION evil.${name}(pg_catalog.${left}, pg_catalog.${right}) RETURNS pg_catalog.bool ${body(symbol)}`,
    `CREATE OPERATOR evil.${symbol} (LEFTARG = pg_catalog.${left}, RIGHTARG = pg_catalog.${right}, FUNCTION = evil.${name})`,
  ]);
  return named(`operator ${symbol}`, statements);
}

const CATALOGS = 'pg_roles pg_database pg_namespace pg_auth_members pg_db_role_setting pg_class pg_proc pg_default_acl';
const DOMAINS = 'text name oid bool "char" regprocedure int4 int8';
const TEXT3 = [
  'pg_catalog.text, pg_catalog.text, pg_catalog.text',
  'pg_catalog.name, pg_catalog.name, pg_catalog.text',
];

const names: Plant[] = [
  ...DOMAINS.split(' ').map((type) =>
    named(`domain ${type}`, [`CREATE DOMAIN evil.${type} AS pg_catalog.${type} CHECK (evil.pwn('domain'))`]),
  ),
  overloaded('current_setting', ['pg_catalog.text', 'pg_catalog.text, pg_catalog.bool'], 'pg_catalog.text'),
  overloaded('pg_advisory_xact_lock', ['pg_catalog.int8', 'pg_catalog.text'], 'pg_catalog.void'),
  overloaded('pg_has_role', [...TEXT3, 'pg_catalog.oid, pg_catalog.text']),
  overloaded('pg_get_userbyid', ['pg_catalog.oid'], 'pg_catalog.name'),
  overloaded('has_schema_privilege', ['pg_catalog.text, pg_catalog.oid, pg_catalog.text', TEXT3[0]]),
  overloaded('has_database_privilege', TEXT3),
  overloaded('unnest', ['pg_catalog.text[]'], 'pg_catalog.text'),
  overloaded(
    'format',
    ['pg_catalog.text, VARIADIC pg_catalog.name[]', 'pg_catalog.text, pg_catalog.name'],
    'pg_catalog.text',
  ),
  overloaded('quote_ident', ['pg_catalog.name', 'pg_catalog.text'], 'pg_catalog.text'),
  overloaded('aclexplode', ['pg_catalog.aclitem[]'], 'pg_catalog.record'),
  overloaded('"current_user"', [''], 'pg_catalog.name'),
  overloaded('"any"', ['pg_catalog.text'], 'pg_catalog.text'),
  operator('=', [
    ['name', 'name'],
    ['name', 'text'],
    ['text', 'text'],
    ['oid', 'oid'],
    ['"char"', '"char"'],
    ['bool', 'bool'],
  ]),
  operator('<>', [
    ['"char"', '"char"'],
    ['text', 'text'],
  ]),
  operator('<', [
    ['text', 'text'],
    ['name', 'name'],
  ]),
  ...CATALOGS.split(' ').map((catalog) =>
    named(`view ${catalog}`, [
      `CREATE VIEW evil.${catalog} AS SELECT c.*, evil.pwn('view') AS loot FROM pg_catalog.${catalog} c`,
      `GRANT SELECT ON evil.${catalog} TO PUBLIC`,
    ]),
  ),
  named('table with a row policy', [
    'CREATE TABLE evil.pg_roles AS SELECT * FROM pg_catalog.pg_roles',
    `CREATE POLICY p ON evil.pg_roles USING (evil.pwn('policy'))`,
    'ALTER TABLE evil.pg_roles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
  ]),
  named('aggregate bool_and', [
    `CREATE FUNCTION evil.step(pg_catalog.bool, pg_catalog.bool) RETURNS pg_catalog.bool ${body('aggregate')}`,
    'CREATE AGGREGATE evil.bool_and(pg_catalog.bool) (SFUNC = evil.step, STYPE = pg_catalog.bool)',
  ]),
  named('implicit casts', [
    'CREATE TYPE evil.text AS (value pg_catalog.text)',
    `CREATE FUNCTION evil.cast_name(pg_catalog.name) RETURNS evil.text ${body('cast')}`,
    'CREATE CAST (pg_catalog.name AS evil.text) WITH FUNCTION evil.cast_name(pg_catalog.name) AS IMPLICIT',
  ]),
  named('enumeration text', [`CREATE TYPE evil.text AS ENUM ('master')`]),
  named('collation', ['CREATE COLLATION evil."default" FROM pg_catalog."C"', 'CREATE COLLATION evil."C" FROM "POSIX"']),
  named('conversion', [`CREATE DEFAULT CONVERSION evil.mine FOR 'LATIN1' TO 'UTF8' FROM pg_catalog.iso8859_1_to_utf8`]),
];

const elsewhere: Plant[] = [
  {
    name: 'a schema with the name of the master, which "$user" finds first',
    as: 'owner',
    harmless: true,
    statements: [
      'CREATE SCHEMA master',
      'GRANT USAGE ON SCHEMA master TO PUBLIC',
      `CREATE FUNCTION master.pg_has_role(text, text, text) RETURNS bool ${body('user')}`,
      `CREATE VIEW master.pg_roles AS SELECT *, evil.pwn('user') FROM pg_catalog.pg_roles`,
      `CREATE DOMAIN master.text AS pg_catalog.text CHECK (evil.pwn('user'))`,
      'ALTER DATABASE shop SET search_path = "$user", pg_catalog',
    ],
  },
  {
    name: 'functions in public with a closer match than those of PostgreSQL',
    as: 'owner',
    harmless: true,
    statements: [
      `CREATE FUNCTION public.pg_has_role(unknown, unknown, text) RETURNS bool ${body('public')}`,
      `CREATE FUNCTION public.pg_has_role(text, text, text) RETURNS bool ${body('public')}`,
      `CREATE FUNCTION public.format(text, name, name) RETURNS text ${body('public')}`,
      `CREATE FUNCTION public.current_setting(name) RETURNS text ${body('public')}`,
    ],
  },
  {
    name: 'objects in pg_temp',
    as: 'serving',
    harmless: true,
    statements: [
      'CREATE TEMPORARY TABLE pg_roles AS SELECT * FROM pg_catalog.pg_roles',
      `CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (evil.pwn('temp'))`,
      `ALTER ROLE CURRENT_USER SET search_path = pg_temp, evil, pg_catalog`,
    ],
  },
  {
    name: 'functions with the rights of their owner',
    as: 'owner',
    harmless: true,
    statements: [
      `CREATE FUNCTION public.sudo(command text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $f$ BEGIN EXECUTE command; END $f$`,
      'GRANT EXECUTE ON FUNCTION public.sudo(text) TO PUBLIC',
      `CREATE FUNCTION public.quiet() RETURNS void LANGUAGE sql SET role = 'shop' AS 'SELECT 1'`,
    ],
  },
  {
    name: 'triggers and rules on tables',
    as: 'owner',
    harmless: true,
    statements: [
      'CREATE TABLE public.django_migrations (id bigint)',
      `CREATE FUNCTION evil.fire() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.pwn('trigger'); RETURN NEW; END $f$`,
      'CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON public.django_migrations FOR EACH STATEMENT EXECUTE FUNCTION evil.fire()',
      `CREATE RULE r AS ON INSERT TO public.django_migrations DO ALSO SELECT evil.pwn('rule')`,
      `CREATE INDEX ON public.django_migrations ((id > 0))`,
      `ALTER TABLE public.django_migrations ADD CHECK (evil.pwn('check'))`,
    ],
  },
  {
    name: 'event triggers',
    as: 'owner',
    harmless: true,
    statements: [
      `CREATE FUNCTION evil.event() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.pwn('event'); END $f$`,
      'CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION evil.event()',
      'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION evil.event()',
      'CREATE EVENT TRIGGER l ON login EXECUTE FUNCTION evil.event()',
    ],
  },
  {
    name: 'default privileges',
    as: 'owner',
    harmless: true,
    statements: [
      'ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO master WITH GRANT OPTION',
      'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
      'ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM shop_serving',
      'ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC',
    ],
  },
  {
    name: 'extensions',
    as: 'owner',
    harmless: true,
    statements: [
      'CREATE EXTENSION citext SCHEMA evil',
      'CREATE EXTENSION hstore SCHEMA evil',
      'CREATE EXTENSION pg_trgm SCHEMA evil',
      'CREATE EXTENSION plperlu',
      'CREATE EXTENSION dblink',
      FIRST,
    ],
  },
  {
    name: 'foreign tables',
    as: 'owner',
    harmless: true,
    statements: [
      'CREATE EXTENSION postgres_fdw',
      'CREATE EXTENSION file_fdw',
      'CREATE FOREIGN DATA WRAPPER mine',
      'CREATE SERVER mine FOREIGN DATA WRAPPER mine',
      'CREATE FOREIGN TABLE evil.pg_roles (rolname name) SERVER mine',
      'CREATE TABLE evil.pg_roles (rolname name)',
      FIRST,
    ],
  },
  {
    name: 'names with quotes, semicolons, backslashes and percent signs',
    as: 'owner',
    harmless: true,
    statements: [
      `CREATE SCHEMA "ev""il'; SELECT evil.pwn('name'); --"`,
      `CREATE TABLE "ev""il'; SELECT evil.pwn('name'); --"."t""; SELECT evil.pwn('name'); --" ("c""'" int)`,
      `CREATE TABLE public."%I.%s\\'; SELECT evil.pwn('name'); --" (id serial)`,
      `CREATE TABLE public."line\nbreak; SELECT evil.pwn('name');" (id int)`,
      `CREATE FUNCTION public."f""(); SELECT evil.pwn('name'); --"("a""b" int) RETURNS void LANGUAGE sql AS ''`,
      `CREATE SEQUENCE public."s"" TO shop; SELECT evil.pwn('name'); --"`,
      `CREATE TABLE public."${'é'.repeat(31)}" (id int)`,
      `CREATE TYPE public."t""y" AS (x int)`,
      `CREATE FUNCTION public.typed(public."t""y"[]) RETURNS void LANGUAGE sql AS ''`,
      `REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, shop_serving`,
      `REVOKE ALL ON ALL TABLES IN SCHEMA public FROM shop_serving`,
      `REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM shop_serving`,
      `REVOKE ALL ON SCHEMA "ev""il'; SELECT evil.pwn('name'); --" FROM shop_serving`,
      `REVOKE ALL ON "ev""il'; SELECT evil.pwn('name'); --"."t""; SELECT evil.pwn('name'); --" FROM shop_serving`,
    ],
  },
  {
    name: 'comments, large objects, publications and statistics',
    as: 'owner',
    harmless: true,
    statements: [
      `COMMENT ON DATABASE shop IS '''; SELECT evil.pwn(''comment''); --'`,
      'SELECT lo_create(0)',
      'CREATE PUBLICATION p',
      'CREATE TABLE public.s (a int, b int)',
      'CREATE STATISTICS public.st ON a, b FROM public.s',
      'CREATE PUBLICATION q FOR TABLE public.s',
      `CREATE SUBSCRIPTION x CONNECTION 'host=localhost' PUBLICATION p`,
    ],
  },
  {
    name: 'what only a superuser may',
    as: 'owner',
    harmless: true,
    statements: [
      `CREATE OR REPLACE FUNCTION pg_catalog.pg_has_role(text, text, text) RETURNS bool ${body('catalog')}`,
      `CREATE FUNCTION evil.c() RETURNS void LANGUAGE c AS 'evil'`,
      'CREATE OPERATOR CLASS evil.names DEFAULT FOR TYPE name USING btree AS OPERATOR 1 <',
      `UPDATE pg_catalog.pg_authid SET rolsuper = true`,
      `COPY (SELECT 1) TO PROGRAM 'id'`,
      'ALTER ROLE shop SUPERUSER',
      'ALTER ROLE shop_a CREATEROLE',
      `ALTER ROLE master SET search_path = evil`,
      `ALTER ROLE ALL SET search_path = evil`,
      'ALTER DATABASE postgres SET search_path = evil',
      `ALTER SYSTEM SET search_path = 'evil'`,
      'CREATE ROLE helper LOGIN',
      'GRANT shop TO PUBLIC',
      'GRANT master TO shop',
    ],
  },
  {
    name: 'rights of the owner for what serves',
    as: 'owner',
    harmless: true,
    statements: [
      'SET ROLE NONE',
      'GRANT shop_release_a TO shop_a',
      'GRANT shop_release_a TO shop_serving',
      'GRANT shop TO shop_a',
      'GRANT shop TO shop_serving',
    ],
  },
  {
    name: 'rights to create for everybody',
    as: 'owner',
    harmless: true,
    statements: [
      'GRANT CREATE ON SCHEMA public TO PUBLIC',
      'GRANT ALL ON DATABASE shop TO PUBLIC, shop_serving',
      'CREATE SCHEMA open AUTHORIZATION shop',
      'GRANT ALL ON SCHEMA open TO shop_serving',
    ],
  },
  {
    name: 'rights taken away from everybody',
    as: 'owner',
    harmless: true,
    statements: [
      'REVOKE ALL ON DATABASE shop FROM PUBLIC, shop_serving',
      'REVOKE ALL ON SCHEMA public FROM PUBLIC, shop_serving',
    ],
  },
  {
    name: 'another schema public',
    as: 'owner',
    harmless: true,
    statements: ['ALTER SCHEMA public RENAME TO former', 'CREATE SCHEMA public', 'DROP SCHEMA former CASCADE'],
  },
  { name: 'no schema public', as: 'owner', harmless: true, statements: ['DROP SCHEMA public CASCADE'] },
  {
    name: 'objects of the application in the database that it does not own',
    as: 'owner',
    database: 'postgres',
    harmless: true,
    statements: [
      'CREATE SCHEMA evil',
      `CREATE FUNCTION public.pg_has_role(text, text, text) RETURNS bool ${body('postgres')}`,
      'ALTER DATABASE postgres SET search_path = evil',
      'CREATE TEMPORARY TABLE pg_roles (rolname name)',
    ],
  },
];

const set = (name: string, value: string, more: Partial<Plant> = {}): Plant => ({
  name: `ALTER DATABASE … SET ${name} = ${value}`,
  as: 'owner',
  harmless: true,
  statements: [`ALTER DATABASE shop SET ${name} = ${value}`],
  ...more,
});

const obstacles: Plant[] = [
  set('role', `'shop'`),
  set('role', `'shop_serving'`),
  set('local_preload_libraries', `'nothing'`),
  set('session_preload_libraries', `'nothing'`),
  set('statement_timeout', '1'),
  set('lock_timeout', '1'),
  set('idle_in_transaction_session_timeout', '1'),
  set('transaction_timeout', '1', { since: 17, harmless: false }),
  set('default_transaction_read_only', 'on', {
    statements: [
      'CREATE TABLE public.bare (id int)',
      'REVOKE ALL ON public.bare FROM shop_serving',
      'ALTER DATABASE shop SET default_transaction_read_only = on',
    ],
  }),
  set('default_transaction_isolation', `'serializable'`),
  set('standard_conforming_strings', 'off'),
  set('quote_all_identifiers', 'on'),
  set('array_nulls', 'off'),
  set('client_encoding', `'SQL_ASCII'`),
  set('password_encryption', `'md5'`),
  set('createrole_self_grant', `'set, inherit'`, { since: 16 }),
  {
    name: 'ALTER DATABASE … CONNECTION LIMIT 0',
    as: 'owner',
    harmless: true,
    statements: ['ALTER DATABASE shop CONNECTION LIMIT 0'],
  },
  {
    name: 'ALTER DATABASE … ALLOW_CONNECTIONS false',
    as: 'owner',
    database: 'postgres',
    harmless: true,
    statements: ['ALTER DATABASE shop ALLOW_CONNECTIONS false'],
  },
  { name: 'DROP DATABASE', as: 'owner', database: 'postgres', statements: ['DROP DATABASE shop WITH (FORCE)'] },
  {
    name: 'a login sets another role for itself',
    as: 'serving',
    harmless: true,
    statements: [`ALTER ROLE shop_a SET role = 'none'`, 'SET ROLE NONE', `ALTER ROLE shop_a SET role = 'none'`],
  },
  {
    name: 'a login sets another role for itself in one database',
    as: 'serving',
    harmless: true,
    statements: ['SET ROLE NONE', `ALTER ROLE shop_a IN DATABASE shop SET role = 'none'`],
  },
  {
    name: 'a login of the owner sets libraries and another password for itself',
    as: 'owner',
    harmless: true,
    statements: [
      'SET ROLE NONE',
      `ALTER ROLE shop_release_a SET local_preload_libraries = 'nothing'`,
      `ALTER ROLE shop_release_a PASSWORD 'mine'`,
    ],
  },
];

/** Each on its own. */
export const PLANTS: Plant[] = [...names, ...elsewhere, ...obstacles];

/** The same, but all objects that stand for those of PostgreSQL at once: a quarter of the time. */
export const PLANTS_TOGETHER: Plant[] = [
  named(
    `${names.length} kinds of objects with names that the handlers use`,
    names.flatMap(({ statements }) => statements),
  ),
  ...elsewhere,
  ...obstacles,
];
