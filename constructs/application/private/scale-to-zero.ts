import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks, isUnknown } from '../../core/checks';
import { AuroraPostgresDatabase } from '../../database/aurora-postgres-database';
import type { IPostgresDatabase } from '../../database/postgres-database';
import type { DjangoApplicationProps } from '../django-application-props';

const AWAKE = 'The cluster would never pause, and cost as much as one that cannot.';
const OR_NOT = 'or set `serverless.minCapacity` of the cluster to 0.5 or more.';
/** Variables that well-known templates of projects read how long a connection is kept from. */
const KEEPERS = ['CONN_MAX_AGE', 'DATABASE_CONN_MAX_AGE', 'DJANGO_CONN_MAX_AGE'];
const UNITS: { readonly [unit: string]: number } = { minute: 60, hour: 3600, day: 86_400 };

/**
 * Refuses what keeps a cluster awake that scales to zero, and warns of what wakes it: nobody would notice
 * before the bill.
 */
export function checkScaleToZero(scope: Construct, props: DjangoApplicationProps, database: IPostgresDatabase): void {
  const pause = database instanceof AuroraPostgresDatabase ? database._pausesAfter : undefined;
  if (pause === undefined) {
    return;
  }
  const checks = new Checks(scope);
  const { beat, environment = {}, scheduledCommands = {} } = props;
  checks.optional('beat.scheduler', beat?.scheduler, () => !/DatabaseScheduler$/.test(`${beat?.scheduler}`), {
    must: 'not read the database beside a cluster that scales to zero',
    remedy: `${AWAKE} Leave it out, use \`scheduledCommands\`, ${OR_NOT}`,
  });
  for (const name of KEEPERS) {
    checks.optional(`environment.${name}`, environment[name], () => environment[name] === '0', {
      must: 'be 0 beside a cluster that scales to zero',
      remedy: `${AWAKE} A thread that nobody asks keeps its connection. Leave it out, ${OR_NOT}`,
    });
  }
  for (const [name, { schedule }] of Object.entries(scheduledCommands)) {
    const { expressionString: expression } = schedule;
    const gap = isUnknown(expression) ? undefined : longestGap(expression);
    checks.that(`scheduledCommands.${name}.schedule`, expression, gap === undefined || gap > pause, {
      must: `leave more than ${pause} seconds between two runs beside a cluster that scales to zero`,
      remedy: `${AWAKE} Run it less often, ${OR_NOT}`,
    });
  }
  checks.throwIfAny();
  warnOfWaking(scope, props);
}

function warnOfWaking(scope: Construct, { databaseDump, web, asgi }: DjangoApplicationProps): void {
  const warn = (id: string, text: string) => Annotations.of(scope).addWarningV2(`cdk-django-fargate:${id}`, text);
  if (databaseDump !== undefined) {
    warn('dumpsWakeDatabase', '`databaseDump` wakes the cluster, which otherwise scales to zero, for each dump.');
  }
  for (const [name, options] of Object.entries({ web, asgi })) {
    if (options?.healthCheckPath !== undefined) {
      warn(
        `${name}HealthCheckWakesDatabase`,
        `\`${name}.healthCheckPath\` is asked several times a minute: if its view uses the database, the cluster never scales to zero. Leave it out, or make sure that it does not.`,
      );
    }
  }
}

/** Seconds that a schedule leaves at most between two runs, where it runs day and night. */
function longestGap(expression: string): number | undefined {
  const [, amount, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (unit !== undefined) {
    return Number(amount) * UNITS[unit];
  }
  const [, minutes, rest] = /^cron\((\S+) (.+)\)$/.exec(expression) ?? [];
  const isAlways = /^\* (\* \* \?|\? \* \*) \*$/.test(rest ?? '');
  return isAlways ? 60 * gapOfMinutes(minutes) : undefined;
}

function gapOfMinutes(field: string): number {
  const at = field.split(',').flatMap((item) => {
    const [, from, to, step] = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(item) ?? [];
    const first = from === '*' ? 0 : Number(from);
    const single = step === undefined && to === undefined && from !== '*';
    const last = single ? first : Number(to ?? 59);
    const every = Number(step ?? 1);
    return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, index) => first + index * every);
  });
  const sorted = [...new Set(at)].sort((one, other) => one - other);
  return Math.max(...sorted.map((minute, index) => (sorted[index + 1] ?? sorted[0] + 60) - minute));
}
