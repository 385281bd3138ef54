import type { CustomResourceEvent } from '../shared/custom-resource';
import { Failure, safeFailure } from '../shared/failure';
import { type ISecretStore, labelled } from '../shared/rotation';
import { KEY_GROUP_ID, type PreviousKey, type SigningSecret, type UrlSigningKeysProperties } from './contract';
import { newSigningSecret, parseSigningSecret, type SigningOptions } from './rotation';

export interface ISigningWorld extends SigningOptions {
  readonly store: ISecretStore & {
    /** Stores a value as the current version of that id; does nothing where a version of that id is there. */
    putCurrent(secretId: string, versionId: string, value: string): Promise<void>;
  };
}

/**
 * Answers for the custom resource: the key group with its first key, whose id a distribution needs. Can be
 * repeated.
 *
 * An update adds the current key to a group that lacks it, and takes no key away. A group that is gone is
 * made with every key of before whose addresses are valid, and which CloudFront still has: one that was
 * revoked is deleted, and stays in the secret until a rotation.
 */
export async function handleResource(
  event: Omit<CustomResourceEvent<UrlSigningKeysProperties>, 'ResponseURL'>,
  world: ISigningWorld,
): Promise<{ [name: string]: string }> {
  try {
    if (event.RequestType === 'Delete') {
      await world.group.delete();
      return {};
    }
    const { keyId, previous } = await currentOrFirst(event, world);
    return { [KEY_GROUP_ID]: await world.group.make(keyId, () => validAndThere(previous, world)) };
  } catch (error) {
    throw safeFailure(`${event.RequestType} of ${event.ResourceType}`, error);
  }
}

async function validAndThere(previous: readonly PreviousKey[], { group }: ISigningWorld): Promise<string[]> {
  const valid = previous.filter(({ until }) => until > group.clock.now()).map(({ keyId }) => keyId);
  const publicKeys = await Promise.all(valid.map((keyId) => group.api.publicKey(keyId)));
  return valid.filter((_, index) => publicKeys[index] !== undefined);
}

/** The secret is made empty, so the first key is stored here. What is stored counts, whoever stored it. */
async function currentOrFirst(
  {
    RequestId,
    ResourceProperties: { SecretArn },
  }: Pick<CustomResourceEvent<UrlSigningKeysProperties>, 'RequestId' | 'ResourceProperties'>,
  world: ISigningWorld,
): Promise<SigningSecret> {
  const there = await currentOf(SecretArn, world.store);
  if (there !== undefined) {
    return there;
  }
  const first = await newSigningSecret(world, []);
  await world.store.putCurrent(SecretArn, RequestId, JSON.stringify(first));
  const stored = await currentOf(SecretArn, world.store);
  if (stored === undefined) {
    throw new Failure('the secret has no current value');
  }
  return stored;
}

async function currentOf(secretId: string, store: ISigningWorld['store']): Promise<SigningSecret | undefined> {
  const current = await labelled(secretId, 'AWSCURRENT', store);
  return current === undefined ? undefined : parseSigningSecret(current.text);
}
