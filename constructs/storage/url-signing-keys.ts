import { CustomResource, Duration, type RemovalPolicy, Tokenization } from 'aws-cdk-lib';
import { type IKeyGroup, KeyGroup } from 'aws-cdk-lib/aws-cloudfront';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import { type Grant, type IGrantable, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct, DependencyGroup, type IConstruct, type IDependable } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import type { ContractVariable } from '../core/contract';
import { handlerRole } from '../core/handler-function';
import { containerSecret, grantSecretRead } from '../core/key-policy';
import { checkKinds, pathOf } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { nameOfThisStack } from '../core/removal';
import { halfADayAfterRotations, type RotationWindow, SecretRotation } from '../core/secret-rotation';
import type { WorkloadRole } from '../core/workload-role';
import {
  HANDLER_TIMEOUT,
  KEY_GROUP_ID,
  type RetireEvent,
  URL_SIGNING_KEYS,
  URL_SIGNING_KEYS_TYPE,
  type UrlSigningKeysProperties,
} from '../handlers/url-signing-keys/contract';
import { checkUrlSigningKeys } from './private/signing-checks';

/** Longer than the function, which waits for CloudFront, so that its own answer arrives first. */
const SERVICE_TIMEOUT = HANDLER_TIMEOUT + 60;
/** Characters of the name of the key group. */
const LONGEST_NAME = 73;
/** Everything that the function does at CloudFront. */
const ACTIONS = [
  'CreateKeyGroup',
  'CreatePublicKey',
  'DeleteKeyGroup',
  'DeletePublicKey',
  'GetKeyGroup',
  'GetPublicKey',
  'ListKeyGroups',
  'ListPublicKeys',
  'UpdateKeyGroup',
];

/** Keys by which processes sign addresses of private files, and which a distribution of CloudFront trusts. */
export interface IUrlSigningKeys extends IConstruct {
  /** The key group, for `trustedKeyGroups` of a distribution's behavior. */
  readonly keyGroup: IKeyGroup;
  /** Secret of the signer: JSON with `key`, a private key in PEM, and `keyId`, the id of its public key. */
  readonly secret: ISecret;
  /** Variables of a container that signs: AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID. */
  readonly containerSecrets: { [name: string]: ContainerSecret };
  /**
   * The secret, where it can change while processes run and the change can be noticed: by its full ARN. Empty
   * otherwise.
   *
   * `SecretRefresh` replaces the processes that read it.
   */
  readonly changingSecrets: ISecret[];
  /**
   * The function that rotates the key, for an alarm on its errors.
   *
   * @default - none: the key does not rotate, or by its owner's means
   */
  readonly rotationFunction?: IFunction;
  /** What must be deployed before a process starts: the first key. */
  readonly ready: IDependable;
  /** Grants read access to the secret: whoever has it can open every private file to anybody. */
  grantSign(grantee: IGrantable): Grant;
}

/** What can be tuned in keys that sign URLs. */
export interface UrlSigningKeysOptions {
  /**
   * Longest time from signing an address to its end, in whole seconds: AWS_QUERYSTRING_EXPIRE of your
   * settings or more.
   *
   * A key of before stays valid for as long. **An address that is signed for longer is refused from some
   * rotation on, before its time.**
   *
   * @default Duration.hours(1), as in django-storages
   */
  readonly longestLifetime?: Duration;
  /**
   * Time between two rotations, in whole days, at least two days longer than `longestLifetime`.
   *
   * Processes must be replaced within a day of a rotation, as `SecretRefresh` does.
   *
   * @default Duration.days(90)
   */
  readonly rotationPeriod?: Duration;
  /**
   * When the key rotates on the day that is due.
   *
   * At another hour than 0 Secrets Manager goes by the calendar: `rotationPeriod` must be 1, 7, 30, 60, 90,
   * 120, 180 or 360 days, which become every day, Sunday, or the first of every so many months.
   *
   * @default - from midnight to 3:00 UTC
   */
  readonly rotationWindow?: RotationWindow;
}

