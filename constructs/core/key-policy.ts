import { Annotations, Aws, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-ecs';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';

const CLOUDWATCH = 'cloudwatch.amazonaws.com';
/** What happens where a key turns a sender away. */
const UNHEARD: { readonly [service: string]: string } = {
  [CLOUDWATCH]: 'CloudWatch use it, or alarms change state and nobody is notified',
  'events.amazonaws.com': 'Amazon EventBridge use it, or its events reach neither topic nor queue',
  'events.rds.amazonaws.com': 'the events of Amazon RDS use it, or they reach no topic',
};

/**
 * Lets CloudWatch Logs encrypt the log groups of this account and region with the key.
 *
 * Repeated calls add one statement.
 */
export function allowLogGroups(scope: Construct, key: IKey | undefined): void {
  const stack = Stack.of(scope);
  letIn(
    key,
    'CloudWatch Logs use it, or log groups cannot be created',
    new PolicyStatement({
      sid: 'AllowLogGroups',
      // The one principal that carries region and partition: logs.cn-north-1.amazonaws.com.cn.
      principals: [new ServicePrincipal(`logs.${stack.region}.${suffixOf(stack.region) ?? Aws.URL_SUFFIX}`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'], // In a key policy this is the key itself.
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': stack.formatArn({ service: 'logs', resource: '*' }) },
      },
    }),
  );
}

/**
 * Lets AWS services send to what the key encrypts (topics, queues).
 *
 * Only CloudWatch is held to this account. EventBridge tells KMS nothing about the source, and a condition
 * would silence it; for RDS AWS documents conditions in the policy of the topic alone. That policy, or that
 * of the queue, says who may send. The statement has no sid, so that for EventBridge it equals the one that
 * the L2 constructs add, and appears in the policy once.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
export function allowSenders(key: IKey | undefined, ...services: string[]): void {
  for (const service of services) {
    letIn(
      key,
      UNHEARD[service] ?? `${service} use it, or nothing of it arrives`,
      new PolicyStatement({
        principals: [new ServicePrincipal(service)],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'], // In a key policy this is the key itself.
        conditions:
          service === CLOUDWATCH && key !== undefined
            ? { StringEquals: { 'aws:SourceAccount': Stack.of(key).account } }
            : undefined,
      }),
    );
  }
}

/**
 * Lets the distributions of this account read what S3 has encrypted with the key.
 *
 * All of them: the key is there before the bucket, and the bucket before the distribution, so the key cannot
 * name it. The policy of the bucket does.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
 */
export function allowDistributions(scope: Construct, key: IKey | undefined): void {
  letIn(
    key,
    'CloudFront use it, or every file of the bucket is a 403',
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
      actions: ['kms:Decrypt'],
      resources: ['*'], // In a key policy this is the key itself.
      conditions: {
        ArnLike: { 'aws:SourceArn': `arn:${Aws.PARTITION}:cloudfront::${Stack.of(scope).account}:distribution/*` },
      },
    }),
  );
}

/** Adds a statement to the policy of a key; warns of an imported key, for which the CDK drops it silently. */
function letIn(key: IKey | undefined, whom: string, statement: PolicyStatement): void {
  if (key !== undefined && !key.addToResourcePolicy(statement).statementAdded) {
    Annotations.of(key).addWarningV2(
      'cdk-django-fargate:importedKeyPolicy',
      `This encryption key is imported, so its policy cannot be changed here. It must let ${whom}. Add the statement under "An encryption key of your own" in docs/your-project.md, then acknowledge this warning on the key.`,
    );
  }
}

/** Services that use a key for whoever calls them, and say so to KMS. */
export type KeyedService = 's3' | 'secretsmanager' | 'sns' | 'sqs';

/** A key, and the service of a region that uses it for its callers. */
export interface KeyUse {
  readonly service: KeyedService;
  readonly region: string;
  readonly key: IKey;
  /**
   * Values of the encryption context, by name: `*` stands for any end.
   *
   * @default - any
   */
  readonly context?: { readonly [name: string]: string[] };
}

/**
 * Lets someone use a key through one AWS service of a region, and in no other way.
 *
 * The statement stands in the policy of the grantee, so it holds for an imported key too, whose own policy
 * cannot be changed from here. It has no effect on other ciphertexts of the key: without the service KMS
 * refuses.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
 */
export function grantKeyVia(
  { service, region, key, context = {} }: KeyUse,
  grantee: IGrantable,
  ...actions: string[]
): Grant {
  return Grant.addToPrincipalOrResource({
    grantee,
    actions,
    resourceArns: [key.keyArn],
    resource: key,
    resourceSelfArns: ['*'], // In a key policy this is the key itself.
    conditions: {
      StringEquals: { 'kms:ViaService': serviceNames(service, region) },
      ...(Object.keys(context).length === 0 ? {} : { StringLike: contextConditions(context) }),
    },
  });
}

function contextConditions(context: { readonly [name: string]: string[] }): { [key: string]: string[] } {
  return Object.fromEntries(Object.entries(context).map(([name, values]) => [`kms:EncryptionContext:${name}`, values]));
}

/**
 * Lets someone read a secret, and use the key of the secret for that, by the policy of the grantee.
 *
 * `ISecret.grantRead()` would name the role in the policy of the key as well. CloudFormation would then make
 * the key after the role, and everything that the key encrypts, the database first of all, later still.
 */
export function grantSecretRead(secret: ISecret, grantee: IGrantable): Grant {
  const account = grantee.grantPrincipal.principalAccount ?? secret.env.account;
  if (Token.compareStrings(account, secret.env.account) === TokenComparison.DIFFERENT) {
    return secret.grantRead(grantee); // Another account needs the policies of secret and key.
  }
  const grant = Grant.addToPrincipal({
    grantee,
    actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
    // An ARN that lacks the random end of the name would match no secret.
    resourceArns: [secret.secretFullArn === undefined ? `${secret.secretArn}-??????` : secret.secretArn],
  });
  const key = secret.encryptionKey;
  return key === undefined
    ? grant
    : grant.combine(grantKeyVia({ service: 'secretsmanager', region: secret.env.region, key }, grantee, 'kms:Decrypt'));
}

/** A secret of a container, which ECS reads by the policy of the execution role. */
export function containerSecret(secret: ISecret, field?: string): Secret {
  const inContainer = Secret.fromSecretsManager(secret, field);
  return {
    arn: inContainer.arn,
    hasField: inContainer.hasField,
    grantRead: (grantee) => grantSecretRead(secret, grantee),
  };
}

/**
 * How a service of a region calls itself before KMS.
 *
 * AWS does not say whether a service of another partition takes the suffix of that partition, so both names
 * are allowed there. No other service has either of them.
 */
function serviceNames(service: KeyedService, region: string): string | string[] {
  const suffix = suffixOf(region) ?? 'amazonaws.com.cn';
  const name = `${service}.${region}.amazonaws.com`;
  return suffix === 'amazonaws.com' ? name : [name, `${service}.${region}.${suffix}`];
}

/** Ending of the host names of a region; undefined where only the deployment knows the region. */
function suffixOf(region: string): string | undefined {
  return Token.isUnresolved(region) ? undefined : (RegionInfo.get(region).domainSuffix ?? 'amazonaws.com');
}
