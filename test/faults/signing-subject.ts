import { REFRESH_SECONDS } from '../../constructs/handlers/shared/retirement';
import { type ISecretStore, type RotationEvent, rotate, versionWith } from '../../constructs/handlers/shared/rotation';
import { type SigningSecret, URL_SIGNING_KEYS_TYPE } from '../../constructs/handlers/url-signing-keys/contract';
import { SigningKeyGroup } from '../../constructs/handlers/url-signing-keys/key-group';
import type { KeyPair } from '../../constructs/handlers/url-signing-keys/key-pair';
import { handleResource } from '../../constructs/handlers/url-signing-keys/resources';
import {
  retireKeys,
  SigningKeyRotation,
  type SigningOptions,
} from '../../constructs/handlers/url-signing-keys/rotation';
import type { Invocation } from './chaos';
import { FakeCloudFront } from './fake-cloudfront';
import { FakeSecret, storeOf } from './fake-secrets-manager';
import { type Clock, DAY, type Subject } from './rotation-model';

/** Longest life of an address. */
export const LIFETIME = 7 * DAY;

/** Nothing goes wrong. */
const CALM: Pick<Invocation, 'call'> = { call: async (effect) => effect() };

export interface SigningWorld {
  readonly options: SigningOptions;
  readonly store: ISecretStore;
  readonly log: (message: string) => void;
}

export type SigningHandler = (event: RotationEvent, world: SigningWorld) => Promise<void>;

export const realSigningHandler: SigningHandler = (event, { options, store, log }) =>
  rotate(event, store, new SigningKeyRotation(options), log);

/** The new key in place of the one before: right as long as no process runs and no address is out. */
export const replacingSigningHandler: SigningHandler = (event, { options, store, log }) => {
  class Replacing extends SigningKeyRotation {
    public override async apply(_: SigningSecret, pending: SigningSecret): Promise<void> {
      const group = await options.group.api.group();
      if (group !== undefined) {
        await options.group.api.updateGroup(group, [pending.keyId]);
      }
    }
  }
  return rotate(event, store, new Replacing(options), log);
};

/** The handler, but without the wait: edge locations do not know the key that processes sign with. */
export const hastySigningHandler: SigningHandler = (event, { options, store, log }) => {
  class Hasty extends SigningKeyRotation {
    public override async verify(): Promise<void> {
      // A group that takes the key is not yet one that serves it.
    }
  }
  return rotate(event, store, new Hasty(options), log);
};

/** A key for each delivery, and the group as it was read: right as long as nothing fails. */
export const naiveSigningHandler: SigningHandler = async (event, { options, store }) => {
  const { api } = options.group;
  const stages = await store.stages(event.SecretId);
  const currentId = versionWith(stages, 'AWSCURRENT') ?? '';
  if (event.Step === 'createSecret') {
    const { privateKey, publicKey } = options.newKeyPair();
    const keyId = await api.createPublicKey(publicKey);
    const value = { key: privateKey, keyId, previous: [] };
    await store.putPending(event.SecretId, event.ClientRequestToken, JSON.stringify(value));
  } else if (event.Step === 'setSecret') {
    const group = await api.group();
    const { keyId } = JSON.parse((await store.read(event.SecretId, event.ClientRequestToken)) ?? '{}');
    await api.updateGroup(group as NonNullable<typeof group>, [keyId, ...(group?.keyIds ?? []).slice(0, 1)]);
    await options.group.clock.sleep(600_000);
  } else if (event.Step === 'finishSecret') {
    await store.moveStage(event.SecretId, 'AWSCURRENT', currentId, event.ClientRequestToken);
  }
};

export function signingSubject(handler: SigningHandler): (clock: Clock, random: () => number) => Subject {
  return (clock, random) => new SigningSubject(handler, clock, random);
}

