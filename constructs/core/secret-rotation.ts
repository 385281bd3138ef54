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
  /**
   * More secrets that the same function rotates, by the id of their schedules.
   *
   * @default - none
   */
  readonly others?: { [id: string]: ISecret };
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
 * A Lambda function of ours that Secrets Manager calls to rotate a secret, or several of a kind, and the
 * schedules for it.
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
    const secrets = [props.secret, ...Object.values(props.others ?? {})];

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
        resources: secrets.map(({ secretArn }) => secretArn),
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
      grantKeyVia(
        { service: 'secretsmanager', region: Stack.of(this).region, key: props.encryptionKey },
        role,
        ...actions,
      );
    }

    schedule(this, handler, props.secret, props);
    for (const [name, other] of Object.entries(props.others ?? {})) {
      schedule(new Construct(this, name), handler, other, props);
    }
    this.handler = handler;
  }
}

function schedule(scope: Construct, handler: IFunction, secret: ISecret, props: SecretRotationProps): void {
  const permission = new CfnPermission(scope, 'Permission', {
    action: 'lambda:InvokeFunction',
    functionName: handler.functionArn,
    principal: 'secretsmanager.amazonaws.com',
    sourceArn: secret.secretArn,
    sourceAccount: Stack.of(scope).account,
  });
  const made = new CfnRotationSchedule(scope, 'Schedule', {
    secretId: secret.secretArn,
    rotationLambdaArn: handler.functionArn,
    rotateImmediatelyOnUpdate: false,
    rotationRules: { automaticallyAfterDays: props.period.toDays() },
  });
  made.node.addDependency(handler, permission, ...(props.after ?? []));
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