/** Properties of `UrlSigningKeys`. */
export interface UrlSigningKeysProps extends UrlSigningKeysOptions {
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * KMS key of the secret and of the log group of its function.
   *
   * @default - the account's keys, managed by AWS
   */
  readonly encryptionKey?: IKey;
  /**
   * What happens to the secret when it leaves the stack.
   *
   * The key group and the public keys always leave with the stack, and no signed address is valid any more.
   *
   * @default - from the profile: production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * How long logs of the function are kept.
   *
   * @default - from the profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * SNS topic for invocations of the function that Lambda gave up on.
   *
   * @default - none
   */
  readonly deadLetterTopic?: ITopic;
  /**
   * Concurrency reserved for the function.
   *
   * New accounts have a concurrency quota of 10, none of which can be reserved.
   *
   * @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
}

/** What must be known about keys that exist. */
export interface UrlSigningKeysAttributes {
  /** Key group that has the public key. */
  readonly keyGroup: IKeyGroup;
  /** Secret of the signer: JSON with `key`, a private key in PEM, and `keyId`, the id of its public key. */
  readonly secret: ISecret;
}

/**
 * What created and imported keys share.
 *
 * @internal
 */
abstract class UrlSigningKeysBase extends Construct implements IUrlSigningKeys {
  public abstract readonly keyGroup: IKeyGroup;
  public abstract readonly secret: ISecret;
  public abstract readonly changingSecrets: ISecret[];
  public abstract readonly rotationFunction?: IFunction;
  public abstract readonly ready: IDependable;

  public get containerSecrets(): { [name: string]: ContainerSecret } {
    return {
      AWS_CLOUDFRONT_KEY: containerSecret(this.secret, 'key'),
      AWS_CLOUDFRONT_KEY_ID: containerSecret(this.secret, 'keyId'),
    } satisfies { [name in ContractVariable]?: ContainerSecret };
  }

  public grantSign(grantee: IGrantable): Grant {
    return grantSecretRead(this.secret, grantee);
  }
}

/**
 * Keys for signed URLs of CloudFront, by which only those see a private file whom the application lets: a key
 * group for the distribution, and a secret with a private key for the processes.
 *
 * A Lambda function makes the RSA keys, so that no template ever shows a private one, and rotates them. A key
 * of before stays in the group until processes have had a day to be replaced, and every address that it
 * signed has expired. CloudFormation changes nothing in the group: an update resets no key.
 *
 * An account has ten public keys and ten key groups of CloudFront, unless AWS raises the quotas. Each group
 * of these takes one key, two for some days after a rotation, and up to four after rotations by hand.
 *
 * @example
 * declare const media: s3.IBucket;
 * const keys = new UrlSigningKeys(this, 'SigningKeys', { longestLifetime: Duration.hours(6) });
 * new cloudfront.Distribution(this, 'Files', {
 *   defaultBehavior: {
 *     origin: origins.S3BucketOrigin.withOriginAccessControl(media),
 *     trustedKeyGroups: [keys.keyGroup],
 *   },
 * });
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
 */
export class UrlSigningKeys extends UrlSigningKeysBase {
  /** Uses keys that are there, and that their owner rotates, if anybody. */
  public static fromUrlSigningKeysAttributes(
    scope: Construct,
    id: string,
    attrs: UrlSigningKeysAttributes,
  ): IUrlSigningKeys {
    checkKinds(pathOf(scope, id), 'UrlSigningKeysAttributes', attrs);
    const { keyGroup, secret } = attrs;
    class Import extends UrlSigningKeysBase {
      public readonly keyGroup = keyGroup;
      public readonly secret = secret;
      public readonly changingSecrets = secret.secretFullArn === undefined ? [] : [secret];
      public readonly rotationFunction = undefined;
      public readonly ready = new DependencyGroup(secret);
    }
    return new Import(scope, id);
  }

  public readonly keyGroup: IKeyGroup;
  public readonly secret: ISecret;
  public readonly changingSecrets: ISecret[];
  public readonly rotationFunction?: IFunction;
  public readonly ready: IDependable;

