import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { ORIGIN_HEADER, type OriginHeader } from '../origin-header';

/** Where the secrets are made, and how they are kept. */
export interface OriginKeysProps {
  readonly names: string[];
  readonly encryptionKey?: IKey;
}

/** Makes the secrets that a distribution shows to the load balancer: one for each name, the first to send. */
export function originHeader(scope: Construct, id: string, { names, encryptionKey }: OriginKeysProps): OriginHeader {
  const parent = new Construct(scope, id);
  const values = names.map((name) => {
    const secret = new Secret(parent, name, {
      description: `What CloudFront shows to the load balancer of ${scope.node.path}`,
      encryptionKey,
      generateSecretString: { passwordLength: 40, excludePunctuation: true, includeSpace: false },
    });
    const replacedByHand =
      'Two resources of the stack hold this value, so a rotation would part them; `originKeys` replaces it in three deployments without a refused request, and it opens nothing beside the way that CloudFront has anyway.';
    acknowledge(secret, 'SMG4', replacedByHand);
    acknowledge(secret, 'SecretsManagerRotationEnabled', replacedByHand);
    return secret.secretValue.unsafeUnwrap(); // A dynamic reference: the template holds no value.
  });
  return { name: ORIGIN_HEADER, values };
}
