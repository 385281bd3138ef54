import { Failure } from '../shared/failure';
import type { IRotationStrategy } from '../shared/rotation';
import { parseObject } from '../shared/secret-json';
import { fallbackLimit, type SecretKeyValue } from './contract';

export interface SecretKeyRotationOptions {
  readonly sessionCookieAge: number;
  readonly rotationPeriod: number;
  /** A new key. */
  readonly random: () => string;
  /** Seconds since 1970. */
  readonly now: () => number;
}

const DAY = 24 * 60 * 60;

/**
 * The key that was announced becomes the key, the key becomes a fallback, and a new one is announced. Without
 * an announced key (before the first rotation) one is announced and nothing else changes.
 */
export class SecretKeyRotation implements IRotationStrategy<SecretKeyValue> {
  private readonly limit: number;
  private readonly keepFor: number;

  public constructor(private readonly options: SecretKeyRotationOptions) {
    this.limit = fallbackLimit(options.sessionCookieAge, options.rotationPeriod);
    // A key signs until the last task has been replaced, which is later than its retirement.
    this.keepFor = options.sessionCookieAge + Math.min(DAY, options.rotationPeriod);
  }

  public parse(text: string): SecretKeyValue {
    const { key, next, fallbacks, retired } = parseObject(text);
    if (!isKey(key) || !(next === undefined || isKey(next))) {
      throw new Failure('the secret must have `key`, a string of 32 characters or more, and the same as `next` if any');
    }
    if (!(Array.isArray(fallbacks) && fallbacks.every((entry) => typeof entry === 'string' && entry.length > 0))) {
      throw new Failure('the secret must have `fallbacks`, a list of strings');
    }
    const times = Array.isArray(retired) ? retired : [];
    return { key, next, fallbacks, retired: fallbacks.map((_, index) => Number(times[index]) || 0) };
  }

  public next(current: SecretKeyValue): SecretKeyValue {
    const { key, next, fallbacks, retired = [] } = current;
    const announced = this.options.random();
    if (next === undefined) {
      return { key, next: announced, fallbacks, retired };
    }
    const times = [this.options.now(), ...retired];
    // Rotations by hand can come faster than the schedule: a key that sessions still use is never pushed out,
    // the rotation changes nothing.
    if (times.slice(this.limit).some((time) => time > this.options.now() - this.keepFor)) {
      return current;
    }
    return {
      key: next,
      next: announced,
      fallbacks: [key, ...fallbacks].slice(0, this.limit),
      retired: times.slice(0, this.limit),
    };
  }

  public follows(current: SecretKeyValue, pending: SecretKeyValue): boolean {
    if (pending.key === current.key) {
      const isSame = pending.next === current.next || current.next === undefined;
      return isSame && sameList(pending.fallbacks, current.fallbacks);
    }
    const [replaced, ...older] = pending.fallbacks;
    // The key counts as retired since the value was made: one made long ago would be dropped too early.
    const isFresh = (pending.retired?.[0] ?? 0) > this.options.now() - Math.min(DAY, this.options.rotationPeriod);
    return (
      pending.key === current.next &&
      replaced === current.key &&
      sameList(older, current.fallbacks.slice(0, older.length)) &&
      isFresh
    );
  }

  /** Nothing to do: tasks read the secret when they start. */
  public async apply(): Promise<void> {}

  public async verify(current: SecretKeyValue, pending: SecretKeyValue): Promise<void> {
    // Secrets Manager tries a new rotation schedule out with testSecret on a copy of the current value,
    // before anything was announced.
    const isCopy = pending.key === current.key && pending.next === current.next;
    const all = [pending.key, pending.next, ...pending.fallbacks];
    if (!isCopy && (pending.next === undefined || new Set(all).size !== all.length)) {
      throw new Failure('`key`, `next` and `fallbacks` must be there and differ from each other');
    }
  }
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 32;
}

function sameList(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((entry, index) => entry === b[index]);
}
