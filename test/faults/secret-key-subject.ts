import type { SecretKeyValue } from '../../constructs/handlers/secret-key-rotation/contract';
import { SecretKeyRotation } from '../../constructs/handlers/secret-key-rotation/secret-key';
import { type ISecretStore, type RotationEvent, rotate, versionWith } from '../../constructs/handlers/shared/rotation';
import type { Invocation } from './chaos';
import { FakeSecret, storeOf } from './fake-secrets-manager';
import { type Clock, DAY, type Subject } from './rotation-model';

export const SESSION_AGE = 14 * DAY;
export const PERIOD = 30 * DAY;

/** Handles one step; throws when it fails. */
export type SecretKeyHandler = (
  event: RotationEvent,
  store: ISecretStore,
  world: { readonly clock: Clock; readonly newKey: () => string; readonly log: (message: string) => void },
) => Promise<void>;

export const realSecretKeyHandler: SecretKeyHandler = (event, store, { clock, newKey, log }) => {
  const strategy = new SecretKeyRotation({
    sessionCookieAge: SESSION_AGE,
    rotationPeriod: PERIOD,
    random: newKey,
    now: () => clock.seconds,
  });
  return rotate(event, store, strategy, log);
};

/** What a first attempt looks like: right as long as nothing fails. It shows that the model notices. */
export const naiveSecretKeyHandler: SecretKeyHandler = async (event, store, { newKey, log }) => {
  const stages = await store.stages(event.SecretId);
  const currentId = versionWith(stages, 'AWSCURRENT') ?? '';
  if (event.Step === 'createSecret') {
    const text = (await store.read(event.SecretId, currentId)) ?? '';
    const current = JSON.parse(text) as SecretKeyValue;
    const fallbacks = [current.key, ...current.fallbacks].slice(0, 2);
    const value = JSON.stringify({ key: newKey(), fallbacks });
    if (!(await store.putPending(event.SecretId, event.ClientRequestToken, value))) {
      throw new Error(`cannot replace ${value}`);
    }
  } else if (event.Step === 'finishSecret') {
    await store.moveStage(event.SecretId, 'AWSCURRENT', currentId, event.ClientRequestToken);
    log('finished');
  }
};

/** The handler, but with the new key announced by nobody: what issue reports call the rolling-deployment hazard. */
export const unannouncedSecretKeyHandler: SecretKeyHandler = (event, store, { clock, newKey, log }) => {
  class Unannounced extends SecretKeyRotation {
    public override next(current: SecretKeyValue): SecretKeyValue {
      return super.next({ ...current, next: newKey() });
    }
    public override follows(): boolean {
      return true;
    }
  }
  const options = { sessionCookieAge: SESSION_AGE, rotationPeriod: PERIOD, random: newKey, now: () => clock.seconds };
  return rotate(event, store, new Unannounced(options), log);
};

export function secretKeySubject(handler: SecretKeyHandler): (clock: Clock, random: () => number) => Subject {
  return (clock) => new SecretKeySubject(handler, clock);
}

class SecretKeySubject implements Subject {
  public readonly secret: FakeSecret;
  private readonly keys: string[] = [];
  private readonly lastUsed = new Map<string, number>();
  private seen: SecretKeyValue;

  public constructor(
    private readonly handler: SecretKeyHandler,
    private readonly clock: Clock,
  ) {
    this.seen = { key: this.newKey(), fallbacks: [] };
    this.secret = new FakeSecret('arn:secret-key', JSON.stringify(this.seen));
  }

  public deliver(event: RotationEvent, invocation: Invocation, log: (message: string) => void): Promise<void> {
    const world = { clock: this.clock, newKey: () => this.newKey(), log };
    return this.handler(event, storeOf([this.secret], invocation), world);
  }

  public check(): string[] {
    const currents = this.secret.withStage('AWSCURRENT');
    if (currents.length !== 1 || currents[0].value === undefined) {
      return ['current: there must be exactly one AWSCURRENT with a value'];
    }
    const value = JSON.parse(currents[0].value) as SecretKeyValue;
    const found: string[] = [];
    if (value.key !== this.seen.key && !acceptedBy(this.seen).includes(value.key)) {
      found.push('announced: tasks that still run would not know the new key');
    }
    this.lastUsed.set(value.key, this.clock.seconds);
    this.seen = value;
    for (const [key, time] of this.lastUsed) {
      if (time >= this.clock.seconds - SESSION_AGE && !acceptedBy(value).includes(key)) {
        found.push('accepted: a key is gone before its sessions are');
      }
    }
    if (value.fallbacks.length > 2) {
      found.push('bounded: more fallbacks than the session age needs');
    }
    return found;
  }

  public checkRotated(): string[] {
    return this.seen.next === undefined ? ['next: a rotation announces the next key'] : [];
  }

  public changeByHand(): void {
    this.check();
    const { key, next, fallbacks } = this.seen;
    const value: SecretKeyValue = {
      key: this.newKey(),
      next: this.newKey(),
      fallbacks: [key, ...fallbacks].slice(0, 2),
    };
    this.secret.put(`by-hand-${this.keys.length}`, JSON.stringify(value), 'AWSCURRENT');
    // The operator decides what is still accepted; an announced key that was never used is not owed to anybody.
    this.lastUsed.clear();
    this.seen = { ...value, fallbacks: next === undefined ? value.fallbacks : [...value.fallbacks, next] };
  }

  public material(): string[] {
    return this.keys;
  }

  private newKey(): string {
    const key = `key-${String(this.keys.length).padStart(4, '0')}-${'x'.repeat(32)}`;
    this.keys.push(key);
    return key;
  }
}

function acceptedBy(value: SecretKeyValue): string[] {
  return [value.key, ...(value.next === undefined ? [] : [value.next]), ...value.fallbacks];
}
