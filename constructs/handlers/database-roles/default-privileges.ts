import { identifier } from '../shared/postgres';
import type { Work } from './work';

/** `defaclobjtype`, as in `ALTER DEFAULT PRIVILEGES … ON`. */
const KINDS: { readonly [code: string]: string } = {
  r: 'TABLES',
  S: 'SEQUENCES',
  f: 'FUNCTIONS',
  T: 'TYPES',
  n: 'SCHEMAS',
  L: 'LARGE OBJECTS',
};

/**
 * What a role gives away, or keeps, of all that it will make: what its entries have (`given`), and what
 * everybody would have without the entry (`usual`), which counts only outside of schemas.
 */
const ENTRIES = `
  SELECT d.oid::pg_catalog.text AS entry, d.defaclobjtype::pg_catalog.text AS code, n.nspname AS schema, a.source,
         a.privilege_type AS privilege, a.is_grantable AS grantable,
         a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid AS everybody, g.rolname AS grantee
    FROM pg_catalog.pg_default_acl d
    JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) d.defaclrole
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) d.defaclnamespace
   CROSS JOIN LATERAL (
     SELECT 'given' AS source, e.* FROM pg_catalog.aclexplode(d.defaclacl) e
      UNION ALL
     SELECT 'usual', u.* FROM pg_catalog.aclexplode(pg_catalog.acldefault(
       CASE WHEN d.defaclobjtype OPERATOR(pg_catalog.=) 'S' THEN 's'::pg_catalog."char" ELSE d.defaclobjtype END,
       d.defaclrole)) u
      WHERE d.defaclnamespace OPERATOR(pg_catalog.=) 0::pg_catalog.oid
   ) a
    LEFT JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) a.grantee
   WHERE r.rolname OPERATOR(pg_catalog.=) $1
     AND a.grantee OPERATOR(pg_catalog.<>) d.defaclrole
   ORDER BY 1, 5, 7, 8`;

interface Entry {
  readonly entry: string;
  readonly code: string;
  readonly schema: string | null;
  readonly source: 'given' | 'usual';
  readonly privilege: string;
  readonly grantable: boolean;
  readonly everybody: boolean;
  readonly grantee: string | null;
}

/** Gives away of what the owner will make what another role has given away of what it made. */
export async function inheritDefaults(work: Work, from: string, owner: string): Promise<void> {
  const entries = (await work.rows(ENTRIES, [from])) as unknown as Entry[];
  const others = entries.filter(({ code, grantee }) => KINDS[code] !== undefined && grantee !== owner);
  const has = (entry: Entry, source: Entry['source']) =>
    others.some((other) => other.source === source && sameGrant(other, entry));
  for (const entry of others) {
    const { code, schema, privilege, grantable, everybody, grantee } = entry;
    const given = entry.source === 'given' && !has(entry, 'usual');
    const kept = entry.source === 'usual' && !has(entry, 'given');
    if (given || kept) {
      const where = schema === null ? '' : ` IN SCHEMA ${identifier(schema)}`;
      const whom = everybody ? 'PUBLIC' : identifier(grantee as string);
      const what = `${privilege} ON ${KINDS[code]}`;
      const change = given
        ? `GRANT ${what} TO ${whom}${grantable ? ' WITH GRANT OPTION' : ''}`
        : `REVOKE ${what} FROM ${whom}`;
      await work.apply(`ALTER DEFAULT PRIVILEGES FOR ROLE ${identifier(owner)}${where} ${change}`);
    }
  }
}

function sameGrant(one: Entry, other: Entry): boolean {
  const keys = ['entry', 'privilege', 'grantable', 'everybody', 'grantee'] as const;
  return keys.every((key) => one[key] === other[key]);
}
