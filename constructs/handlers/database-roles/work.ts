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
}

/** Long lists of tables need not be read in full. */
const SHOWN_LENGTH = 400;

function shownOf(statement: string): string {
  const masked = statement.replace(/PASSWORD '.*'/s, "PASSWORD '***'");
  return masked.length > SHOWN_LENGTH ? `${masked.slice(0, SHOWN_LENGTH)}…` : masked;
}
