import type { Construct } from 'constructs';
import { Checks } from '../../core/checks';
import type { IPostgresDatabase } from '../../database/postgres-database';
import type { AsgiServiceOptions } from '../../processes/asgi-service';
import type { IDjangoService } from '../../processes/django-service';
import type { DjangoApplicationProps } from '../django-application';

/** Connections that RDS keeps for itself and for whoever looks after the database. */
const RESERVED_CONNECTIONS = 10;

/** Whether the ASGI service is the only one. */
export function takesEveryPath(asgi: AsgiServiceOptions | undefined): boolean {
  return asgi?.paths?.includes('/*') ?? false;
}

/** What can be wrong between the parts of an application; each part looks after its own props. */
export function checkApplication(scope: Construct, props: DjangoApplicationProps): void {
  const checks = new Checks(scope);
  const hasBroker = props.queues !== undefined || props.broker !== undefined;
  const unused = (prop: keyof DjangoApplicationProps, by: keyof DjangoApplicationProps) =>
    checks.optional(prop, props[prop], () => props[by] === undefined, {
      must: `be left out with \`${by}\``,
      remedy: `It would have no effect: \`${by}\` is used as you bring it.`,
    });

  checks
    .optional('web', props.web, () => !takesEveryPath(props.asgi), {
      must: 'be left out when ASGI takes every path',
      remedy: 'Narrow `asgi.paths`, for example to ["/ws/*"], or drop `web`.',
    })
    .optional('workers', props.workers, () => hasBroker, {
      must: 'come with `queues` or a `broker`',
      remedy: 'Add `queues: { default: {} }`.',
    })
    .optional('beat', props.beat, () => hasBroker, {
      must: 'come with `queues` or a `broker`',
      remedy: 'Add `queues: { default: {} }`, or use `scheduledCommands`, which need no broker.',
    })
    .optional('cluster', props.cluster, () => props.vpc === undefined || props.cluster?.vpc === props.vpc, {
      must: 'be in `vpc`',
      remedy: 'Leave `vpc` out: the cluster knows its own.',
    });
  unused('databaseOptions', 'database');
  unused('queues', 'broker');
  unused('defaultQueueName', 'broker');
  unused('domainNames', 'loadBalancer');
  unused('hostedZone', 'loadBalancer');
  unused('certificate', 'loadBalancer');
  unused('rateLimit', 'loadBalancer');
  unused('notificationEmails', 'notifications');
  checks.throwIfAny();
}

/** All tasks at their largest scale find a connection. */
export function checkConnections(scope: Construct, database: IPostgresDatabase, services: IDjangoService[]): void {
  if (database.maxConnections === undefined) {
    return;
  }
  const wanted = services.reduce((sum, service) => sum + service.maxCapacity * service.connectionsPerTask, 0);
  const available = database.maxConnections - RESERVED_CONNECTIONS;
  const parts = services.map((service) => `${service.node.id} ${service.maxCapacity} × ${service.connectionsPerTask}`);
  new Checks(scope)
    .that('maxCapacity', wanted, wanted <= available, {
      must: `add up to at most ${available} database connections over all services (${parts.join(', ')})`,
      remedy: 'Choose a larger `databaseInstanceType` in the profile, or fewer tasks, processes or threads.',
    })
    .throwIfAny();
}
