import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks, isUnknown, writtenAs } from '../../core/checks';
import { namesInProfile, type Profile } from '../../core/profile';
import type { IPostgresDatabase } from '../../database/postgres-database';
import { FROZEN } from '../../handlers/protection/contract';
import { checkCluster, checkTrustedProxies, vpcOfCluster } from '../../network/same-vpc';
import type { IDjangoService } from '../../processes/django-service';
import { checkEgress } from '../../processes/egress';
import type { DjangoApplicationProps } from '../django-application-props';
import { checkOptionEffects, warnOfOptionEffects } from './option-effects';

/** Connections that RDS keeps for itself and for whoever looks after the database. */
const RESERVED_CONNECTIONS = 10;
/** Queues of one worker: CloudWatch adds up no more for its scaling. */
const MOST_QUEUES = 4;

/** Validates what one part of the application asks of another; each part validates its own props. */
export function checkApplication(scope: Construct, props: DjangoApplicationProps): void {
  writtenAs(scope, { emailAddresses: 'notificationEmails', thresholds: 'alarmThresholds' });
  const checks = new Checks(scope);
  checkOptionEffects(checks, props);
  checkReaders(checks, props);
  checkEgress(checks, props.egress);
  checkNetwork(checks, props);
  checkAllowedChanges(checks, props);
  checks.throwIfAny();
  warnOfOptionEffects(scope, props);
  warnOfAllowedChanges(scope, props);
}

function checkAllowedChanges(checks: Checks, { allowedChanges = [] }: DjangoApplicationProps): void {
  for (const [index, name] of allowedChanges.entries()) {
    checks.optional(`allowedChanges[${index}]`, name, () => FROZEN.some((frozen) => frozen === name), {
      must: `be one of ${FROZEN.join(', ')}`,
      remedy: 'Everything else may change without being named; copy the name from the message that refused the change.',
    });
  }
}

function warnOfAllowedChanges(scope: Construct, { allowedChanges = [] }: DjangoApplicationProps): void {
  if (allowedChanges.length > 0) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:allowedChanges',
      '`allowedChanges` lets a deployment lose what is stored. Take it out after the deployment that it is for.',
    );
  }
}

/** What is brought must tell what the parts ask of a network. */
function checkNetwork(checks: Checks, { vpc, cluster, environment }: DjangoApplicationProps): void {
  if (cluster !== undefined) {
    checkCluster(checks, cluster);
  }
  const brought = vpc ?? (cluster && vpcOfCluster(cluster));
  if (brought !== undefined) {
    checkTrustedProxies(checks, vpc === undefined ? 'cluster' : 'vpc', brought, environment);
  }
}

/** Every queue that is made here is read by a worker: what is sent to another one is never done. */
function checkReaders(checks: Checks, { queues, defaultQueueName, workers }: DjangoApplicationProps): void {
  const names = Object.keys(queues ?? {});
  const byDefault = defaultQueueName ?? (names.length === 1 ? names[0] : 'default');
  const read = Object.values(workers ?? {}).flatMap(({ queueNames }) => queueNames ?? [byDefault]);
  const unread = names.filter((name) => !read.includes(name));
  checks
    .that('workers', Object.keys(workers ?? {}), workers === undefined || isUnknown(read) || unread.length === 0, {
      must: `read every queue, also ${unread.join(', ')}`,
      remedy:
        'What is sent to another one is never done: add it to `queueNames` of a worker. A queue that others read belongs into a `broker` that you bring, new CeleryBroker() with `existingQueues`.',
    })
    .that('queues', names, workers !== undefined || names.length <= MOST_QUEUES, {
      must: `be at most ${MOST_QUEUES} for the one worker that is made where \`workers\` is left out`,
      remedy: 'Name `workers`, each with its `queueNames`.',
    });
}

/** Validates that the database has a connection for every task at the largest scale. */
export function checkConnections(
  scope: Construct,
  props: DjangoApplicationProps,
  database: IPostgresDatabase,
  services: IDjangoService[],
): void {
  if (database.maxConnections === undefined) {
    return;
  }
  const wanted = services.reduce((sum, service) => sum + connectionsOf(service), 0);
  const available = database.maxConnections - RESERVED_CONNECTIONS;
  const parts = services.map((service) => `${service.node.id} ${service.maxCapacity} × ${service.connectionsPerTask}`);
  new Checks(scope)
    .that(greediest(props, services), wanted, wanted <= available, {
      must: `add up to at most ${available} database connections over all services (${parts.join(', ')})`,
      remedy: 'Choose a larger `databaseInstanceType` in the profile, or fewer tasks, processes or threads.',
    })
    .throwIfAny();
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
  const { profile, database, databaseOptions } = props;
  const tasks = isWorker ? 'workerMaxCapacity' : 'webMaxCapacity';
  const inProfile = namesInProfile<{ [prop: string]: unknown; profile?: Profile }>(
    { profile },
    { maxCapacity: tasks, instanceType: 'databaseInstanceType' },
  );
  if (inProfile.maxCapacity !== undefined || database !== undefined) {
    return inProfile.maxCapacity ?? 'database';
  }
  const chosen = databaseOptions?.instanceType === undefined ? inProfile.instanceType : 'databaseOptions.instanceType';
  return chosen ?? (props[part] === undefined ? 'databaseOptions.instanceType' : part);
}
