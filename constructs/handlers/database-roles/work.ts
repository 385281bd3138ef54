import type { SqlClient } from '../shared/postgres';

/** Statements that were run on a connection, as they may be shown. */
export class Work {
  public readonly done: string[] = [];

  public constructor(private readonly client: SqlClient) {}

  public async rows(text: string, values?: unknown[]): Promise<{ [column: string]: unknown }[]> {
    return (await this.client.query(text, values)).rows;
  }

  public async apply(statement: string): Promise<void> {
    const shown = shownOf(statement);
    try {
      await this.client.query(statement);
    } catch (error) {
      throw Object.assign(new Error(`${shown}: ${(error as Error).message}`), {
        code: (error as { code?: string }).code,
      });
    }
    this.done.push(shown);
  }

  /** Runs a statement that may fail, and nothing else with it: the message of its error, if there is one. */
  public async attempt(statement: string): Promise<string | undefined> {
    await this.client.query('SAVEPOINT attempt');
    try {
      await this.apply(statement);
      return undefined;
    } catch (error) {
      if (REPEATED.has((error as { code?: string }).code ?? '')) {
        throw error;
      }
      await this.client.query('ROLLBACK TO SAVEPOINT attempt');
      return (error as Error).message;
    } finally {
      await this.client.query('RELEASE SAVEPOINT attempt').catch(() => undefined);
    }
  }
}

/** A lock that is not to be had and a deadlock say nothing about the statement. */
const REPEATED = new Set(['55P03', '40P01']);

/** Long lists of tables need not be read in full. */
const SHOWN_LENGTH = 400;

function shownOf(statement: string): string {
  const masked = statement.replace(/PASSWORD '.*'/s, "PASSWORD '***'");
  return masked.length > SHOWN_LENGTH ? `${masked.slice(0, SHOWN_LENGTH)}…` : masked;
}

/** Any constant will do: two deliveries of the same event take turns. */
const LOCK = 7_283_645_190;

/** Does something as a whole or not at all, and not beside another run. */
export async function inTransaction(client: SqlClient, act: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = '30s'`);
    await client.query('SELECT pg_catalog.pg_advisory_xact_lock($1)', [LOCK]);
    await act();
    await client.query('COMMIT');
  } catch (error) {
    // The connection may be gone; the first error is the one to tell.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
