import { completeUrl } from '../../constructs/handlers/database-roles/url';
import type { DatabaseSecret } from '../../constructs/handlers/database-rotation/contract';
import { DatabaseRotation, type IDatabase } from '../../constructs/handlers/database-rotation/database';
import { databaseUrl } from '../../constructs/handlers/shared/database-url';
import { type ISecretStore, type RotationEvent, rotate, versionWith } from '../../constructs/handlers/shared/rotation';
import type { Invocation } from './chaos';
import { FakeSecret, storeOf } from './fake-secrets-manager';
import type { Clock, Subject } from './rotation-model';

/** Two logins in turn; one login with a master; or the master itself. */
export type DatabaseMode = 'alternating' | 'single-user' | 'master';

/** What a role's password was set to. */
class FakePostgres {
  public readonly verifiers = new Map<string, string>();

  public accepts(login: DatabaseSecret): boolean {
    return this.verifiers.get(login.username) === verifierOf(login.password);
  }

  public behind(invocation: Invocation): IDatabase {
    return {
      roleOf: (login) => invocation.call(() => (this.accepts(login) ? 'shop_owner' : undefined)),
      admits: (master) => invocation.call(() => this.accepts(master)),
      setPassword: (as, { login, verifier }) =>
        invocation.call(() => {
          if (!this.accepts(as)) {
            throw Object.assign(new Error(`password "${as.password}" refused`), { name: 'error', code: '28P01' });
          }
          this.verifiers.set(login, verifier);
        }),
    };
  }
}

export interface DatabaseWorld {
  readonly database: IDatabase;
  readonly store: ISecretStore;
  readonly options: Pick<ConstructorParameters<typeof DatabaseRotation>[0], 'masterSecretArn' | 'logins' | 'role'>;
  readonly newPassword: () => string;
  readonly log: (message: string) => void;
}

export type DatabaseHandler = (event: RotationEvent, world: DatabaseWorld) => Promise<void>;

export const realDatabaseHandler: DatabaseHandler = (event, { database, store, options, newPassword, log }) => {
  const strategy = new DatabaseRotation({
    ...options,
    secretId: event.SecretId,
    store,
    database,
    random: newPassword,
    verifier: verifierOf,
  });
  return rotate(event, store, strategy, log);
};

/** Changes the password first and stores it afterwards, as one would by hand. */
export const naiveDatabaseHandler: DatabaseHandler = async (event, { database, store, options, newPassword }) => {
  const stages = await store.stages(event.SecretId);
  const currentId = versionWith(stages, 'AWSCURRENT') ?? '';
  if (event.Step === 'setSecret') {
    const current = JSON.parse((await store.read(event.SecretId, currentId)) ?? '') as DatabaseSecret;
    const master = versionWith(await store.stages(options.masterSecretArn ?? event.SecretId), 'AWSCURRENT') ?? '';
    const as = JSON.parse((await store.read(options.masterSecretArn ?? event.SecretId, master)) ?? '');
    const username = options.logins.find((login) => login !== current.username) ?? current.username;
    const value = { ...current, username, password: newPassword() };
    await database.setPassword(as, {
      login: username,
      verifier: verifierOf(value.password),
      database: current.dbname,
    });
    await store.putPending(event.SecretId, event.ClientRequestToken, JSON.stringify(value));
  } else if (event.Step === 'finishSecret') {
    await store.moveStage(event.SecretId, 'AWSCURRENT', currentId, event.ClientRequestToken);
  }
};

export function databaseSubject(
  handler: DatabaseHandler,
  mode: DatabaseMode,
): (clock: Clock, random: () => number) => Subject {
  return () => new DatabaseSubject(handler, mode);
}

class DatabaseSubject implements Subject {
  public readonly secret: FakeSecret;
  private readonly postgres = new FakePostgres();
  private readonly passwords: string[] = [];
  private readonly master: FakeSecret;
  private changedByHand = false;
  private disturbances = 0;
  private completions = 0;

