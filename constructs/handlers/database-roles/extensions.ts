import { identifier, type SqlClient } from '../shared/postgres';
import { inTransaction, Work } from './work';

/** The schema that projects look for types and functions in, unless an extension has a schema of its own. */
const SCHEMA = 'public';

/**
 * Makes extensions that are not there, with those that they require. None is ever taken away: a column may be
 * of its type. Gives the names of those that it made.
 */
export async function ensureExtensions(client: SqlClient, names: string[]): Promise<string[]> {
  const work = new Work(client);
  const made: string[] = [];
  await inTransaction(client, async () => {
    for (const name of names) {
      if (await ensureExtension(work, name)) {
        made.push(name);
      }
    }
  });
  return made;
}

async function ensureExtension(work: Work, name: string): Promise<boolean> {
  const [known] = await work.rows(
    `SELECT v.schema, EXISTS (
              SELECT 1 FROM pg_catalog.pg_extension e WHERE e.extname OPERATOR(pg_catalog.=) a.name) AS exists
       FROM pg_catalog.pg_available_extensions a
       JOIN pg_catalog.pg_available_extension_versions v
         ON v.name OPERATOR(pg_catalog.=) a.name AND v.version OPERATOR(pg_catalog.=) a.default_version
      WHERE a.name OPERATOR(pg_catalog.=) $1`,
    [name],
  );
  if (known?.exists === true) {
    return false;
  }
  if (known === undefined) {
    throw new Error(`extension "${name}" does not exist on this server: see SHOW rds.extensions`);
  }
  // Where an extension has a schema of its own, PostgreSQL makes it, and refuses another one.
  const schema = known.schema === null ? ` SCHEMA ${identifier(SCHEMA)}` : '';
  try {
    await work.apply(`CREATE EXTENSION ${identifier(name)}${schema} CASCADE`);
  } catch (error) {
    const { message } = error as Error;
    const hint = /shared_preload_libraries/.test(message)
      ? '. The instance has to be rebooted once after its parameter group has changed'
      : '';
    throw Object.assign(new Error(`${message}${hint}`), { code: (error as { code?: string }).code });
  }
  return true;
}
