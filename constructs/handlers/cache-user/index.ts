import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CustomResourceEvent, customResource, type LambdaContext } from '../shared/custom-resource';
import { safeFailure } from '../shared/failure';
import { type RotationEvent, rotate } from '../shared/rotation';
import { SecretsManagerStore } from '../shared/secrets-manager';
import { CACHE_USER, type CacheAddressProperties, type CacheUserProperties, type RetireEvent } from './contract';
import { elastiCache } from './elasticache';
import { handleResource } from './resources';
import { CacheRotation, retirePrevious } from './rotation';
import { CacheUser } from './user';

type ResourceEvent = CustomResourceEvent<CacheUserProperties | CacheAddressProperties>;

const { [CACHE_USER.userId]: userId = '', [CACHE_USER.secretArn]: secretArn = '' } = process.env;
const store = new SecretsManagerStore();
const options = {
  user: new CacheUser(elastiCache(userId), (milliseconds) => sleep(milliseconds)),
  random: () => randomBytes(33).toString('base64url'),
  now: () => Math.floor(Date.now() / 1000),
};
const resource = customResource((event: ResourceEvent) => handleResource(event, { user: options.user, store }));

/**
 * Owns the user of a cache, whose passwords nobody else sets: CloudFormation has it made and deleted, Secrets
 * Manager has it rotated, and a daily schedule lets the password of before leave.
 */
export async function handler(
  event: ResourceEvent | RotationEvent | RetireEvent,
  context: LambdaContext,
): Promise<void> {
  if ('RequestType' in event) {
    await resource(event, context);
  } else if ('Step' in event) {
    await rotate(event, store, new CacheRotation(options), console.log);
  } else {
    try {
      console.log(`retire: ${await retirePrevious(secretArn, store, options)}`);
    } catch (error) {
      throw safeFailure('retire', error);
    }
  }
}
