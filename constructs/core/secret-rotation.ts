import { type Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnRotationSchedule, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IDependable } from 'constructs';
import type { Checks } from './checks';
import { type HandlerFunctionProps, handlerFunction } from './handler-function';
import { grantKeyVia } from './key-policy';

/** Properties of `SecretRotation`. */
export interface SecretRotationProps extends Omit<HandlerFunctionProps, 'whyNoDeadLetters'> {
  readonly secret: ISecret;
  /** Time between two rotations, in whole days. */
  readonly period: Duration;
  /**
   * Actions that the function needs on the secret, besides reading, storing and labelling versions.
   *
   * @default - nothing
   */
  readonly actions?: string[];
  /**
   * Secrets that the function reads to do its work.
   *
   * @default - none
   */
  readonly reads?: ISecret[];
  /**
   * What must exist before the first call.
   *
   * Secrets Manager makes that call when the schedule is created.
   *
   * @default - nothing else
   */
  readonly after?: IDependable[];
}

/**
 * A Lambda function of ours that Secrets Manager calls to rotate one secret, and its schedule.
 *
 * The first rotation happens one period after the deployment.
 *
 * The schedule of the L2 is not used, because it grants the function a wildcard and lets Secrets Manager call
 * it for any secret.
 *
 * @internal
 */
export class SecretRotation extends Construct {
  public readonly handler: IFunction;

  constructor(scope: Construct, id: string, props: SecretRotationProps) {
    super(scope, id);
    const { secret } = props;

    const { handler, role } = handlerFunction(this, {
      ...props,
      whyNoDeadLetters:
        'Only Secrets Manager invokes it, step after step, and repeats a step that failed: an alarm on its errors says so.',
    });
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [
          'secretsmanager:DescribeSecret',
          'secretsmanager:GetSecretValue',
          'secretsmanager:PutSecretValue',
          'secretsmanager:UpdateSecretVersionStage',
          ...(props.actions ?? []),
        ],
        resources: [secret.secretArn],
      }),
    );
    for (const read of props.reads ?? []) {
      role.addToPrincipalPolicy(
        new PolicyStatement({
          actions: [
            'secretsmanager:DescribeSecret',
            'secretsmanager:GetSecretValue',
            'secretsmanager:ListSecretVersionIds',
          ],
          resources: [read.secretArn],
        }),
      );
    }
    if (props.encryptionKey !== undefined) {
      const actions = ['kms:Decrypt', 'kms:GenerateDataKey'];
      grantKeyVia('secretsmanager', Stack.of(this).region, props.encryptionKey, role, ...actions);
    }

    const permission = new CfnPermission(this, 'Permission', {
      action: 'lambda:InvokeFunction',
      functionName: handler.functionArn,
      principal: 'secretsmanager.amazonaws.com',
      sourceArn: secret.secretArn,
      sourceAccount: Stack.of(this).account,
    });
    const schedule = new CfnRotationSchedule(this, 'Schedule', {
      secretId: secret.secretArn,
      rotationLambdaArn: handler.functionArn,
      rotateImmediatelyOnUpdate: false,
      rotationRules: { automaticallyAfterDays: props.period.toDays() },
    });
    schedule.node.addDependency(handler, permission, ...(props.after ?? []));
    this.handler = handler;
  }
}

/** Validates the time between two rotations: Secrets Manager accepts 1 to 1000 whole days. */
export function checkRotationPeriod(checks: Checks, prop: string, period: Duration | undefined, least = 1): void {
  checks.duration(prop, period, {
    whole: 'days',
    min: least,
    max: 1000,
    remedy: 'Secrets Manager counts in days; give for example Duration.days(30).',
  });
}
