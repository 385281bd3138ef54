import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { Checks, isUnknown, secondsOf } from '../core/checks';
import { checkEffects, type Effects, voidWith } from '../core/effects';
import { checkReservedConcurrency } from '../core/handler-function';
import { containerSecret, grantSecretRead } from '../core/key-policy';
import { checkKinds, pathOf } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { checkRotationPeriod, checkRotationWindow, type RotationWindow, SecretRotation } from '../core/secret-rotation';
import { fallbackLimit, SECRET_KEY_ROTATION } from '../handlers/secret-key-rotation/contract';

/** In seconds. */
const TIMEOUT = 30;
const MOST_FALLBACKS = 20;
const LONGEST_SESSION = Duration.days(400);

/** Django's SECRET_KEY, and the old keys that are still accepted. */
export interface ISecretKey {
  /** The secret: JSON `{"key","fallbacks"}`, and `next` from the first rotation on. */
  readonly secret: ISecret;
  /**
   * Variables of a container: DJANGO_SECRET_KEY (the current key) and DJANGO_SECRET_KEYS (the whole JSON).
   */
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
  /** Grants read access to the secret. */
  grantRead(grantee: IGrantable): Grant;
}

/** Options of a secret key. */
export interface SecretKeyOptions {
  /**
   * Whether the key rotates.
   *
   * Turn it off for a project whose settings do not read DJANGO_SECRET_KEYS into SECRET_KEY_FALLBACKS.
   * **Every rotation would log all users of such a project out.**
   *
   * @default true
   */
  readonly rotate?: boolean;
  /**
   * Time between two rotations, in whole days.
   *
   * Tasks must be replaced within this time, as `SecretRefresh` does.
   *
   * A new key is accepted for one period before Django signs with it, so the first rotation changes no
   * signatures.
   *
   * @default Duration.days(90)
   */
  readonly rotationPeriod?: Duration;
  /**
   * When the key rotates on the day that is due.
   *
   * After each rotation all processes are replaced, so take an hour at which few people and no long tasks
   * are there. At another hour than 0 Secrets Manager goes by the calendar: `rotationPeriod` must be 1, 7,
   * 30, 60, 90, 120, 180 or 360 days, which become every day, Sunday, or the first of every so many months.
   *
   * @default - from midnight to 3:00 UTC
   */
  readonly rotationWindow?: RotationWindow;
  /**
   * Longest life of a session, in whole seconds: SESSION_COOKIE_AGE of your settings.
   *
   * Old keys are accepted for as long.
   *
   * @default Duration.days(14), as in Django
   */
  readonly sessionCookieAge?: Duration;
}

/** Properties of `SecretKey`. */
export interface SecretKeyProps extends SecretKeyOptions {
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * KMS key of the secret.
   *
   * @default - the account's key for Secrets Manager, managed by AWS
   */
  readonly encryptionKey?: IKey;
  /**
   * What happens to the secret when it leaves the stack.
   *
   * **DESTROY deletes the keys: all sessions and signed links end.**
   *
   * @default - from the profile: production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * How long logs of the rotation are kept.
   *
   * @default - from the profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * SNS topic for invocations that Lambda gave up on.
   *
   * Secrets Manager waits for the function and tries again itself, so that a failed rotation does not arrive
   * here: for that `ApplicationAlarms` has an alarm on `rotationFunction`. It is for what is invoked by hand,
   * asynchronously.
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

/** What must be known about an existing secret key. */
export interface SecretKeyAttributes {
  /** The secret: JSON `{"key": "…", "fallbacks": ["…"]}`, with or without `next`. */
  readonly secret: ISecret;
}

/**
 * Django's SECRET_KEY as a generated secret in AWS Secrets Manager: JSON with the key and an empty list of
 * fallbacks.
 *
 * Secrets Manager generates the key, so no template, output or log ever shows it.
 *
 * A Lambda function rotates the key without logging anybody out: each key is announced one rotation ahead,
 * and accepted for as long as a session may live. Running tasks must be replaced after a rotation, which
 * `SecretRefresh` does.
 *
 * @example
 * const secretKey = new SecretKey(this, 'SecretKey', { sessionCookieAge: Duration.days(30) });
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
 */
export class SecretKey extends Construct implements ISecretKey {
  /** Uses an existing secret with the same JSON. */
  public static fromSecretKeyAttributes(scope: Construct, id: string, attrs: SecretKeyAttributes): ISecretKey {
    checkKinds(pathOf(scope, id), 'SecretKeyAttributes', attrs);
    class Import extends Construct implements ISecretKey {
      public readonly secret = attrs.secret;
      public readonly containerSecrets = containerSecrets(attrs.secret);
      public readonly changingSecrets = attrs.secret.secretFullArn === undefined ? [] : [attrs.secret];
      public grantRead(grantee: IGrantable): Grant {
        return grantSecretRead(attrs.secret, grantee);
      }
    }
    return new Import(scope, id);
  }

  public readonly secret: ISecret;
  public readonly containerSecrets: { [name: string]: ContainerSecret };
  public readonly changingSecrets: ISecret[];
  /** Lambda function that rotates the key. Undefined when rotation is off. */
  public readonly rotationFunction?: IFunction;

