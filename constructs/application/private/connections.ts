import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks, isUnknown } from '../../core/checks';
import { namesInProfile, type Profile } from '../../core/profile';
import { classWithConnections } from '../../database/larger-class';
import type { IPostgresDatabase } from '../../database/postgres-database';
import type { IDjangoService } from '../../processes/django-service';
import { workerCapacityOf } from '../../processes/scaling/worker-scaling';
import type { WorkerServiceOptions } from '../../processes/worker-service';
import type { DjangoApplicationProps } from '../django-application-props';

/**
 * Connections that RDS keeps for itself and for whoever looks after the database, our handlers among them.
 */
const RESERVED_CONNECTIONS = 10;

const SIDE_BY_SIDE = 2;

/**
 * How many tasks there may be for each of a service during a roll-out: the old and the new ones run side by
 * side, but of beat there is never a second.
 */
export function inRollOut(service: IDjangoService, beat: IDjangoService | undefined): number {
  return service === beat ? 1 : SIDE_BY_SIDE;
}

/** What may hold connections at the same time. */
interface Holder {
  readonly name: string;
  /** Most tasks, those of a roll-out among them. */
  readonly tasks: number;
  readonly connectionsPerTask: number;
}

/** The release, scheduled commands and whatever else runs beside the services. */
function commandsOf({ scheduledCommands = {} }: DjangoApplicationProps): Holder[] {
  const commands = ['Release', ...Object.keys(scheduledCommands)];
  return commands.map((name) => ({ name, tasks: 1, connectionsPerTask: 1 }));
}

function holderOf(service: IDjangoService, beat?: IDjangoService): Holder {
  const { node, maxCapacity, connectionsPerTask } = service;
  return { name: node.id, tasks: maxCapacity * inRollOut(service, beat), connectionsPerTask };
}

function sumOf(holders: Holder[]): number {
  return holders.reduce((sum, { tasks, connectionsPerTask }) => sum + tasks * connectionsPerTask, 0);
}

/**
 * The options of workers, with the most tasks that the database has connections for where the user says
 * nothing.
 *
 * All workers get the same number: what one of them may need cannot be known here.
 */
export function withCeilings(
  props: DjangoApplicationProps,
  database: IPostgresDatabase,
  workers: { [name: string]: WorkerServiceOptions },
  loadBalanced: IDjangoService[],
): { [name: string]: WorkerServiceOptions } {
  const { profile } = props;
  const { maxConnections } = database;
  const isOpen = ({ maxCapacity }: WorkerServiceOptions) => maxCapacity === undefined;
  const inProfile = profile?._given.includes('workerMaxCapacity') === true;
  const sizes = Object.entries(workers).map(([name, options]) => {
    const { maxCapacity, minCapacity, processes } = workerCapacityOf({ ...options, profile });
    return { name, options, maxCapacity, minCapacity, processes };
  });
  const perTask = sizes.reduce((sum, { options, processes }) => (isOpen(options) ? sum + processes : sum), 0);
  if (maxConnections === undefined || inProfile || isUnknown(perTask) || !(perTask > 0)) {
    return workers;
  }
  const others: Holder[] = [
    ...loadBalanced.map((service) => holderOf(service)),
    ...sizes
      .filter(({ options }) => !isOpen(options))
      .map(({ name, maxCapacity, processes }) => {
        return { name, tasks: SIDE_BY_SIDE * maxCapacity, connectionsPerTask: processes };
      }),
    ...(props.beat === undefined ? [] : [{ name: 'Beat', tasks: 1, connectionsPerTask: 1 }]),
    ...commandsOf(props),
  ];
  const left = maxConnections - RESERVED_CONNECTIONS - sumOf(others);
  const fitting = Math.floor(left / (SIDE_BY_SIDE * perTask));
  return Object.fromEntries(
    sizes.map(({ name, options, maxCapacity, minCapacity }) => {
      const ceiling = Math.max(1, minCapacity, Math.min(maxCapacity, fitting));
      return [name, isOpen(options) && Number.isFinite(ceiling) ? { ...options, maxCapacity: ceiling } : options];
    }),
  );
}

