import type { CustomResourceEvent } from '../shared/custom-resource';
import { Failure, safeFailure } from '../shared/failure';
import { type ISecretStore, labelled } from '../shared/rotation';
import {
  CACHE_USER_TYPE,
  type CacheAddressProperties,
  type CacheSecret,
  type CacheUserProperties,
  cacheUrl,
} from './contract';
import { parseCacheSecret } from './rotation';
import type { CacheUser } from './user';

export interface ICacheWorld {
  readonly user: CacheUser;
  readonly store: Pick<ISecretStore, 'stages' | 'read'> & {
    /** Stores a value as the current version of that id; does nothing where a version of that id is there. */
    putCurrent(secretId: string, versionId: string, value: string): Promise<void>;
  };
}

/** Answers for both custom resources of a cache. Each can be repeated. */
export async function handleResource(
  event: CustomResourceEvent<CacheUserProperties | CacheAddressProperties>,
  world: ICacheWorld,
): Promise<void> {
  try {
    await (event.ResourceType === CACHE_USER_TYPE
      ? handleUser(event as CustomResourceEvent<CacheUserProperties>, world)
      : handleAddress(event as CustomResourceEvent<CacheAddressProperties>, world));
  } catch (error) {
    throw safeFailure(`${event.RequestType} of ${event.ResourceType}`, error);
  }
}

/**
 * Passwords are set when the user is made, and by the rotation after that: an update changes what the user
 * may do, and nothing else.
 */
async function handleUser(
  { RequestType, ResourceProperties: { SecretArn, AccessString } }: CustomResourceEvent<CacheUserProperties>,
  { user, store }: ICacheWorld,
): Promise<void> {
  if (RequestType === 'Delete') {
    return user.remove();
  }
  if (RequestType === 'Update' && (await user.exists())) {
    return user.setAccessString(AccessString);
  }
  const { username, password } = await currentOf(SecretArn, store);
  await user.make({ username, password, accessString: AccessString });
}

/** The secret says where the cache is, so that one variable of a process can hold it all. */
async function handleAddress(
  { RequestType, RequestId, ResourceProperties }: CustomResourceEvent<CacheAddressProperties>,
  { store }: ICacheWorld,
): Promise<void> {
  if (RequestType === 'Delete') {
    return;
  }
  const { SecretArn, Host: host, Port } = ResourceProperties;
  const value = await currentOf(SecretArn, store);
  const complete: CacheSecret = { ...value, host, port: Number(Port) };
  const url = cacheUrl(complete);
  if (value.url !== url || value.host !== host || value.port !== Number(Port)) {
    await store.putCurrent(SecretArn, RequestId, JSON.stringify({ ...complete, url }));
  }
}

async function currentOf(secretId: string, store: ICacheWorld['store']): Promise<CacheSecret> {
  const current = await labelled(secretId, 'AWSCURRENT', store);
  if (current === undefined) {
    throw new Failure('the secret has no current value');
  }
  return parseCacheSecret(current.text);
}
