import { ArnFormat, CustomResource, Duration, Names, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnUserGroup } from 'aws-cdk-lib/aws-elasticache';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, DependencyGroup } from 'constructs';
import { type HandlerSettings, handlerRole } from '../../core/handler-function';
import { endOfStackId } from '../../core/removal';
import { halfADayAfterRotations, type RotationWindow, SecretRotation } from '../../core/secret-rotation';
import {
  CACHE_ADDRESS_TYPE,
  CACHE_USER,
  CACHE_USER_TYPE,
  type CacheAddressProperties,
  type CacheUserProperties,
  HANDLER_TIMEOUT,
  type RetireEvent,
} from '../../handlers/cache-user/contract';

/** What processes connect as. The name of another user would be another secret. */
const USERNAME = 'django';
/**
 * Everything on every key and channel, except for what administers the server or can harm it. `cache.clear()`
 * of Django needs FLUSHDB, `flush()` of the channel layer KEYS, and clients look at INFO.
 */
const ACCESS_STRING = 'on ~* &* +@all -@admin -@dangerous +flushdb +info +keys';
/** The longest id of a user of ElastiCache. */
const LONGEST_ID = 40;
/** Of it, what the place in the tree gives; the end of the stack's id follows. */
const LONGEST_PLACE = LONGEST_ID - '-123456789012'.length;
/** Longer than the function, which waits for ElastiCache, so that its own answer arrives first. */
const SERVICE_TIMEOUT = HANDLER_TIMEOUT + 60;

/** Properties of `CacheLogin`. */
export interface CacheLoginProps extends HandlerSettings {
  readonly period: Duration;
  readonly window?: RotationWindow;
  readonly removalPolicy: RemovalPolicy;
}

/** Where a cache is. */
export interface CacheAddress {
  readonly host: string;
  readonly port: string;
}

/**
 * The one user of a cache, its secret, and the function that alone sets its passwords.
 *
 * CloudFormation never has a password: AWS::ElastiCache::User has a property for one, and a later update of
 * that resource would undo a rotation. The user `default` is not in the group, so nobody gets in without a
 * password.
 *
 * @internal
 */
export class CacheLogin extends Construct {
  public readonly secret: ISecret;
  public readonly handler: IFunction;
  /** Group of that one user, complete when the user is there. */
  public readonly userGroup: CfnUserGroup;
  private readonly beforeRotation = new DependencyGroup();

  constructor(scope: Construct, id: string, props: CacheLoginProps) {
    super(scope, id);
    const { period, window, ...settings } = props;
    const userId = userIdOf(scope);
    const secret = new Secret(this, 'Secret', {
      description: 'Login of the application in its cache',
      encryptionKey: props.encryptionKey,
      removalPolicy: props.removalPolicy,
      // Frozen: any change here would make Secrets Manager generate another password, which the cache does
      // not know.
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: USERNAME }),
        generateStringKey: 'password',
        passwordLength: 40,
        excludePunctuation: true,
      },
    });
    const description = 'Rotates the passwords of the user of a cache, which it makes';
    const role = handlerRole(this, 'Role', description);
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['CreateUser', 'DeleteUser', 'DescribeUsers', 'ModifyUser'].map((name) => `elasticache:${name}`),
        resources: [
          Stack.of(this).formatArn({
            service: 'elasticache',
            resource: 'user',
            resourceName: userId,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
    );
    const { handler } = new SecretRotation(this, 'Rotation', {
      ...settings,
      secret,
      bundle: 'cache-user',
      description,
      timeout: HANDLER_TIMEOUT,
      role,
      period,
      window,
      environment: { [CACHE_USER.userId]: userId, [CACHE_USER.secretArn]: secret.secretArn },
      after: [this.beforeRotation],
    });
    const event: RetireEvent = { retire: true };
    halfADayAfterRotations(this, 'Retire', {
      description: `${this.node.path}: the password before the current one leaves when services have been replaced`,
      handler,
      window,
      event,
    });
    const properties: CacheUserProperties = {
      SecretArn: secret.secretArn,
      UserId: userId,
      AccessString: ACCESS_STRING,
    };
    const user = this.resource('User', CACHE_USER_TYPE, handler, { ...properties });
    this.userGroup = new CfnUserGroup(this, 'Group', { engine: 'valkey', userGroupId: userId, userIds: [userId] });
    this.userGroup.node.addDependency(user);
    this.secret = secret;
    this.handler = handler;
  }

  /** Has the secret say where the cache is. Gives what is complete then. */
  public completeWith({ host, port }: CacheAddress): CustomResource {
    const properties: CacheAddressProperties = { SecretArn: this.secret.secretArn, Host: host, Port: port };
    const address = this.resource('Address', CACHE_ADDRESS_TYPE, this.handler, { ...properties });
    this.beforeRotation.add(address);
    return address;
  }

  private resource(
    id: string,
    resourceType: string,
    handler: IFunction,
    properties: { [name: string]: unknown },
  ): CustomResource {
    const made = new CustomResource(this, id, {
      resourceType,
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
      properties,
    });
    made.node.addDependency(handler);
    return made;
  }
}

/**
 * An id that ElastiCache accepts, from the place in the tree. A new stack has another one, so that nothing of
 * an old one is in its way.
 */
function userIdOf(scope: Construct): string {
  const name = Names.uniqueResourceName(scope, { maxLength: LONGEST_PLACE, separator: '-' });
  const place = name
    .toLowerCase()
    .replace(/-+/g, '-')
    .replace(/^(?![a-z])/, 'cache-')
    .slice(0, LONGEST_PLACE)
    .replace(/-$/, '');
  return `${place}-${endOfStackId()}`;
}