  constructor(scope: Construct, id: string, props: SecretKeyProps = {}) {
    super(scope, id);
    checkKinds(this, 'SecretKeyProps', props);
    validate(this, props);
    const profile = profileValues(props.profile);
    const removalPolicy = props.removalPolicy ?? profile.removalPolicy;

    const secret = new Secret(this, 'Secret', {
      description: 'Django SECRET_KEY and the keys that are still accepted',
      encryptionKey: props.encryptionKey,
      removalPolicy,
      // Frozen: any change here would make Secrets Manager generate another key.
      generateSecretString: {
        secretStringTemplate: '{"fallbacks":[]}',
        generateStringKey: 'key',
        passwordLength: 64,
        excludePunctuation: true,
      },
    });
    if (props.rotate ?? true) {
      const rotation = new SecretRotation(this, 'Rotation', {
        secret,
        removalPolicy,
        bundle: 'secret-key-rotation',
        description: 'Rotates the SECRET_KEY of Django',
        timeout: TIMEOUT,
        period: rotationPeriodOf(props),
        window: props.rotationWindow,
        environment: {
          [SECRET_KEY_ROTATION.sessionCookieAge]: `${sessionCookieAgeOf(props).toSeconds()}`,
          [SECRET_KEY_ROTATION.rotationPeriod]: `${rotationPeriodOf(props).toSeconds()}`,
        },
        encryptionKey: props.encryptionKey,
        logRetention: props.logRetention ?? profile.logRetention,
        deadLetterTopic: props.deadLetterTopic,
        reservedConcurrentExecutions: props.handlerReservedConcurrency,
      });
      this.rotationFunction = rotation.handler;
    } else {
      acknowledgeNoRotation(secret);
    }

    this.secret = secret;
    this.containerSecrets = containerSecrets(secret);
    this.changingSecrets = this.rotationFunction === undefined ? [] : [secret];
  }

  /** Grants read access to the secret. */
  public grantRead(grantee: IGrantable): Grant {
    return grantSecretRead(this.secret, grantee);
  }

  /** Failed steps of rotations, sum over 5 minutes. Undefined when rotation is off. */
  public metricRotationErrors(options?: MetricOptions): Metric | undefined {
    return this.rotationFunction?.metricErrors(options);
  }
}

function rotationPeriodOf({ rotationPeriod }: SecretKeyOptions): Duration {
  return rotationPeriod ?? Duration.days(90);
}

function sessionCookieAgeOf({ sessionCookieAge }: SecretKeyOptions): Duration {
  return sessionCookieAge ?? Duration.days(14);
}

function containerSecrets(secret: ISecret): { [name: string]: ContainerSecret } {
  return {
    DJANGO_SECRET_KEY: containerSecret(secret, 'key'),
    DJANGO_SECRET_KEYS: containerSecret(secret),
  };
}

function acknowledgeNoRotation(secret: Secret): void {
  const reason =
    'Rotation is turned off, for a project that does not accept old keys: each rotation would log every user out. ' +
    'The key is generated, never shown, and encrypted; only the roles of the application may read it.';
  acknowledge(secret, 'SMG4', reason);
  acknowledge(secret, 'SecretsManagerRotationEnabled', reason);
}

const NO_ROTATION = voidWith<SecretKeyProps>('rotate: false', ({ rotate }) => rotate === false, 'the key stays');
const EFFECTS: Effects<SecretKeyProps> = {
  rotationPeriod: [NO_ROTATION],
  rotationWindow: [NO_ROTATION],
  sessionCookieAge: [NO_ROTATION],
  logRetention: [NO_ROTATION],
  deadLetterTopic: [NO_ROTATION],
  handlerReservedConcurrency: [NO_ROTATION],
};

function validate(scope: Construct, props: SecretKeyProps): void {
  const checks = new Checks(scope);
  const age = sessionCookieAgeOf(props);
  const period = rotationPeriodOf(props);
  checkEffects(checks, props, EFFECTS);
  checks.duration('sessionCookieAge', age, {
    whole: 'seconds',
    min: 60,
    max: LONGEST_SESSION.toSeconds(),
    remedy: 'Give SESSION_COOKIE_AGE of your settings; browsers keep no cookie for longer than 400 days.',
  });
  checkReservedConcurrency(checks, props.handlerReservedConcurrency);
  checkRotationPeriod(checks, 'rotationPeriod', period);
  const names = { window: 'rotationWindow', period: 'rotationPeriod' };
  checkRotationWindow(checks, names, period, props.rotationWindow);
  const known = !isUnknown(age) && !isUnknown(period) && secondsOf(period) > 0;
  const kept = known ? fallbackLimit(secondsOf(age), secondsOf(period)) : 0;
  checks
    .that('rotationPeriod', period, kept <= MOST_FALLBACKS, {
      must: `be long enough that ${MOST_FALLBACKS} old keys cover \`sessionCookieAge\``,
      remedy: `It would take ${kept} keys, and Django tries them all for each stale signature: rotate less often, or shorten sessions.`,
    })
    .throwIfAny();
}