  constructor(scope: Construct, id: string, props: UrlSigningKeysProps = {}) {
    super(scope, id);
    checkKinds(this, 'UrlSigningKeysProps', props);
    const longestLifetime = props.longestLifetime ?? Duration.hours(1);
    const period = props.rotationPeriod ?? Duration.days(90);
    checkUrlSigningKeys(this, props, { longestLifetime, period });
    const profile = profileValues(props.profile);
    const removalPolicy = props.removalPolicy ?? profile.removalPolicy;
    const { encryptionKey, rotationWindow: window } = props;

    const secret = emptySecret(this, { encryptionKey, removalPolicy });
    // A new stack has another name, so that nothing of an old one is in its way.
    const keyGroupName = nameOfThisStack(this, LONGEST_NAME);
    const lifetime = Tokenization.stringifyNumber(longestLifetime.toSeconds());
    const description = 'Makes and rotates the keys that sign URLs';
    const beforeRotation = new DependencyGroup();
    const { handler } = new SecretRotation(this, 'Rotation', {
      secret,
      period,
      window,
      encryptionKey,
      removalPolicy,
      bundle: 'url-signing-keys',
      description,
      timeout: HANDLER_TIMEOUT,
      role: roleWithKeys(this, description),
      environment: {
        [URL_SIGNING_KEYS.keyGroupName]: keyGroupName,
        [URL_SIGNING_KEYS.secretArn]: secret.secretArn,
        [URL_SIGNING_KEYS.longestLifetime]: lifetime,
      },
      logRetention: props.logRetention ?? profile.logRetention,
      deadLetterTopic: props.deadLetterTopic,
      reservedConcurrentExecutions: props.handlerReservedConcurrency,
      after: [beforeRotation],
    });
    const event: RetireEvent = { retire: true };
    halfADayAfterRotations(this, 'Retire', {
      description: `${this.node.path}: a key leaves when no address that it signed is valid any more`,
      handler,
      window,
      event,
    });
    const properties: UrlSigningKeysProperties = {
      SecretArn: secret.secretArn,
      LongestLifetime: lifetime,
    };
    const group = new CustomResource(this, 'Group', {
      resourceType: URL_SIGNING_KEYS_TYPE,
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
      properties: { ...properties },
    });
    group.node.addDependency(handler);
    beforeRotation.add(group);

    this.keyGroup = KeyGroup.fromKeyGroupId(this, 'KeyGroup', group.getAttString(KEY_GROUP_ID));
    this.secret = secret;
    this.changingSecrets = [secret];
    this.rotationFunction = handler;
    this.ready = new DependencyGroup(group);
  }
}

/** Without a value until the function stores the first key: a generated one would be the key of nothing. */
function emptySecret(
  scope: Construct,
  props: { readonly encryptionKey?: IKey; readonly removalPolicy: RemovalPolicy },
): Secret {
  const secret = new Secret(scope, 'Secret', { ...props, description: 'Private key that signs URLs of CloudFront' });
  (secret.node.defaultChild as CfnSecret).generateSecretString = undefined;
  return secret;
}

/** CloudFront has no permissions for single key groups or public keys. */
function roleWithKeys(scope: Construct, description: string): WorkloadRole {
  const role = handlerRole(scope, 'Role', description);
  // Of the role, so that whatever waits for the role waits for it.
  const policy = new ManagedPolicy(role, 'KeyGroups', {
    description: `Key groups and public keys of CloudFront for ${scope.node.path}`,
    roles: [role],
    statements: [
      new PolicyStatement({
        actions: ACTIONS.map((name) => `cloudfront:${name}`),
        resources: ['*'], // IAM has no ARN for a key group or a public key.
      }),
    ],
  });
  acknowledge(
    policy,
    'IAM5[Resource::*]',
    'IAM has no resources for key groups and public keys of CloudFront. The policy allows these nine actions on them and nothing else, and the function changes only what bears the name of its own group.',
  );
  return role;
}
