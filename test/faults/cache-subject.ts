import type { CacheSecret } from '../../constructs/handlers/cache-user/contract';
import { CacheRotation, retirePrevious } from '../../constructs/handlers/cache-user/rotation';
import { CacheUser, type IUserApi } from '../../constructs/handlers/cache-user/user';
import { type ISecretStore, type RotationEvent, rotate, versionWith } from '../../constructs/handlers/shared/rotation';
import type { Invocation } from './chaos';
import { FakeSecret, storeOf } from './fake-secrets-manager';
import { type Clock, DAY, type Subject } from './rotation-model';

/** One user of ElastiCache: two passwords at most, and for a while after a change only what it had before, too. */
export class FakeUser {
  public passwords: string[] = [];
  public accessString = '';
  public isThere = false;
  private before: string[] | undefined;

  public accepts(password: string): boolean {
    return this.passwords.includes(password) && (this.before ?? this.passwords).includes(password);
  }

  public set(passwords: string[]): boolean {
    if (passwords.length === 0 || passwords.length > 2 || new Set(passwords).size < passwords.length) {
      throw Object.assign(new Error(`refused: ${passwords}`), { name: 'InvalidParameterValueException' });
    }
    if (this.before !== undefined) {
      return false;
    }
    [this.before, this.passwords] = [this.passwords, passwords];
    return true;
  }

  public behind(invocation: Pick<Invocation, 'call'>): IUserApi {
    return {
      describe: () =>
        invocation.call(() => {
          const status = this.before === undefined ? 'active' : 'modifying';
          this.before = undefined;
          return this.isThere ? { status, passwords: this.passwords.length } : undefined;
        }),
      create: ({ password, accessString }) =>
        invocation.call(() => {
          if (this.isThere) {
            return false;
          }
          this.isThere = true;
          this.accessString = accessString;
          this.passwords = [password];
          this.before = [];
          return true;
        }),
      setPasswords: (passwords) => invocation.call(() => this.set(passwords)),
      setAccessString: (accessString) =>
        invocation.call(() => {
          this.accessString = accessString;
          return this.before === undefined;
        }),
      remove: () =>
        invocation.call(() => {
          const done = !this.isThere || this.before === undefined;
          this.isThere = this.isThere && !done;
          return done;
        }),
    };
  }
}

export interface CacheWorld {
  readonly user: CacheUser;
  readonly api: IUserApi;
  readonly store: ISecretStore;
  readonly clock: Clock;
  readonly newPassword: () => string;
  readonly log: (message: string) => void;
}

export type CacheHandler = (event: RotationEvent, world: CacheWorld) => Promise<void>;

export const realCacheHandler: CacheHandler = (event, { user, store, clock, newPassword, log }) =>
  rotate(event, store, new CacheRotation({ user, random: newPassword, now: () => clock.seconds }), log);

/** Sets the new password in place of the one that is in use: right once every process has been replaced. */
export const naiveCacheHandler: CacheHandler = async (event, { api, store, newPassword }) => {
  const stages = await store.stages(event.SecretId);
  const currentId = versionWith(stages, 'AWSCURRENT') ?? '';
  if (event.Step === 'setSecret') {
    const current = JSON.parse((await store.read(event.SecretId, currentId)) ?? '') as CacheSecret;
    const value = { ...current, password: newPassword() };
    await api.setPasswords([value.password]);
    await api.describe();
    await store.putPending(event.SecretId, event.ClientRequestToken, JSON.stringify(value));
  } else if (event.Step === 'finishSecret') {
    await store.moveStage(event.SecretId, 'AWSCURRENT', currentId, event.ClientRequestToken);
  }
};

export function cacheSubject(handler: CacheHandler): (clock: Clock, random: () => number) => Subject {
  return (clock) => new CacheSubject(handler, clock);
}

class CacheSubject implements Subject {
  public readonly secret: FakeSecret;
  private readonly user = new FakeUser();
  private readonly made: string[] = [];
  private readonly lastUsed = new Map<string, number>();
  private readonly retired: string[] = [];
  private changedByHand = false;

  public constructor(
    private readonly handler: CacheHandler,
    private readonly clock: Clock,
  ) {
    const password = this.newPassword();
    this.user.isThere = true;
    this.user.passwords = [password];
    this.secret = new FakeSecret('arn:cache', valueWith(password));
  }

  public deliver(event: RotationEvent, invocation: Invocation, log: (message: string) => void): Promise<void> {
    const api = this.user.behind(invocation);
    return this.handler(event, {
      api,
      user: userBehind(api),
      store: storeOf([this.secret], invocation),
      clock: this.clock,
      newPassword: () => this.newPassword(),
      log,
    });
  }

  public check(): string[] {
    const currents = this.secret.withStage('AWSCURRENT');
    if (currents.length !== 1 || currents[0].value === undefined) {
      return ['current: there must be exactly one AWSCURRENT with a value'];
    }
    const { password, url } = JSON.parse(currents[0].value) as CacheSecret;
    this.lastUsed.set(password, this.clock.seconds);
    return [
      ...(this.user.accepts(password) ? [] : ['refused: the current password must work all the time']),
      ...(url?.includes(`:${password}@`) ? [] : ['url: it must have the current password']),
      ...this.retired,
    ];
  }

  public checkRotated(): string[] {
    const [previous] = this.secret.withStage('AWSPREVIOUS');
    const { password } = JSON.parse(previous.value ?? '{}') as CacheSecret;
    return this.changedByHand || this.user.accepts(password)
      ? []
      : ['previous: tasks that still run must be able to connect'];
  }

  /** The operator sets another password, in ElastiCache and in the secret. */
  public changeByHand(): void {
    const password = this.newPassword();
    this.changedByHand = true;
    this.user.passwords = [password];
    void this.user.behind({ call: async (effect) => effect() }).describe();
    this.secret.put(`by-hand-${this.made.length}`, valueWith(password), 'AWSCURRENT');
  }

  /** The daily schedule. */
  public async disturb(invocation: Invocation): Promise<void> {
    const before = [...this.user.passwords];
    const user = userBehind(this.user.behind(invocation));
    try {
      await retirePrevious('arn:cache', storeOf([this.secret], invocation), { user, now: () => this.clock.seconds });
    } finally {
      const gone = before.filter((password) => !this.user.passwords.includes(password));
      if (gone.some((password) => (this.lastUsed.get(password) ?? 0) > this.clock.seconds - DAY)) {
        this.retired.push('retired: tasks have a day to be replaced');
      }
    }
  }

  public material(): string[] {
    return this.made;
  }

  private newPassword(): string {
    const password = `password-${String(this.made.length).padStart(4, '0')}-secret`;
    this.made.push(password);
    return password;
  }
}

function userBehind(api: IUserApi): CacheUser {
  return new CacheUser(api, async () => undefined);
}

function valueWith(password: string): string {
  const url = `rediss://django:${password}@cache:6379/0`;
  return JSON.stringify({ username: 'django', password, host: 'cache', port: 6379, url });
}
