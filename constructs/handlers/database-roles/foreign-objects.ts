import type { Work } from './work';

/** An object of the database that belongs to somebody else than the owner of the application. */
export interface ForeignObject {
  /** As `pg_identify_object` calls it. */
  readonly kind: string;
  /** The schema that it lies in, if it lies in one. */
  readonly schema?: string;
  /** Name with its schema, arguments or method, quoted as a statement needs it. */
  readonly identity: string;
  readonly owner: string;
  /** Belongs to a superuser: on RDS there is none but RDS itself. */
  readonly isOfSystem: boolean;
}

/** Roles of PostgreSQL and of RDS. What they own is theirs. */
const SYSTEM_ROLE = '^(pg_|rds_|rds(admin|repladmin|topmgr|proxyadmin|writeforwarduser)$)';

/** What roles own in this database. The dependencies do not list what the superuser of the cluster owns. */
const OWNED = `
  SELECT s.classid, s.objid, s.refobjid AS owner
    FROM pg_catalog.pg_shdepend s
   WHERE s.dbid OPERATOR(pg_catalog.=) (
           SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
     AND s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
     AND s.deptype OPERATOR(pg_catalog.=) 'o'
     AND s.classid OPERATOR(pg_catalog.<>) ALL (
           '{pg_catalog.pg_default_acl,pg_catalog.pg_extension}'::pg_catalog.regclass[]::pg_catalog.oid[])`;

/** What a superuser has made, as far as an application could miss it. The first ids are those of `initdb`. */
const OF_SYSTEM = `
  SELECT o.classid, o.objid, o.owner FROM (
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid AS classid, oid AS objid, nspowner AS owner
      FROM pg_catalog.pg_namespace
     UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, oid, relowner FROM pg_catalog.pg_class
     WHERE relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog."char"[])
     UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, oid, proowner FROM pg_catalog.pg_proc
     UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, oid, fdwowner FROM pg_catalog.pg_foreign_data_wrapper
     UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid, srvowner FROM pg_catalog.pg_foreign_server
     UNION ALL
    SELECT 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, oid, evtowner FROM pg_catalog.pg_event_trigger
     UNION ALL
    SELECT 'pg_catalog.pg_publication'::pg_catalog.regclass, oid, pubowner FROM pg_catalog.pg_publication
  ) o WHERE o.objid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid`;

/**
 * Without members of extensions, parts of other objects, such as sequences of columns, which belong to
 * whoever owns the table, and what belongs to a session. A partitioned table is a part of itself. The UNION
 * takes out what both find: a superuser that is not the first one has dependencies, too.
 */
const FOREIGN = `
  SELECT i.type AS kind, i.schema, i.identity, r.rolname AS owner, r.rolsuper AS is_of_system
    FROM (
      SELECT a.classid, a.objid, a.owner FROM (${OWNED}) a
       UNION
      SELECT b.classid, b.objid, b.owner FROM (${OF_SYSTEM}) b
        JOIN pg_catalog.pg_roles s ON s.oid OPERATOR(pg_catalog.=) b.owner WHERE s.rolsuper
    ) o
    JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) o.owner
   CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, 0) i
   WHERE r.rolname OPERATOR(pg_catalog.<>) $1
     AND r.rolname OPERATOR(pg_catalog.!~) $2
     AND ($3::pg_catalog.text[] IS NULL OR r.rolname OPERATOR(pg_catalog.=) ANY ($3::pg_catalog.name[]))
     AND NOT EXISTS (
       SELECT 1 FROM pg_catalog.pg_depend d
        WHERE d.classid OPERATOR(pg_catalog.=) o.classid AND d.objid OPERATOR(pg_catalog.=) o.objid
          AND d.refobjid OPERATOR(pg_catalog.<>) d.objid
          AND (d.deptype OPERATOR(pg_catalog.=) ANY ('{e,i}'::pg_catalog."char"[])
               OR i.type OPERATOR(pg_catalog.=) 'sequence'
                  AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                  AND d.deptype OPERATOR(pg_catalog.=) 'a'))
     AND NOT EXISTS (
       SELECT 1 FROM pg_catalog.pg_type t
        WHERE o.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
          AND t.oid OPERATOR(pg_catalog.=) o.objid AND t.typtype OPERATOR(pg_catalog.=) 'm')
     AND coalesce(i.schema, i.name, '') OPERATOR(pg_catalog.!~) '^(pg_catalog$|information_schema$|pg_toast|pg_temp)'
   ORDER BY i.type OPERATOR(pg_catalog.<>) 'schema', i.type, i.identity`;

/**
 * What belongs to others, or to those of them who are named: schemas first, since what they hold can only be
 * given to somebody who may create there.
 */
export async function foreignObjects(work: Work, owner: string, from?: string[]): Promise<ForeignObject[]> {
  const rows = await work.rows(FOREIGN, [owner, SYSTEM_ROLE, from ?? null]);
  return rows.map((row) => ({
    kind: row.kind as string,
    schema: (row.schema as string | null) ?? undefined,
    identity: row.identity as string,
    owner: row.owner as string,
    isOfSystem: row.is_of_system === true,
  }));
}

/** What follows `ALTER` in the statement that gives an object to somebody; none where there is no such. */
const KEYWORDS: { readonly [kind: string]: string } = {
  aggregate: 'AGGREGATE',
  collation: 'COLLATION',
  conversion: 'CONVERSION',
  'event trigger': 'EVENT TRIGGER',
  'foreign table': 'FOREIGN TABLE',
  'foreign-data wrapper': 'FOREIGN DATA WRAPPER',
  function: 'FUNCTION',
  language: 'LANGUAGE',
  'large object': 'LARGE OBJECT',
  'materialized view': 'MATERIALIZED VIEW',
  operator: 'OPERATOR',
  'operator class': 'OPERATOR CLASS',
  'operator family': 'OPERATOR FAMILY',
  procedure: 'PROCEDURE',
  publication: 'PUBLICATION',
  schema: 'SCHEMA',
  sequence: 'SEQUENCE',
  server: 'SERVER',
  'statistics object': 'STATISTICS',
  subscription: 'SUBSCRIPTION',
  table: 'TABLE',
  'text search configuration': 'TEXT SEARCH CONFIGURATION',
  'text search dictionary': 'TEXT SEARCH DICTIONARY',
  type: 'TYPE',
  view: 'VIEW',
};

/** Gives an object to a role, whose name is quoted; undefined for what has no such statement. */
export function givenTo({ kind, identity }: ForeignObject, role: string): string | undefined {
  return KEYWORDS[kind] === undefined ? undefined : `ALTER ${KEYWORDS[kind]} ${identity} OWNER TO ${role}`;
}
