import type { Construct } from 'constructs';
import { Checks } from '../../core/checks';
import type { IPostgresDatabase } from '../../database/postgres-database';
import type { IDjangoService } from '../../processes/django-service';
import { checkEgress } from '../../processes/egress';
import type { DjangoApplicationProps } from '../django-application-props';
import { checkOptionEffects, warnOfOptionEffects } from './option-effects';

/** Connections that RDS keeps for itself and for whoever looks after the database. */
const RESERVED_CONNECTIONS = 10;

/** Validates what one part of the application asks of another; each part validates its own props. */
export function checkApplication(scope: Construct, props: DjangoApplicationProps): void {
  const checks = new Checks(scope);
  checkOptionEffects(checks, props);
  checkEgress(checks, props.egress);
  checks.throwIfAny();
  warnOfOptionEffects(scope, props);
}

/** Validates that the database has a connection for every task at the largest scale. */
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
