import type { SqlClient } from '../shared/postgres';
import { redacted } from '../shared/redacted';
import type { DatabaseRolesProperties } from './contract';
import { ensureOwner } from './roles';
import { type LeftObject, NotTaken, takeOver } from './take-over';

/** Writes a line of the log. */
export type Log = (message: string, details: { [name: string]: unknown }) => void;

/** Whether there is anything to take over: the database comes from elsewhere, or somebody is named. */
export function arrives({ TakeOwnership: everything, TakeOwnershipFrom: from }: DatabaseRolesProperties): boolean {
  return everything === 'true' || from !== undefined;
}

/** Takes over from others what is the application's; gives what stays with them. */
export async function adopt(client: SqlClient, properties: DatabaseRolesProperties, log: Log): Promise<LeftObject[]> {
  const { TakeOwnershipFrom: from, Database: database, Owner: owner } = properties;
  const { OwnerLogins: ownerLogins, ServingRole: serving, Logins: servingLogins } = properties;
  await ensureOwner(client, { database, owner, ownerLogins, serving, servingLogins });
  try {
    const { taken, left } = await takeOver(client, { database, owner, from, serving: [serving, ...servingLogins] });
    log('what others owned is taken over', { taken });
    logLeft(left, log);
    return left;
  } catch (error) {
    logLeft(error instanceof NotTaken ? error.left : [], log);
    throw error;
  }
}

/** What CloudFormation is told of what stays with others: the answer may not be longer than 4 kB. */
export function attributesOf(left: LeftObject[]): { [name: string]: string } | undefined {
  const names = left.map(({ kind, identity }) => `${kind} ${identity}`).join(', ');
  return left.length === 0 ? undefined : { Left: redacted(names).slice(0, 1_000) };
}

/** Each on a line of its own: a line may not be longer than 256 kB. */
function logLeft(left: LeftObject[], log: Log): void {
  for (const { kind, identity, owner, why, statement } of left) {
    log('stays with its owner', { object: `${kind} ${identity}`, owner, why, statement });
  }
}
