import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What stands for PostGIS, which lets everybody read a table of its own. */
const STUB = `
CREATE TYPE geometry AS (x float8, y float8);
CREATE TABLE spatial_ref_sys (srid int PRIMARY KEY, proj4text text);
GRANT SELECT ON spatial_ref_sys TO PUBLIC;
CREATE FUNCTION st_x(geometry) RETURNS float8 LANGUAGE sql AS 'SELECT ($1).x';
`;
/** What PostgreSQL leaves to superusers, and RDS to its master. */
const TRUSTED = ['pg_stat_statements.control', 'earthdistance.control'];
/** One with a schema of its own, which it asks for. */
const WITH_SCHEMA = 'CREATE TABLE part_config (parent text)';

/**
 * A copy of a server's binaries in which a master makes extensions as on RDS: RDS lets its master make those
 * that PostgreSQL leaves to superusers, and PostgreSQL does for those that it trusts.
 */
export function withTrustedExtensions(binaries: string): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'binaries-'));
  chmodSync(folder, 0o755);
  execFileSync('cp', ['-al', `${binaries}/.`, folder]);
  const extensions = join(folder, 'share', 'postgresql', 'extension');
  for (const name of readdirSync(extensions).filter((each) => TRUSTED.includes(each))) {
    const text = readFileSync(join(extensions, name), 'utf8');
    rmSync(join(extensions, name)); // It is a link to the other server's.
    writeFileSync(join(extensions, name), `${text}\ntrusted = true\n`);
  }
  const stubs = { postgis: [STUB, ''], partman: [WITH_SCHEMA, "schema = 'partman'\n"] };
  for (const [name, [script, more]] of Object.entries(stubs)) {
    writeFileSync(join(extensions, `${name}--1.0.sql`), script);
    writeFileSync(
      join(extensions, `${name}.control`),
      `default_version = '1.0'\nrelocatable = false\ntrusted = true\n${more}`,
    );
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