class SigningSubject implements Subject {
  public readonly secret: FakeSecret;
  private readonly cloudFront: FakeCloudFront;
  private readonly made: string[] = [];
  /** Until when some address or other that a key signed is valid. */
  private readonly owed = new Map<string, number>();
  private readonly revoked = new Set<string>();
  private lastDay: number;
  private byHand = 0;
  private readonly failedDays: number[] = [];
  private readonly failedUpdates: number[] = [];

  public constructor(
    private readonly handler: SigningHandler,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {
    this.cloudFront = new FakeCloudFront(clock);
    this.lastDay = clock.seconds;
    const { privateKey, publicKey } = this.newKeyPair();
    const keyId = this.cloudFront.addKey(publicKey);
    this.cloudFront.put([keyId]);
    this.secret = new FakeSecret('arn:signing', valueWith(privateKey, keyId, []));
    this.clock.seconds += 3600;
  }

  public async deliver(event: RotationEvent, invocation: Invocation, log: (message: string) => void): Promise<void> {
    await this.whatIsDaily();
    const world = { options: this.optionsFor(invocation), store: storeOf([this.secret], invocation), log };
    await this.handler(event, world);
  }

  public check(): string[] {
    const currents = this.secret.withStage('AWSCURRENT');
    if (currents.length !== 1 || currents[0].value === undefined) {
      return ['current: there must be exactly one AWSCURRENT with a value'];
    }
    const { key, keyId } = JSON.parse(currents[0].value) as SigningSecret;
    // Whoever read the secret may sign with the key until it is replaced, and then the address has its life.
    this.owed.set(keyId, this.clock.seconds + REFRESH_SECONDS + LIFETIME);
    const refused = [...this.owed].filter(([id, until]) => until > this.clock.seconds && !this.cloudFront.accepts(id));
    return [
      ...(refused.some(([id]) => id === keyId) ? ['current: what processes sign with must be accepted'] : []),
      ...(refused.some(([id]) => id !== keyId) ? ['expired: an address is refused before its time'] : []),
      ...(this.groupKeys().some((id) => this.revoked.has(id)) ? ['revoked: a key that has left is back'] : []),
      ...(isFakePair({ privateKey: key, publicKey: this.cloudFront.keys.get(keyId)?.pem ?? '' })
        ? []
        : ['pair: the id must be that of the key']),
    ];
  }

  public checkRotated(): string[] {
    return [];
  }

  /** The operator makes a key, has it known everywhere, and stores it with the one of before. */
  public changeByHand(): void {
    const version = `by-hand-${this.byHand++}`;
    const current = JSON.parse(this.secret.withStage('AWSCURRENT')[0].value ?? '') as SigningSecret;
    const { keyId: before, previous } = current;
    if (this.cloudFront.keys.size > 9 || (this.cloudFront.current?.keyIds.length ?? 0) > 4) {
      this.secret.put(version, JSON.stringify({ ...current, version }), 'AWSCURRENT'); // There is no room for a key.
      return;
    }
    const { privateKey, publicKey } = this.newKeyPair();
    const keyId = this.cloudFront.addKey(publicKey);
    this.cloudFront.put([...(this.cloudFront.current?.keyIds ?? []), keyId]);
    this.clock.seconds += 600;
    const until = this.clock.seconds + REFRESH_SECONDS + LIFETIME + 600;
    const value = valueWith(privateKey, keyId, [{ keyId: before, until }, ...previous]);
    this.secret.put(version, value, 'AWSCURRENT');
  }

  /** The daily schedule, an operator who revokes keys, or an update of the stack. */
  public async disturb(invocation: Pick<Invocation, 'call'>): Promise<void> {
    const dice = this.random();
    await (dice < 0.4 ? this.retire(invocation) : dice < 0.7 ? this.revoke(invocation) : this.updateTwice(invocation));
  }

  /** Whatever happens to an update of the stack, the next one succeeds. */
  private async updateTwice(invocation: Pick<Invocation, 'call'>): Promise<void> {
    await this.update(invocation).catch(() => undefined);
    await this.update(CALM).catch(() => this.failedUpdates.push(this.clock.seconds));
  }

  private async retire(invocation: Pick<Invocation, 'call'>, revoke = false): Promise<void> {
    const { group } = this.optionsFor(invocation);
    await retireKeys('arn:signing', storeOf([this.secret], invocation as Invocation), { group, revoke });
  }

  /** What other keys than the current one have signed may be refused from now on. */
  private async revoke(invocation: Pick<Invocation, 'call'>): Promise<void> {
    const { keyId } = JSON.parse(this.secret.withStage('AWSCURRENT')[0].value ?? '') as SigningSecret;
    const before = this.groupKeys();
    for (const id of [...this.owed.keys()].filter((each) => each !== keyId)) {
      this.owed.delete(id);
    }
    await this.retire(invocation, true).finally(() => {
      for (const id of before.filter((each) => !this.groupKeys().includes(each))) {
        this.revoked.add(id);
      }
    });
  }

  private async update(invocation: Pick<Invocation, 'call'>): Promise<void> {
    const ResourceProperties = { SecretArn: 'arn:signing', LongestLifetime: '1' };
    const request = { RequestType: 'Update', RequestId: 'r', StackId: 's', LogicalResourceId: 'Keys' } as const;
    const putCurrent = (): Promise<void> => Promise.reject(new Error('the secret has a value'));
    await handleResource(
      { ...request, ResourceType: URL_SIGNING_KEYS_TYPE, ResourceProperties },
      {
        ...this.optionsFor(invocation),
        store: { ...storeOf([this.secret], invocation as Invocation), putCurrent },
      },
    );
  }

  private groupKeys(): readonly string[] {
    return this.cloudFront.current?.keyIds ?? [];
  }

  /** When everything has expired and the schedule has come, there is one key, which is the current one. */
  public async atEnd(): Promise<string[]> {
    this.clock.seconds += REFRESH_SECONDS + LIFETIME + DAY;
    for (let days = 0; days < 3; days++) {
      this.clock.seconds += DAY;
      await this.whatIsDaily();
    }
    const left = [...this.cloudFront.keys.keys()].length;
    return [
      ...(left === 1 ? [] : [`orphans: ${left} public keys are left`]),
      ...(this.failedDays.length === 0 ? [] : ['daily: the schedule must not fail by itself']),
      ...(this.failedUpdates.length === 0 ? [] : ['update: the stack can be updated at any time']),
    ];
  }

  public material(): string[] {
    return this.made;
  }

  /** Once a day, whatever else happens. Nothing goes wrong here: that is what `disturb` is for. */
  private async whatIsDaily(): Promise<void> {
    if (this.clock.seconds >= this.lastDay + DAY) {
      this.lastDay = this.clock.seconds;
      await this.retire(CALM).catch(() => this.failedDays.push(this.clock.seconds));
    }
  }

  private optionsFor(invocation: Pick<Invocation, 'call'>): SigningOptions {
    const group = new SigningKeyGroup(this.cloudFront.behind(invocation), {
      now: () => this.clock.seconds,
      sleep: async (milliseconds) => {
        this.clock.seconds += milliseconds / 1_000;
      },
    });
    return { group, lifetime: LIFETIME, newKeyPair: () => this.newKeyPair(), isPair: isFakePair };
  }

  private newKeyPair(): KeyPair {
    const name = String(this.made.length).padStart(4, '0');
    this.made.push(`private-key-${name}`);
    return { privateKey: `private-key-${name}`, publicKey: `public-key-${name}` };
  }
}

export function isFakePair({ privateKey, publicKey }: KeyPair): boolean {
  return publicKey === privateKey.replace('private', 'public');
}

function valueWith(key: string, keyId: string, previous: SigningSecret['previous']): string {
  return JSON.stringify({ key, keyId, made: 0, lifetime: LIFETIME, previous } satisfies SigningSecret);
}
