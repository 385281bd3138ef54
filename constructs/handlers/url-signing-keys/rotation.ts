import { Failure } from '../shared/failure';
import { FRESH_SECONDS, RETIRE_SECONDS } from '../shared/retirement';
import { type IRotationStrategy, type ISecretStore, labelled } from '../shared/rotation';
import { parseObject } from '../shared/secret-json';
import { MOST_PREVIOUS, ORPHAN_SECONDS, type PreviousKey, type SigningSecret } from './contract';
import type { PublicKey, SigningKeyGroup } from './key-group';
import type { KeyPair } from './key-pair';

export interface SigningOptions {
  readonly group: SigningKeyGroup;
  /** Longest life of a signed address, in seconds. */
  readonly lifetime: number;
  readonly newKeyPair: () => KeyPair;
  readonly isPair: (pair: KeyPair) => boolean;
}

/** The value of a signer's secret; throws a Failure that does not quote it. */
export function parseSigningSecret(text: string): SigningSecret {
  const value = parseObject(text);
  const { previous = [] } = value;
  for (const name of ['key', 'keyId']) {
    if (typeof value[name] !== 'string' || value[name] === '') {
      throw new Failure(`the secret must have \`${name}\`, a string`);
    }
  }
  if (!Array.isArray(previous) || !previous.every(isPreviousKey)) {
    throw new Failure('the secret must have `previous`, a list of objects with `keyId` and `until`');
  }
  const numbers = { made: Number(value.made) || 0, lifetime: Number(value.lifetime) || 0 };
  return { ...value, key: String(value.key), keyId: String(value.keyId), ...numbers, previous };
}

function isPreviousKey(entry: unknown): entry is PreviousKey {
  const { keyId, until } = (entry ?? {}) as { [name: string]: unknown };
  return typeof keyId === 'string' && typeof until === 'number';
}

/** A new key pair, whose public half CloudFront has. */
export async function newSigningSecret(
  { group, lifetime, newKeyPair }: SigningOptions,
  previous: readonly PreviousKey[],
): Promise<SigningSecret> {
  const { privateKey, publicKey } = newKeyPair();
  const keyId = await group.api.createPublicKey(publicKey);
  return { key: privateKey, keyId, made: group.clock.now(), lifetime, previous };
}

/**
 * Another key for a group, which accepts it beside the keys of before, so that running processes can sign
 * until they are replaced, and addresses stay valid until they expire.
 */
export class SigningKeyRotation implements IRotationStrategy<SigningSecret> {
  public constructor(private readonly options: SigningOptions) {}

  public parse(text: string): SigningSecret {
    return parseSigningSecret(text);
  }

  public async next(current: SigningSecret): Promise<SigningSecret> {
    const { api, clock } = this.options.group;
    const now = clock.now();
    const longest = Math.max(current.lifetime, this.options.lifetime);
    const group = await api.group();
    // What the group has no more was revoked: the secret lists it still, and no address of it is valid.
    const isValid = ({ keyId, until }: PreviousKey): boolean =>
      until > now && (group === undefined || group.keyIds.includes(keyId));
    const replaced = { keyId: current.keyId, until: now + RETIRE_SECONDS + longest };
    const previous = [replaced, ...current.previous.filter(isValid)];
    if (previous.length > MOST_PREVIOUS) {
      const first = Math.min(...previous.map(({ until }) => until));
      throw new Failure(
        `addresses of ${previous.length} keys are still valid, and the group has no room for another. Start the rotation again after ${new Date(first * 1_000).toISOString()}`,
      );
    }
    return { ...current, ...(await newSigningSecret(this.options, previous)) };
  }

  public follows(current: SigningSecret, pending: SigningSecret): boolean {
    // The key of before counts as used for half a day after the new one was made: an old one comes too late.
    const isFresh = pending.made > this.options.group.clock.now() - FRESH_SECONDS;
    return isCopy(current, pending) || (pending.previous[0]?.keyId === current.keyId && isFresh);
  }

  public async apply(current: SigningSecret, pending: SigningSecret): Promise<void> {
    const { group } = this.options;
    // Somebody may have deleted the current one, and a group takes no key that is not there.
    const isThere = (await group.api.publicKey(current.keyId)) !== undefined;
    await group.add([...new Set(isThere ? [pending.keyId, current.keyId] : [pending.keyId])]);
  }

  /** CloudFront must have the public half of this very key, and each edge location must know that. */
  public async verify(_current: SigningSecret, pending: SigningSecret): Promise<void> {
    await this.options.group.serve([pending.keyId]);
    const publicKey = await this.options.group.api.publicKey(pending.keyId);
    if (publicKey === undefined || !this.options.isPair({ privateKey: pending.key, publicKey })) {
      throw new Failure('CloudFront does not have the public key of this private key');
    }
  }
}

function isCopy(current: SigningSecret, pending: SigningSecret): boolean {
  return pending.keyId === current.keyId && pending.key === current.key;
}

/**
 * Lets keys leave that nothing valid is signed with any more, and those that a rotation made and lost. Says
 * what it did.
 */
export async function retireKeys(
  secretId: string,
  store: ISecretStore,
  { group, revoke = false }: Pick<SigningOptions, 'group'> & { readonly revoke?: boolean },
): Promise<string> {
  const count = await group.remove(async ({ keyIds }) => {
    const now = group.clock.now();
    const { used, before } = await keysOf(secretId, store, now);
    const mayGo = ({ id, made }: PublicKey): boolean =>
      // A key of before that is out of the group was revoked, and CloudFront did not let it go that day.
      before.has(id) ? revoke || !keyIds.includes(id) : made < now - ORPHAN_SECONDS;
    return (key) => !used.has(key.id) && mayGo(key);
  });
  return count === 0 ? 'every key is needed' : `${count} public keys have left`;
}

/** Ids of the keys that sign, or are about to, and of those whose addresses may still be valid. */
async function keysOf(
  secretId: string,
  store: ISecretStore,
  now: number,
): Promise<{ readonly used: Set<string>; readonly before: Set<string> }> {
  const stages = await store.stages(secretId);
  const read = async (stage: string): Promise<SigningSecret | undefined> => {
    const version = await labelled(secretId, stage, store, stages);
    return version === undefined ? undefined : parseSigningSecret(version.text);
  };
  const current = await read('AWSCURRENT');
  if (current === undefined) {
    throw new Failure('the secret has no current value');
  }
  const pending = await read('AWSPENDING').catch(ignoreUnreadable);
  const replaced = await read('AWSPREVIOUS').catch(ignoreUnreadable);
  const before = current.previous.filter(({ until }) => until > now).map(({ keyId }) => keyId);
  // Somebody may have made an older version current again: then the newer one is not among those of before.
  const isListed = current.previous.some(({ keyId }) => keyId === replaced?.keyId);
  return {
    used: new Set([current.keyId, ...(pending === undefined ? [] : [pending.keyId])]),
    before: new Set(replaced === undefined || isListed ? before : [...before, replaced.keyId]),
  };
}

/** A version that somebody has stored by hand, and that no rotation will make current. */
function ignoreUnreadable(error: Error): undefined {
  if (!(error instanceof Failure)) {
    throw error;
  }
  return undefined;
}
