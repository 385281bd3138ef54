import type { RemovalPolicy } from 'aws-cdk-lib';
import { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './private/acknowledge';
import { type Profile, profileValues } from './profile';

/** Django's SECRET_KEY, and the keys that are still accepted. */
export interface ISecretKey {
  /** The secret: JSON `{"key","fallbacks"}`, and `next` from the first rotation on. */
  readonly secret: ISecret;
  /** What a container gets: DJANGO_SECRET_KEY (the current key) and DJANGO_SECRET_KEYS (the whole JSON). */
  readonly containerSecrets: { [name: string]: ContainerSecret };
  /** Lets someone read the secret. */
  grantRead(grantee: IGrantable): Grant;
}

/** Properties of `SecretKey`. */
export interface SecretKeyProps {
  /** Where defaults that differ by environment come from. @default Profile.production() */
  readonly profile?: Profile;
  /** Key that encrypts the secret. @default - the account's key for Secrets Manager, managed by AWS */
  readonly encryptionKey?: IKey;
  /** What happens to the secret when it leaves the stack. @default - from the profile: production RETAIN, development DESTROY */
  readonly removalPolicy?: RemovalPolicy;
}

/** A secret key that exists already. */
export interface SecretKeyAttributes {
  /** Holds JSON `{"key": "…", "fallbacks": ["…"]}`; `next` may be there too. */
  readonly secret: ISecret;
}

/**
 * Django's SECRET_KEY as a generated secret in AWS Secrets Manager: JSON with the key and an empty list of fallbacks.
 *
 * The key is made by Secrets Manager, so no template, output or log ever shows it.
 *
 * @example
 * const secretKey = new SecretKey(this, 'SecretKey');
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/intro.html
 */
export class SecretKey extends Construct implements ISecretKey {
  /** Uses a secret that exists already and keeps to the same JSON. */
  public static fromSecretKeyAttributes(scope: Construct, id: string, attrs: SecretKeyAttributes): ISecretKey {
    class Import extends Construct implements ISecretKey {
      public readonly secret = attrs.secret;
      public readonly containerSecrets = containerSecrets(attrs.secret);
      public grantRead(grantee: IGrantable): Grant {
        return attrs.secret.grantRead(grantee);
      }
    }
    return new Import(scope, id);
  }

  public readonly secret: ISecret;
  public readonly containerSecrets: { [name: string]: ContainerSecret };

  constructor(scope: Construct, id: string, props: SecretKeyProps = {}) {
    super(scope, id);
    const profile = profileValues(props.profile);

    const secret = new Secret(this, 'Secret', {
      description: 'Django SECRET_KEY and the keys that are still accepted',
      encryptionKey: props.encryptionKey,
      removalPolicy: props.removalPolicy ?? profile.removalPolicy,
      // Frozen: any change here would make Secrets Manager generate another key.
      generateSecretString: {
        secretStringTemplate: '{"fallbacks":[]}',
        generateStringKey: 'key',
        passwordLength: 64,
        excludePunctuation: true,
      },
    });
    acknowledgeNoRotation(secret);

    this.secret = secret;
    this.containerSecrets = containerSecrets(secret);
  }

  /** Lets someone read the secret. */
  public grantRead(grantee: IGrantable): Grant {
    return this.secret.grantRead(grantee);
  }
}

function containerSecrets(secret: ISecret): { [name: string]: ContainerSecret } {
  return {
    DJANGO_SECRET_KEY: ContainerSecret.fromSecretsManager(secret, 'key'),
    DJANGO_SECRET_KEYS: ContainerSecret.fromSecretsManager(secret),
  };
}

function acknowledgeNoRotation(secret: Secret): void {
  const reason =
    'Replacing this key alone would log every user out: it changes only together with fallbacks. ' +
    'It is generated, never shown, and encrypted; only the roles of the application may read it.';
  acknowledge(secret, 'SMG4', reason);
  acknowledge(secret, 'SecretsManagerRotationEnabled', reason);
}
