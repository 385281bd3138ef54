import type { SqlClient } from '../../../constructs/handlers/shared/postgres';

type Row = { [column: string]: unknown };

/** A client that answers questions by what they contain, and records what is changed. */
export class ScriptedClient implements SqlClient {
  public readonly statements: string[] = [];
  private readonly answers: [RegExp, (values: unknown[], text: string) => Row[]][] = [];
  private readonly refusals: [RegExp, Error & { code?: string }][] = [];

  /** Questions that nothing is set for have no rows. */
  public answer(question: RegExp, rows: (values: unknown[], text: string) => Row[]): this {
    this.answers.push([question, rows]);
    return this;
  }

  public refuse(statement: RegExp, message: string, code?: string): this {
    this.refusals.push([statement, Object.assign(new Error(message), code === undefined ? {} : { code })]);
    return this;
  }

  public async query(text: string, values: unknown[] = []): Promise<{ rows: Row[] }> {
    const isQuestion = /^\s*SELECT/.test(text);
    if (!isQuestion) {
      this.statements.push(text);
    }
    const refusal = this.refusals.find(([statement]) => statement.test(text));
    if (refusal !== undefined) {
      throw refusal[1];
    }
    const found = this.answers.find(([question]) => question.test(text));
    return { rows: found?.[1](values, text) ?? [] };
  }

  /** Statements without those that hold a transaction together. */
  public get changes(): string[] {
    return this.statements.filter((text) => !/^(BEGIN|COMMIT|ROLLBACK|SET LOCAL|SAVEPOINT|RELEASE)/.test(text));
  }
}