  public constructor(
    private readonly handler: DatabaseHandler,
    private readonly mode: DatabaseMode,
  ) {
    this.master = new FakeSecret('arn:master', this.newLogin('master'));
    this.secret = mode === 'master' ? this.master : new FakeSecret('arn:application', this.newLogin('shop_a'));
  }

  public deliver(event: RotationEvent, invocation: Invocation, log: (message: string) => void): Promise<void> {
    const isMaster = event.SecretId === this.master.arn;
    return this.handler(event, {
      database: this.postgres.behind(invocation),
      store: storeOf([this.master, this.secret], invocation),
      options: {
        masterSecretArn: isMaster ? undefined : this.master.arn,
        logins: this.mode === 'alternating' && !isMaster ? ['shop_a', 'shop_b'] : [],
        role: this.mode === 'alternating' && !isMaster ? 'shop_owner' : undefined,
      },
      newPassword: () => this.newPassword(),
      log,
    });
  }

  public check(): string[] {
    const currents = this.secret.withStage('AWSCURRENT');
    if (currents.length !== 1 || currents[0].value === undefined) {
      return ['current: there must be exactly one AWSCURRENT with a value'];
    }
    const { url, ...login } = JSON.parse(currents[0].value) as DatabaseSecret;
    if (url !== undefined && url !== databaseUrl(login)) {
      return ['url: it must be that of the running login'];
    }
    // A login that changes its own password is refused with the old one until the rotation ends: that is its price.
    return this.mode !== 'alternating' || this.logsIn(currents[0].value)
      ? []
      : ['refused: the running password must work all the time'];
  }

  public checkRotated(): string[] {
    const found: string[] = [];
    const [current] = this.secret.withStage('AWSCURRENT');
    const [previous] = this.secret.withStage('AWSPREVIOUS');
    if (!this.logsIn(current.value)) {
      found.push('refused: the new password must work after a rotation');
    }
    if (this.mode !== 'master' && !current.value?.includes('"url"')) {
      found.push('url: a rotation must write it');
    }
    if (this.mode === 'alternating' && !this.changedByHand && !this.logsIn(previous.value)) {
      found.push('previous: tasks that still run must be able to connect');
    }
    return found;
  }

  /** The operator sets another password for the running login, in the database and in the secret. */
  public changeByHand(): void {
    const { username } = JSON.parse(this.secret.withStage('AWSCURRENT')[0].value ?? '{}') as DatabaseSecret;
    this.changedByHand = true;
    this.secret.put(`by-hand-${this.passwords.length}`, this.newLogin(username), 'AWSCURRENT');
  }

  /**
   * A deployment completes the secret, and the master's own rotation stops somewhere on its way, or goes on.
   */
  public async disturb(invocation: Invocation): Promise<void> {
    if (this.secret === this.master) {
      return;
    }
    const store = storeOf([this.secret], invocation);
    await completeUrl(this.secret.arn, store, () => `completed${this.completions++}`);
    const token = this.master.startRotation(`m${this.disturbances}`);
    const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
    for (const Step of steps.slice(0, 2 + (this.disturbances++ % 3))) {
      const event = { Step, SecretId: this.master.arn, ClientRequestToken: token };
      await this.deliver(event, invocation, () => undefined);
    }
  }

  public material(): string[] {
    return [...this.passwords, ...this.passwords.map(verifierOf)];
  }

  private logsIn(value: string | undefined): boolean {
    return value !== undefined && this.postgres.accepts(JSON.parse(value) as DatabaseSecret);
  }

  private newLogin(username: string): string {
    const password = this.newPassword();
    this.postgres.verifiers.set(username, verifierOf(password));
    return JSON.stringify({ engine: 'postgres', host: 'db', port: 5432, dbname: 'shop', username, password });
  }

  private newPassword(): string {
    const password = `password-${String(this.passwords.length).padStart(4, '0')}-secret`;
    this.passwords.push(password);
    return password;
  }
}

/** Stands for SCRAM, which is slow on purpose. */
function verifierOf(password: string): string {
  return `verifier of ${[...password].reverse().join('')}`;
}
