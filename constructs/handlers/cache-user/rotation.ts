import { Failure } from '../shared/failure';
import { FRESH_SECONDS, RETIRE_SECONDS } from '../shared/retirement';
import { type IRotationStrategy, type ISecretStore, labelled } from '../shared/rotation';
import { parseObject } from '../shared/secret-json';
import { type CacheSecret, cacheUrl } from './contract';
import type { CacheUser } from './user';

export interface CacheRotationOptions {
  readonly user: CacheUser;
  /** A new password. */
  readonly random: () => string;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** The value of a cache's secret; throws a Failure that does not quote it. */
export function parseCacheSecret(text: string): CacheSecret {
  const value = parseObject(text);
  for (const name of ['username', 'password']) {
    if (typeof value[name] !== 'string' || value[name] === '') {
      throw new Failure(`the secret must have \`${name}\`, a string`);
    }
  }
  return value as CacheSecret;
}

/**
 * A second password for the user, which ElastiCache accepts beside the current one, so that running processes
 * can connect until they are replaced.
 */
export class CacheRotation implements IRotationStrategy<CacheSecret> {
  public constructor(private readonly options: CacheRotationOptions) {}

  public parse(text: string): CacheSecret {
    return parseCacheSecret(text);
  }

  public next(current: CacheSecret): CacheSecret {
    const made = { ...current, password: this.options.random(), rotated: this.options.now() };
    return current.host === undefined ? made : { ...made, url: cacheUrl(made) };
  }

  public follows(current: CacheSecret, pending: CacheSecret): boolean {
    const same = (['username', 'host', 'port'] as const).every((name) => pending[name] === current[name]);
    // The password counts as used since it was made: beside an old one, the one before would leave too early.
    const isFresh = (pending.rotated ?? 0) > this.options.now() - FRESH_SECONDS;
    return same && (isCopy(current, pending) || isFresh);
  }

  /** The password before the current one leaves here, if it is still there: a user has two at most. */
  public async apply(current: CacheSecret, pending: CacheSecret): Promise<void> {
    await this.options.user.setPasswords([current.password, pending.password]);
  }

  /**
   * ElastiCache does not tell which passwords a user has, and the function cannot reach the cache. So it sets
   * both once more, and waits until the nodes know them.
   */
  public async verify(current: CacheSecret, pending: CacheSecret): Promise<void> {
    // Secrets Manager tries a new rotation schedule out with testSecret on a copy of the current value.
    if (isCopy(current, pending)) {
      await this.options.user.settled();
      return;
    }
    await this.apply(current, pending);
  }
}

function isCopy(current: CacheSecret, pending: CacheSecret): boolean {
  return pending.password === current.password;
}

/**
 * Lets the password of before the last rotation leave, once services have had a day to be replaced. Says what
 * it did.
 */
export async function retirePrevious(
  secretId: string,
  store: ISecretStore,
  { user, now }: Pick<CacheRotationOptions, 'user' | 'now'>,
): Promise<string> {
  const before = await currentAndPending(secretId, store);
  if (before.pending !== undefined) {
    return 'a rotation is at work';
  }
  if ((before.current.rotated ?? Number.POSITIVE_INFINITY) > now() - RETIRE_SECONDS) {
    return 'the password before may still be in use';
  }
  if ((await user.settled()).passwords < 2) {
    return 'there is one password only';
  }
  await user.setPasswords([before.current.password]);
  const after = await currentAndPending(secretId, store);
  const passwords = [after.current, after.pending].flatMap((each) => (each === undefined ? [] : [each.password]));
  if (passwords.some((password) => password !== before.current.password)) {
    await user.setPasswords(passwords);
    return 'a rotation has begun';
  }
  return 'the password before has left';
}

async function currentAndPending(
  secretId: string,
  store: ISecretStore,
): Promise<{ readonly current: CacheSecret; readonly pending?: CacheSecret }> {
  const stages = await store.stages(secretId);
  const current = await labelled(secretId, 'AWSCURRENT', store, stages);
  if (current === undefined) {
    throw new Failure('the current version has no value');
  }
  const isCurrent = stages[current.id].includes('AWSPENDING');
  const pending = isCurrent ? undefined : await labelled(secretId, 'AWSPENDING', store, stages);
  return {
    current: parseCacheSecret(current.text),
    pending: pending === undefined ? undefined : parseCacheSecret(pending.text),
  };
}
