import type { Checks } from '../../core/checks';
import { isUnknown } from '../../core/checks';
import type { DatabaseRolesProperties } from '../../handlers/database-roles/contract';
import type { DatabaseOptions } from '../database-options';
import { loginsOf, servingRoleOf } from '../private/names';
import { isRestored, type Source } from './source';

/** What the handler of the roles takes over and adds, beside the roles. */
export type Arrival = Pick<DatabaseRolesProperties, 'TakeOwnership' | 'TakeOwnershipFrom' | 'Extensions'>;

/** As PostgreSQL takes them: in any case, and with any character but those that no statement shows. */
const ROLE_NAME = /^[^\p{C}"\\]{1,63}$/u;
/** Roles of PostgreSQL and of RDS, whose objects the handler leaves alone. */
const SYSTEM_ROLE = /^(pg_|rds_|rds(admin|repladmin|topmgr|proxyadmin|writeforwarduser)$)/;

/** What arrives: everything in a restored database, unless somebody is named whose objects are meant. */
export function arrivalOf(props: DatabaseOptions & Source): Arrival {
  const { takeOwnershipFrom, extensions } = props;
  return {
    TakeOwnership: isRestored(props) && takeOwnershipFrom === undefined ? 'true' : undefined,
    TakeOwnershipFrom: takeOwnershipFrom,
    Extensions: extensions,
  };
}

/** Validates whose objects are taken over. */
export function checkArrival(
  checks: Checks,
  { takeOwnershipFrom, applicationUser }: { takeOwnershipFrom?: string[]; applicationUser: string },
): void {
  if (takeOwnershipFrom === undefined || isUnknown(takeOwnershipFrom)) {
    return;
  }
  const serving = isUnknown(applicationUser) ? [] : [servingRoleOf(applicationUser), ...loginsOf(applicationUser)];
  for (const role of takeOwnershipFrom) {
    checks
      .matches('takeOwnershipFrom', role, ROLE_NAME, {
        must: 'hold names of roles, of 1 to 63 characters without quotation marks and backslashes',
        remedy: 'Write each as `\\du` of psql shows it, in the same case.',
      })
      .optional('takeOwnershipFrom', role, () => !SYSTEM_ROLE.test(role), {
        must: 'not name a role of PostgreSQL or of RDS',
        remedy: 'What belongs to one of these stays there: name the roles that your application used.',
      })
      .optional('takeOwnershipFrom', role, () => !serving.includes(role), {
        must: `not name ${serving.join(', ')}, which serve`,
        remedy: 'Name the roles that owned the tables before.',
      });
  }
}
