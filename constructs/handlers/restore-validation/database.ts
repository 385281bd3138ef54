import type { Client } from 'pg';
import { connectPostgres, identifier } from '../shared/postgres';
import { type RestoredLogin, type Verdict, verdictOn, verdictOnError } from './validation';

/** invalid_catalog_name: the database is not there, and will not come. */
const NO_DATABASE = '3D000';

/** What is asked, and for how long. */
export interface Question {
  readonly query: string;
  /** Milliseconds: the storage of a restored instance comes from S3 when it is read for the first time. */
  readonly timeout: number;
}

/** Asks a restored database over TLS, in a transaction that can only read. */
export async function askDatabase(
  login: RestoredLogin,
  { query, timeout }: Question,
  connect: typeof connectPostgres = connectPostgres,
): Promise<Verdict> {
  const settings = { ...login, query_timeout: timeout, application_name: 'restore-validation' };
  const client = await connect(settings).catch((error) => {
    if ((error as { code?: string }).code === NO_DATABASE) {
      return undefined;
    }
    throw error;
  });
  if (client === undefined) {
    return { proven: false, message: `There is no database "${login.database}".` };
  }
  try {
    return await select(client, query);
  } catch (error) {
    const verdict = verdictOnError(error);
    if (verdict === undefined) {
      throw error;
    }
    return verdict;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function select(client: Client, text: string): Promise<Verdict> {
  await client.query('BEGIN READ ONLY');
  await becomeOwner(client);
  await client.query(`SET LOCAL search_path = "$user", public`);
  // One statement alone: the extended protocol refuses several.
  const statement = { text, rowMode: 'array', queryMode: 'extended' } as const;
  const { rows } = await client.query<unknown[]>(statement);
  return verdictOn(rows[0]?.[0]);
}

/**
 * The tables are the owner's, and so is what its views and functions do: the master does not run them.
 *
 * In a database that is not of this library the master may not be a member of the owner, and asks itself.
 */
async function becomeOwner(client: Client): Promise<void> {
  const { rows } = await client.query(
    `SELECT pg_catalog.pg_get_userbyid(datdba) AS owner FROM pg_catalog.pg_database
      WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()`,
  );
  await client.query('SAVEPOINT master');
  await client
    .query(`SET LOCAL ROLE ${identifier(String(rows[0].owner))}`)
    .catch(() => client.query('ROLLBACK TO SAVEPOINT master'));
}
