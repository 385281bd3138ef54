import { setTimeout as sleep } from 'node:timers/promises';
import { type CustomResourceEvent, type LambdaContext, resourceWithAttributes } from '../shared/custom-resource';
import { safeFailure } from '../shared/failure';
import { type RotationEvent, rotate } from '../shared/rotation';
import { SecretsManagerStore } from '../shared/secrets-manager';
import { cloudFront } from './cloudfront';
import { type RetireEvent, URL_SIGNING_KEYS, type UrlSigningKeysProperties } from './contract';
import { SigningKeyGroup } from './key-group';
import { isPair, newKeyPair } from './key-pair';
import { handleResource } from './resources';
import { retireKeys, SigningKeyRotation } from './rotation';

type ResourceEvent = CustomResourceEvent<UrlSigningKeysProperties>;

const { keyGroupName, secretArn, longestLifetime } = URL_SIGNING_KEYS;
const store = new SecretsManagerStore();
const options = {
  group: new SigningKeyGroup(cloudFront(process.env[keyGroupName] ?? ''), {
    now: () => Math.floor(Date.now() / 1_000),
    sleep: (milliseconds) => sleep(milliseconds),
  }),
  lifetime: Number(process.env[longestLifetime]),
  newKeyPair,
  isPair,
};
const resource = resourceWithAttributes((event: ResourceEvent) => handleResource(event, { ...options, store }));

/**
 * Owns a key group of CloudFront and the keys in it, which nobody else changes: CloudFormation has it made
 * and deleted, Secrets Manager has the key rotated, and a daily schedule lets keys of before leave.
 */
export async function handler(
  event: ResourceEvent | RotationEvent | RetireEvent,
  context: LambdaContext,
): Promise<void> {
  if ('RequestType' in event) {
    await resource(event, context);
  } else if ('Step' in event) {
    await rotate(event, store, new SigningKeyRotation(options), console.log);
  } else {
    try {
      const { revoke } = event;
      console.log(`retire: ${await retireKeys(process.env[secretArn] ?? '', store, { group: options.group, revoke })}`);
    } catch (error) {
      throw safeFailure('retire', error);
    }
  }
}