/** Validates that the database has a connection for every task at the largest scale, and prints how many. */
export function checkConnections(
  scope: Construct,
  props: DjangoApplicationProps,
  database: IPostgresDatabase,
  { services, beat }: { readonly services: IDjangoService[]; readonly beat?: IDjangoService },
): void {
  if (database.maxConnections === undefined) {
    return;
  }
  const holders = [...services.map((service) => holderOf(service, beat)), ...commandsOf(props)];
  const wanted = sumOf(holders);
  const available = database.maxConnections - RESERVED_CONNECTIONS;
  const parts = holders.map(({ name, tasks, connectionsPerTask }) => `${name} ${tasks} × ${connectionsPerTask}`);
  new Checks(scope)
    .that(greediest(props, services), wanted, wanted <= available, {
      must: `add up to at most ${available} database connections while all services roll out, old and new tasks side by side (${parts.join(', ')})`,
      remedy: `${largerDatabase(props, wanted + RESERVED_CONNECTIONS)}, or lower \`maxCapacity\`, \`processes\` or \`connectionsPerProcess\` of \`web\` and \`asgi\`, or \`maxCapacity\` or \`processes\` of \`workers\`.`,
    })
    .throwIfAny();
  const table = holders.map(({ name, tasks, connectionsPerTask }) => {
    return `  ${name.padEnd(24)}${String(tasks).padStart(6)} × ${connectionsPerTask}`;
  });
  Annotations.of(scope).addInfoV2(
    'cdk-django-fargate:connections',
    [
      `Database connections at most: ${wanted} of ${available}, with all services at their maximum and rolling out (tasks × connections).`,
      ...table,
    ].join('\n'),
  );
}

/** How to have so many connections. */
function largerDatabase({ database, aurora }: DjangoApplicationProps, connections: number): string {
  if (database !== undefined) {
    return `Bring a \`database\` that allows ${connections} connections`;
  }
  if (aurora !== undefined) {
    return `Raise \`aurora.serverless.maxCapacity\`, or give \`aurora.instanceType\` a class, for ${connections} connections`;
  }
  const name = classWithConnections(connections);
  const example = name === undefined ? '' : `, such as new InstanceType('${name}')`;
  return `Give \`databaseOptions.instanceType\` a class that allows ${connections} connections${example}`;
}

function connectionsOf({ maxCapacity, connectionsPerTask }: IDjangoService): number {
  return maxCapacity * connectionsPerTask;
}

/** What the user wrote about the service that may hold the most connections. */
function greediest(props: DjangoApplicationProps, services: IDjangoService[]): string {
  const [{ node }] = [...services].sort((one, other) => connectionsOf(other) - connectionsOf(one));
  const isWorker = /^Worker(s|Annex\d+)$/.test(node.scope?.node.id ?? '');
  const part = isWorker ? 'workers' : (node.id.toLowerCase() as 'web' | 'asgi' | 'beat');
  const options = isWorker ? props.workers?.[node.id] : props[part];
  const name = isWorker ? `workers.${node.id}` : part;
  if (Reflect.get(options ?? {}, 'maxCapacity') !== undefined) {
    return `${name}.maxCapacity`;
  }
  const { profile, database, aurora, databaseOptions } = props;
  const tasks = isWorker ? 'workerMaxCapacity' : 'webMaxCapacity';
  const inProfile = namesInProfile<{ [prop: string]: unknown; profile?: Profile }>(
    { profile },
    { maxCapacity: tasks, instanceType: 'databaseInstanceType' },
  );
  if (inProfile.maxCapacity !== undefined || database !== undefined || aurora !== undefined) {
    return inProfile.maxCapacity ?? (database === undefined ? 'aurora' : 'database');
  }
  const chosen = databaseOptions?.instanceType === undefined ? inProfile.instanceType : 'databaseOptions.instanceType';
  return chosen ?? (props[part] === undefined ? 'databaseOptions.instanceType' : part);
}
