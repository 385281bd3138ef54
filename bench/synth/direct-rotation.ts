import { Duration, type Stack } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnPermission, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnRotationSchedule, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IDependable } from 'constructs';
import type { Database } from './direct-database';
import { encryptedLogs, type Foundation } from './direct-foundation';
import { type HandlerNetwork, handler, handlerRole } from './direct-handlers';
import { statement } from './direct-tasks';

const DESCRIBE = 'secretsmanager:DescribeSecret';
const GET = 'secretsmanager:GetSecretValue';
const LIST = 'secretsmanager:ListSecretVersionIds';

/** Rotations of Django's key and of the passwords of the database: the functions. */
export function rotations(stack: Stack, base: Foundation, data: Database, secretKey: ISecret): LambdaFunction[] {
  const { masterSecret, applicationSecret, ownerSecret, roles } = data;
  const logins = [
    { secretArn: applicationSecret.secretArn, role: 'django_serving', logins: ['django_a', 'django_b'] },
    { secretArn: ownerSecret.secretArn, role: 'django', logins: ['django_release_a', 'django_release_b'] },
  ];
  const key = rotation(stack, 'SecretKeyRotation', base, {
    secret: secretKey,
    bundle: 'secret-key-rotation',
    description: 'Rotates the SECRET_KEY of Django',
    timeout: Duration.seconds(30),
    days: 90,
    environment: {
      SESSION_COOKIE_AGE: String(Duration.days(14).toSeconds()),
      ROTATION_PERIOD: String(Duration.days(90).toSeconds()),
    },
    logGroup: encryptedLogs(stack, 'SecretKeyRotationLogs', base.key),
  });
  const passwords = {
    bundle: 'database-rotation',
    timeout: Duration.minutes(2),
    days: 30,
    actions: [LIST],
    logGroup: roles.logGroup,
    network: roles.network,
    after: roles.ready,
  };
  const application = rotation(stack, 'ApplicationRotation', base, {
    ...passwords,
    secret: applicationSecret,
    other: ownerSecret,
    description: 'Rotates the passwords of the application',
    environment: { MASTER_SECRET_ARN: masterSecret.secretArn, LOGINS: stack.toJsonString(logins) },
    statements: [statement([DESCRIBE, GET, LIST], masterSecret.secretArn)],
  });
  const master = rotation(stack, 'MasterRotation', base, {
    ...passwords,
    secret: masterSecret,
    description: 'Rotates the password of the master user',
  });
  return [key, application, master];
}

interface Rotation {
  readonly secret: ISecret;
  /** One more that the same function rotates. */
  readonly other?: ISecret;
  readonly bundle: string;
  readonly description: string;
  readonly timeout: Duration;
  readonly days: number;
  readonly logGroup: LogGroup;
  readonly actions?: string[];
  readonly statements?: PolicyStatement[];
  readonly environment?: { [name: string]: string };
  readonly network?: HandlerNetwork;
  readonly after?: IDependable[];
}

/** Not the schedule of the L2: it lets Secrets Manager call the function for any secret. Nor its permission, which waits for what the function waits for. */
function rotation(stack: Stack, id: string, base: Foundation, settings: Rotation): LambdaFunction {
  const { secret, other, days, actions = [], statements = [], after = [], ...given } = settings;
  const write = ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'];
  const secrets = other === undefined ? [secret] : [secret, other];
  const own = statement([DESCRIBE, GET, ...write, ...actions], ...secrets.map(({ secretArn }) => secretArn));
  const role = handlerRole(stack, `${id}Role`, base, given.logGroup, [own, ...statements], given.network);
  const rotate = handler(stack, `${id}Handler`, base, { ...given, role });
  for (const [name, { secretArn }] of secrets.map((each, index) => [index === 0 ? id : `${id}Other`, each] as const)) {
    const permission = new CfnPermission(stack, `${name}Permission`, {
      action: 'lambda:InvokeFunction',
      functionName: rotate.functionArn,
      principal: 'secretsmanager.amazonaws.com',
      sourceArn: secretArn,
    });
    const schedule = new CfnRotationSchedule(stack, name, {
      secretId: secretArn,
      rotationLambdaArn: rotate.functionArn,
      rotateImmediatelyOnUpdate: false,
      rotationRules: { automaticallyAfterDays: days },
    });
    schedule.node.addDependency(rotate, permission, ...after);
  }
  return rotate;
}
