import { databaseUrl } from '../shared/database-url';
import { Failure } from '../shared/failure';
import type { IRotationStrategy, ISecretStore } from '../shared/rotation';
import { parseObject } from '../shared/secret-json';
import type { DatabaseSecret } from './contract';

/** What rotation asks of PostgreSQL. */
export interface IDatabase {
  /**
   * The role that a login of the application acts as; undefined when its name or password is refused. Throws
   * a Failure when it is kept out.
   */
  roleOf(login: DatabaseSecret): Promise<string | undefined>;
  /** Whether the name and the password of the master are accepted. */
  admits(master: DatabaseSecret): Promise<boolean>;
  /** Changes what a login needs to work again. */
  setPassword(as: DatabaseSecret, change: PasswordChange): Promise<void>;
}

export interface PasswordChange {
  readonly login: string;
  /** Of the new password, which itself would land in the server's log. */
  readonly verifier: string;
  /**
   * The role that the login must act as; whatever keeps it from that is undone. Not set: the password alone
   * is changed.
   */
  readonly role?: string;
  /** Where the login must be let in. */
  readonly database: string;
}

export interface DatabaseRotationOptions {
  readonly secretId: string;
  readonly store: ISecretStore;
  readonly database: IDatabase;
  /** Not set: the secret is the master's own. */
  readonly masterSecretArn?: string;
  /** Two names, or none for a login that stays. */
  readonly logins: string[];
  /** What the login must act as. */
  readonly role?: string;
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
    const made = { ...current, username: this.loginAfter(current), password: this.options.random() };
    // Nothing reads the master's but handlers.
    return this.options.masterSecretArn === undefined ? made : { ...made, url: databaseUrl(made) };
  }

  public follows(current: DatabaseSecret, pending: DatabaseSecret): boolean {
    const sameDatabase =
      pending.host === current.host && pending.port === current.port && pending.dbname === current.dbname;
    // Secrets Manager tries a new rotation schedule out with testSecret on a copy of the current value.
    const isCopy = pending.username === current.username && pending.password === current.password;
    // Made by a handler that knew of no url: ECS would start no process that reads it.
    const isComplete = current.url === undefined || pending.url === databaseUrl(pending);
    return sameDatabase && (isCopy || (isComplete && pending.username === this.loginAfter(current)));
  }

  public async apply(current: DatabaseSecret, pending: DatabaseSecret): Promise<void> {
    const { database, verifier, role } = this.options;
    if (!(await this.works(pending))) {
      await database.setPassword(await this.master(current, pending), {
        login: pending.username,
        verifier: verifier(pending.password),
        role,
        database: pending.dbname,
      });
    }
  }

  public async verify(_current: DatabaseSecret, pending: DatabaseSecret): Promise<void> {
    const found = await this.roleOf(pending);
    if (found === undefined) {
      throw new Failure('the database refuses the new password');
    }
    if (found !== (this.options.role ?? found)) {
      throw new Failure(`the login acts as "${found}", not as "${this.options.role}"`);
    }
  }

  /**
   * Whether there is nothing left to do. Whoever is kept out by the owner of the database is let in by
   * `setPassword`.
   */
  private async works(pending: DatabaseSecret): Promise<boolean> {
    try {
      const found = await this.roleOf(pending);
      return found !== undefined && found === (this.options.role ?? found);
    } catch (error) {
      if (error instanceof Failure) {
        return false;
      }
      throw error;
    }
  }

  /** The master is only ever asked where the application owns nothing. */
  private async roleOf(login: DatabaseSecret): Promise<string | undefined> {
    const { database, masterSecretArn } = this.options;
    if (masterSecretArn !== undefined) {
      return database.roleOf(login);
    }
    return (await database.admits(login)) ? login.username : undefined;
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
        if (text !== undefined && isSelf && (await database.admits(login))) {
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
