import { identifier } from '../shared/postgres';
import type { Work } from './work';

export interface PrivilegesSpec {
  readonly database: string;
  readonly owner: string;
  readonly serving: string;
}

interface Kind {
  /** As in `ALTER DEFAULT PRIVILEGES … ON`. */
  readonly plural: string;
  /** As in `GRANT … ON`. */
  readonly singular: string;
  /** `defaclobjtype`, and what the query of existing objects calls them. */
  readonly code: string;
  readonly privileges: string;
}

/**
 * What serving takes: rows, numbers of sequences, functions. Nothing that creates, alters or drops, and no
 * TRUNCATE.
 */
const KINDS: Kind[] = [
  { plural: 'SCHEMAS', singular: 'SCHEMA', code: 'n', privileges: 'USAGE' },
  { plural: 'TABLES', singular: 'TABLE', code: 'r', privileges: 'SELECT, INSERT, UPDATE, DELETE' },
  { plural: 'SEQUENCES', singular: 'SEQUENCE', code: 'S', privileges: 'USAGE, SELECT, UPDATE' },
  { plural: 'FUNCTIONS', singular: 'ROUTINE', code: 'f', privileges: 'EXECUTE' },
];
/** Large objects have no default privileges: whoever serves owns those that it makes. */
const LARGE_OBJECTS: Kind = { plural: '', singular: 'LARGE OBJECT', code: 'L', privileges: 'SELECT, UPDATE' };
/** Names in one statement. */
const CHUNK = 100;

/**
 * What the serving role may do with everything that the owner has made and will make. An object that has an
 * entry for the role already is left alone: a migration may have taken something away on purpose.
 */
export async function ensurePrivileges(work: Work, spec: PrivilegesSpec): Promise<void> {
  const serving = identifier(spec.serving);
  await ensureNothingCreatable(work, spec);
  await ensureDefaults(work, spec);
  const found = await work.rows(EXISTING, [spec.owner, spec.serving]);
  for (const { code, privileges, singular } of [...KINDS, LARGE_OBJECTS]) {
    const ofKind = found.filter((row) => row.code === code).map((row) => row.name as string);
    const names = ofKind.filter((name) => !name.startsWith('pg_temp_'));
    for (let start = 0; start < names.length; start += CHUNK) {
      const some = names.slice(start, start + CHUNK).join(', ');
      await work.apply(`GRANT ${privileges} ON ${singular} ${some} TO ${serving}`);
    }
  }
}

async function ensureDefaults(work: Work, { owner, serving }: PrivilegesSpec): Promise<void> {
  const rows = await work.rows(
    `SELECT d.defaclobjtype AS code FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a
      WHERE d.defaclnamespace OPERATOR(pg_catalog.=) 0::pg_catalog.oid
        AND pg_catalog.pg_get_userbyid(d.defaclrole) OPERATOR(pg_catalog.=) $1
        AND pg_catalog.pg_get_userbyid(a.grantee) OPERATOR(pg_catalog.=) $2`,
    [owner, serving],
  );
  const known = new Set(rows.map(({ code }) => code));
  for (const { plural, privileges } of KINDS.filter(({ code }) => !known.has(code))) {
    await work.apply(
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${identifier(owner)} GRANT ${privileges} ON ${plural} TO ${identifier(serving)}`,
    );
  }
}

/**
 * PostgreSQL lets everybody make temporary tables, before 15 other tables too, and the owner may have let
 * everybody make more.
 */
async function ensureNothingCreatable(work: Work, { database, owner, serving }: PrivilegesSpec): Promise<void> {
  const target = identifier(database);
  const [held] = await work.rows(
    `SELECT pg_catalog.has_database_privilege($1, $2, 'CREATE') AS creates,
            pg_catalog.has_database_privilege($1, $2, 'TEMPORARY') AS temporary,
            pg_catalog.has_database_privilege($1, $2, 'CONNECT') AS connects`,
    [serving, database],
  );
  if (held?.creates === true || held?.temporary === true) {
    await work.apply(`REVOKE CREATE, TEMPORARY ON DATABASE ${target} FROM PUBLIC, ${identifier(serving)}`);
  }
  if (held?.connects !== true) {
    await work.apply(`GRANT CONNECT ON DATABASE ${target} TO ${identifier(serving)}`);
  }
  const schemas = await work.rows(
    `SELECT nspname AS name, pg_catalog.pg_has_role($2, nspowner, 'USAGE') AS owned
       FROM pg_catalog.pg_namespace
      WHERE pg_catalog.has_schema_privilege($1, oid, 'CREATE') AND pg_catalog.pg_has_role(nspowner, 'USAGE')`,
    [serving, owner],
  );
  for (const { name, owned } of schemas) {
    if (owned === false && name === 'public') {
      // Before PostgreSQL 15 it may be the master's, and the owner creates there as everybody may.
      await work.apply(`GRANT USAGE, CREATE ON SCHEMA ${identifier(name)} TO ${identifier(owner)}`);
    }
    await work.apply(`REVOKE CREATE ON SCHEMA ${identifier(name as string)} FROM PUBLIC, ${identifier(serving)}`);
  }
}

/**
 * What the owner ($1) has made and the serving role ($2) has no entry for. Temporary objects belong to their
 * session.
 */
const EXISTING = `
  SELECT o.code, o.name FROM (
    SELECT 'n' AS code, pg_catalog.quote_ident(nspname) AS name, nspacl AS acl
      FROM pg_catalog.pg_namespace
     WHERE pg_catalog.pg_get_userbyid(nspowner) OPERATOR(pg_catalog.=) $1
        OR nspname OPERATOR(pg_catalog.=) 'public'
     UNION ALL
    SELECT CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'S' ELSE 'r' END,
           pg_catalog.format('%I.%I', n.nspname, c.relname), c.relacl
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
     WHERE pg_catalog.pg_get_userbyid(c.relowner) OPERATOR(pg_catalog.=) $1
       AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog."char"[])
       AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
     UNION ALL
    SELECT 'f', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proacl
      FROM pg_catalog.pg_proc p
     WHERE pg_catalog.pg_get_userbyid(p.proowner) OPERATOR(pg_catalog.=) $1
     UNION ALL
    SELECT 'L', l.oid::pg_catalog.text, l.lomacl
      FROM pg_catalog.pg_largeobject_metadata l
     WHERE pg_catalog.pg_get_userbyid(l.lomowner) OPERATOR(pg_catalog.=) $1
  ) o
  WHERE NOT EXISTS (
    SELECT 1 FROM pg_catalog.aclexplode(o.acl) a
     WHERE pg_catalog.pg_get_userbyid(a.grantee) OPERATOR(pg_catalog.=) $2
  )
  ORDER BY o.code, o.name`;
