import { Duration, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnRotationSchedule, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IDependable } from 'constructs';
import { type Checks, isUnknown, secondsOf } from './checks';
import { type HandlerFunctionProps, handlerFunction } from './handler-function';
import { grantKeyVia } from './key-policy';

/** When a secret may rotate, and with it every service that reads it be rolled out anew. */
export interface RotationWindow {
  /** Hour of the day, in UTC, at which the window opens: 0 to 23. */
  readonly hour: number;
  /**
   * How long the window is open, in whole hours; it must end by midnight UTC.
   *
   * Secrets Manager picks a moment in it.
   *
   * @default Duration.hours(1)
   */
  readonly duration?: Duration;
}

/** At midnight: before the default window of RDS for backups, and the only hour that fits every period. */
const DEFAULT_WINDOW: RotationWindow = { hour: 0, duration: Duration.hours(3) };

/** In hours. */
const HALF_A_DAY = 12;

/** Properties of `SecretRotation`. */
export interface SecretRotationProps extends Omit<HandlerFunctionProps, 'whyNoDeadLetters'> {
  readonly secret: ISecret;
  /**
   * More secrets that the same function rotates, by the id of their schedules.
   *
   * @default - none
   */
  readonly others?: { [id: string]: ISecret };
  /**
   * The same secrets by other constructs, for the permissions of the function.
   *
   * Of secrets that are attached to something, those from before: the function need not wait for it.
   *
   * @default - `secret` and `others`
   */
  readonly writes?: ISecret[];
  /** Time between two rotations, in whole days. */
  readonly period: Duration;
  /**
   * When it happens on that day.
   *
   * @default - from midnight to 3:00 UTC
   */
  readonly window?: RotationWindow;
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
    const secrets = props.writes ?? [props.secret, ...Object.values(props.others ?? {})];

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
    rotationRules: rulesOf(props.period, props.window ?? DEFAULT_WINDOW),
  });
  made.node.addDependency(handler, permission, ...(props.after ?? []));
}

/** Secrets Manager opens the window of a rate at midnight; every other hour takes a cron expression. */
function rulesOf(period: Duration, { hour, duration }: RotationWindow): CfnRotationSchedule.RotationRulesProperty {
  const days = period.toDays();
  const calendar = hour === 0 ? undefined : daysOfCalendar(days);
  return {
    duration: `${(duration ?? Duration.hours(1)).toHours()}h`,
    scheduleExpression:
      calendar === undefined ? `rate(${days} ${days === 1 ? 'day' : 'days'})` : `cron(0 ${hour} ${calendar} *)`,
  };
}

/** Day of the month, month and day of the week of a period that the calendar has. */
function daysOfCalendar(days: number): string | undefined {
  const months = days / 30;
  switch (true) {
    case days === 1:
      return '* * ?';
    case days === 7:
      return '? * SUN';
    case months === 1:
      return '1 * ?';
    case [2, 3, 4, 6].includes(months):
      return `1 1/${months} ?`;
    case months === 12:
      return '1 1 ?';
    default:
      return undefined;
  }
}

/** What happens once a day to what a rotation has replaced. */
export interface DailyCall {
  readonly description: string;
  readonly handler: IFunction;
  /** That of the rotations. */
  readonly window?: RotationWindow;
  /** What the function is told. */
  readonly event: object;
}

/** Calls a function once a day, half a day away from the hour of rotations, so that it finds none at work. */
export function halfADayAfterRotations(scope: Construct, id: string, call: DailyCall): Rule {
  const { description, handler, window, event } = call;
  const hour = window === undefined || isUnknown(window.hour) ? DEFAULT_WINDOW.hour : window.hour;
  return new Rule(scope, id, {
    description,
    schedule: Schedule.cron({ minute: '0', hour: `${(hour + HALF_A_DAY) % 24}` }),
    targets: [new LambdaFunction(handler, { event: RuleTargetInput.fromObject(event) })],
  });
}

/** Validates the time between two rotations: Secrets Manager accepts 1 to 999 whole days. */
export function checkRotationPeriod(checks: Checks, prop: string, period: Duration | undefined, least = 1): void {
  checks.duration(prop, period, {
    whole: 'days',
    min: least,
    max: 999,
    remedy: 'Secrets Manager counts in days; give for example Duration.days(30).',
  });
}

/** Validates the hour of rotations against the time between two of them. */
export function checkRotationWindow(
  checks: Checks,
  names: { readonly window: string; readonly period: string },
  period: Duration,
  window: RotationWindow | undefined,
): void {
  if (window === undefined) {
    return;
  }
  const { hour, duration } = window;
  const hours = duration === undefined || isUnknown(duration) ? 1 : secondsOf(duration) / 3600;
  const days = isUnknown(period) ? 1 : secondsOf(period) / (24 * 3600);
  const remedy = 'The window must end by midnight UTC: let it open earlier, or shorten it.';
  checks
    .integer(`${names.window}.hour`, hour, { min: 0, max: 23, remedy: 'Give the hour in UTC.' })
    .duration(`${names.window}.duration`, duration, { whole: 'hours', min: 1, max: 24, remedy })
    .that(`${names.window}.duration`, duration, isUnknown(hour) || hour > 23 || hour + hours <= 24, {
      must: `be at most ${24 - hour} hours when the window opens at ${hour}:00 UTC`,
      remedy,
    })
    .that(names.period, period, hour === 0 || daysOfCalendar(days) !== undefined, {
      must: `be 1, 7, 30, 60, 90, 120, 180 or 360 days beside \`${names.window}\``,
      remedy:
        'At an hour of its own Secrets Manager rotates by the calendar: daily, on Sundays, or on the first of every so many months. Take one of these periods, or hour 0, which fits all.',
    });
}
