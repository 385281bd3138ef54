import { Failure } from '../shared/failure';
import type { IRotationStrategy, ISecretStore } from '../shared/rotation';
import { parseObject } from '../shared/secret-json';
import type { DatabaseSecret } from './contract';

/** What rotation asks of PostgreSQL. */
export interface IDatabase {
  /** The role that this login acts as; undefined when its name or password is refused. */
  roleOf(login: DatabaseSecret): Promise<string | undefined>;
  /** Gives a role a new password, as its verifier: the password itself would land in the server's log. */
  setPassword(as: DatabaseSecret, role: string, verifier: string): Promise<void>;
}

export interface DatabaseRotationOptions {
  readonly secretId: string;
  readonly store: ISecretStore;
  readonly database: IDatabase;
  readonly masterSecretArn?: string;
  /** Two names, or none for a login that stays. */
  readonly logins: string[];
  readonly owner?: string;
  readonly random: () => string;
  readonly verifier: (password: string) => string;
}

/**
 * A new password for the login that is not in use, so that the running one stays valid for a whole rotation;
 * or, without two logins, for the same login.
 */
export class DatabaseRotation implements IRotationStrategy<DatabaseSecret> {
  public constructor(private readonly options: DatabaseRotationOptions) {}

  public parse(text: string): DatabaseSecret {
    const { host, port, dbname, username, password, ...rest } = parseObject(text);
    const texts = { host, username, password };
    for (const [name, value] of Object.entries(texts)) {
      if (typeof value !== 'string' || value === '') {
        throw new Failure(`the secret must have \`${name}\`, a string`);
      }
    }
    const database = dbname === undefined ? 'postgres' : String(dbname);
    return { ...rest, ...(texts as { [name: string]: string }), port: Number(port ?? 5432), dbname: database } as never;
  }

  public next(current: DatabaseSecret): DatabaseSecret {
    return { ...current, username: this.loginAfter(current), password: this.options.random() };
  }

  public follows(current: DatabaseSecret, pending: DatabaseSecret): boolean {
    const sameDatabase =
      pending.host === current.host && pending.port === current.port && pending.dbname === current.dbname;
    // Secrets Manager tries a new rotation schedule out with testSecret on a copy of the current value.
    const isCopy = pending.username === current.username && pending.password === current.password;
    return sameDatabase && (isCopy || pending.username === this.loginAfter(current));
  }

  public async apply(current: DatabaseSecret, pending: DatabaseSecret): Promise<void> {
    const { database, verifier } = this.options;
    if ((await database.roleOf(pending)) === undefined) {
      await database.setPassword(await this.master(current, pending), pending.username, verifier(pending.password));
    }
  }

  public async verify(_current: DatabaseSecret, pending: DatabaseSecret): Promise<void> {
    const { database, owner } = this.options;
    const role = await database.roleOf(pending);
    if (role === undefined) {
      throw new Failure('the database refuses the new password');
    }
    if (owner !== undefined && role !== owner) {
      throw new Failure('the login does not act as the owner of the database');
    }
  }

  private loginAfter(current: DatabaseSecret): string {
    const { logins } = this.options;
    if (logins.length === 0) {
      return current.username;
    }
    if (!logins.includes(current.username)) {
      throw new Failure('the secret names a login that is not one of the two');
    }
    return logins[0] === current.username ? logins[1] : logins[0];
  }

  /**
   * Somebody who may change the password and can log in.
   *
   * The master's own password may be in the middle of a rotation too.
   */
  private async master(current: DatabaseSecret, pending: DatabaseSecret): Promise<DatabaseSecret> {
    const { masterSecretArn = this.options.secretId, store, database } = this.options;
    const { host, port, dbname } = current;
    const seen = new Set<string>();
    for (const findIds of [() => this.labelled(masterSecretArn), () => store.versionIds(masterSecretArn)]) {
      for (const id of await findIds()) {
        const text = seen.has(id) ? undefined : await store.read(masterSecretArn, id);
        seen.add(id);
        const { username, password } = text === undefined ? ({} as DatabaseSecret) : this.parse(text);
        const isSelf = this.options.masterSecretArn !== undefined || username === pending.username;
        const login: DatabaseSecret = { username, password, host, port, dbname };
        if (text !== undefined && isSelf && (await database.roleOf(login)) !== undefined) {
          return login;
        }
      }
    }
    throw new Failure(
      'the database refuses every password of the master: set a new one with `aws rds modify-db-instance`',
    );
  }

  private async labelled(secretId: string): Promise<string[]> {
    const stages = await this.options.store.stages(secretId);
    return ORDER.flatMap((stage) => Object.keys(stages).filter((id) => stages[id].includes(stage)));
  }
}

const ORDER = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'];
