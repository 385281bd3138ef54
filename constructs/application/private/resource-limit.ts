import { CfnParameter, CfnResource, NestedStack, Stack } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import { Checks } from '../../core/checks';
import type { DatabaseDump } from '../../dumps/database-dump';
import type { RestoreDrill } from '../../dumps/restore-drill';
import type { DjangoApplicationProps } from '../django-application-props';
import type { Processes } from './processes';
import type { Providers } from './providers';

/**
 * Resources that a stack may have.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 */
export const MOST_RESOURCES = 500;
/** Parameters that a stack may have. A nested one has one for each value of the application that it needs. */
const MOST_PARAMETERS = 200;
/** With more than so many, alarms move out: the rest is for what the user adds. */
const ROOMY = 300;
/** Alarms, rules and widgets of what every application has. */
const OTHER_ALARMS = 32;
/** Alarms of a cache, that on its rotation among them. */
const OF_CACHE = 6;
/** Alarms of mail, and the rule that reports what returns. */
const OF_MAIL = 3;
/** Alarms of dumps, but for those that not all have. */
const OF_DUMPS = 3;

const OTHER_WAYS =
  'Let a worker read several queues, give `scheduledCommands` one `deadLetterQueue` together, or make a WorkerService or a ScheduledCommand with the parts of this application in a second stack.';

/** What the user names, and the construct that holds what is made of it. */
const NAMED = { workers: 'Workers', queues: 'Broker', scheduledCommands: 'Schedules' } as const;
type Named = keyof typeof NAMED;

/**
 * Whether the alarms need a stack of their own, because this one is large.
 *
 * Nothing is stored in an alarm, so that they may move when the application grows.
 */
export function isTight(scope: Construct, processes: Processes, parts: WatchedParts): boolean {
  const { loadBalancedServices, services, scheduledCommands, areDivided } = processes;
  const watched = loadBalancedServices.length + services.length + Object.keys(parts.broker?.queues ?? {}).length;
  const others = OTHER_ALARMS + ofParts(parts);
  const alarms = others + 2 * watched + Object.keys(scheduledCommands).length;
  return areDivided || resourcesIn(Stack.of(scope)) + alarms > ROOMY;
}

/** Alarms and rules of parts that not every application has. */
export function ofParts({
  urlSigningKeys,
  cacheStore,
  outgoingMail,
  databaseDump,
  restoreDrill,
}: WatchedParts): number {
  return (
    (urlSigningKeys?.rotationFunction === undefined ? 0 : 1) +
    (cacheStore === undefined ? 0 : OF_CACHE) +
    (outgoingMail === undefined ? 0 : OF_MAIL) +
    (databaseDump === undefined ? 0 : ofDumps(databaseDump)) +
    (restoreDrill === undefined ? 0 : ofDrills(restoreDrill))
  );
}

/** Parts with alarms that not every application has. */
type WatchedParts = Partial<Providers> & {
  readonly databaseDump?: DatabaseDump;
  readonly restoreDrill?: RestoreDrill;
};

/** Alarms of a drill, but for the one that not all have. */
function ofDrills(drill: RestoreDrill): number {
  return 2 + (drill._watched.maxAge === undefined ? 0 : 1);
}

function ofDumps(dump: DatabaseDump): number {
  return OF_DUMPS + (dump._watched.maxAge === undefined ? 0 : 1) + (dump.metricFailedCopies() === undefined ? 0 : 1);
}

/** Refuses more than a stack can hold, in the words of the user: now, and again when everything is there. */
export function checkResources(scope: Construct, props: DjangoApplicationProps): void {
  checkedResources(scope, props).throwIfAny();
  scope.node.addValidation({ validate: () => checkedResources(scope, props).found });
}

function checkedResources(scope: Construct, props: DjangoApplicationProps): Checks {
  const checks = checkedStack(scope, props);
  const [longest] = (Object.keys(NAMED) as Named[])
    .map((prop) => ({ prop, count: Object.keys(props[prop] ?? {}).length }))
    .sort((one, other) => other.count - one.count);
  for (const nested of scope.node.children.filter((child) => child instanceof NestedStack)) {
    const parameters = nested.node.findAll().filter((each) => each instanceof CfnParameter).length;
    checks.that(longest.prop, longest.count, parameters <= MOST_PARAMETERS, {
      must: `be fewer: a nested stack may have ${MOST_PARAMETERS} parameters, and ${nested.node.id} needs ${parameters}`,
      remedy: OTHER_WAYS,
    });
  }
  return checks;
}

function checkedStack(scope: Construct, props: DjangoApplicationProps): Checks {
  const all = resourcesIn(Stack.of(scope));
  const parts = (Object.keys(NAMED) as Named[])
    .map((prop) => ({ prop, names: Object.keys(props[prop] ?? {}), made: resourcesBelow(scope, NAMED[prop]) }))
    .sort((one, other) => other.made - one.made);
  const [most] = parts;
  const sums = parts.map(({ prop, made }) => `${made} for \`${prop}\``);
  const rest = all - parts.reduce((sum, { made }) => sum + made, 0);
  return new Checks(scope).that(most.prop, most.names.length, all <= MOST_RESOURCES || most.names.length === 0, {
    must: `be fewer: a stack may have ${MOST_RESOURCES} resources, and this one has ${all} (${[...sums, `${rest} for everything else`].join(', ')})`,
    remedy: OTHER_WAYS,
  });
}

function resourcesBelow(scope: Construct, id: string): number {
  const part = scope.node.tryFindChild(id);
  return part === undefined ? 0 : resourcesIn(part);
}

/** Resources in the stack of a construct, those of its nested stacks apart. */
export function resourcesIn(part: IConstruct): number {
  const stack = Stack.of(part);
  return part.node.findAll().filter((each) => CfnResource.isCfnResource(each) && each.stack === stack).length;
}
