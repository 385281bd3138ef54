import type { CustomResourceEvent, LambdaContext } from '../shared/custom-resource';
import { Failure } from '../shared/failure';
import { type ChangeGuardProperties, type Frozen, GUIDE, INTERNET_FACING, OWN } from './contract';
import { insist } from './insist';

/** The outside world, so that tests can bring another. */
export interface IGuardWorld {
  stackStatus(stackId: string): Promise<string>;
  sleep(milliseconds: number): Promise<void>;
}

/** A change that would lose something. */
export interface Refused {
  /** The prop, as the user wrote it. */
  readonly prop: Frozen;
  readonly from: string;
  readonly to: string;
  /** What the change would do. */
  readonly effect: string;
}

const NEW_INSTANCE = 'RDS would make an empty instance in place of the old one';
const NEW_CLUSTER = 'RDS would make an empty cluster in place of the old one';
const OTHER_OWNER = 'the tables would stay with the old owner, and no process could read them';
const EMPTY = 'the processes would use a database without what they have stored';

/** Where a database may have its data from. */
const SOURCES = [
  'databaseOptions.snapshotIdentifier',
  'databaseOptions.pointInTime',
  'aurora.snapshotIdentifier',
] as const;
/** What tells one database from another. */
const IDENTIFIERS = ['databaseOptions.instanceIdentifier', 'aurora.clusterIdentifier'] as const;

/** What a change of each value of the database would do. */
const EFFECTS: { readonly [prop in Frozen]?: string } = {
  'aurora.applicationUser': OTHER_OWNER,
  'aurora.clusterIdentifier': NEW_CLUSTER,
  'aurora.databaseName': NEW_CLUSTER,
  'aurora.masterUsername': NEW_CLUSTER,
  'aurora.port': 'the secrets would keep the old one, and no process could connect',
  'aurora.snapshotIdentifier': NEW_CLUSTER,
  'databaseOptions.applicationUser': OTHER_OWNER,
  'databaseOptions.databaseName': NEW_INSTANCE,
  'databaseOptions.instanceIdentifier': NEW_INSTANCE,
  'databaseOptions.masterUsername': NEW_INSTANCE,
  'databaseOptions.pointInTime': NEW_INSTANCE,
  'databaseOptions.port': NEW_INSTANCE,
  'databaseOptions.snapshotIdentifier': NEW_INSTANCE,
  encryptionKey: NEW_INSTANCE,
  vpc: 'a database cannot move to another VPC',
};

/**
 * Fails an update that would lose what is stored, before anything that is stored has changed.
 *
 * A rollback goes through: it leads back to values that were deployed.
 */
export async function guardChanges(
  world: IGuardWorld,
  event: CustomResourceEvent<ChangeGuardProperties>,
  context: LambdaContext,
): Promise<void> {
  if (event.RequestType !== 'Update' || event.OldResourceProperties === undefined) {
    return;
  }
  const refused = refusedChanges(event.OldResourceProperties, event.ResourceProperties);
  if (refused.length === 0) {
    return;
  }
  const status = await insist(world, context, 'status of the stack', () => world.stackStatus(event.StackId));
  if (!status.includes('ROLLBACK')) {
    throw new Failure(messageOf(refused));
  }
}

/** The changes between two deployments that would lose something, except those that are allowed by name. */
export function refusedChanges(before: ChangeGuardProperties, after: ChangeGuardProperties): Refused[] {
  const allowed = after.AllowedChanges ?? [];
  return [
    ...databaseChanges(before, after),
    ...otherDatabase(before, after),
    ...networkChanges(before, after),
    ...vaultChanges(before, after),
    ...cacheChanges(before, after),
    ...otherScheme(before, after),
    ...lostRecords(before, after),
  ].filter(({ prop }) => !allowed.includes(prop));
}

/** What the user reads in the event of the stack. */
export function messageOf(refused: readonly Refused[]): string {
  const changes = refused.map(
    ({ prop, from, to, effect }) => `\`${prop}\` must not change from ${from} to ${to}: ${effect}`,
  );
  const props = refused.map(({ prop }) => `'${prop}'`).join(', ');
  return `Nothing stored has changed. ${changes.join('; ')}. Put the old value back, or see ${GUIDE}. To do it all the same: allowedChanges: [${props}]`;
}

function databaseChanges(
  { Database: before }: ChangeGuardProperties,
  { Database: after }: ChangeGuardProperties,
): Refused[] {
  if (before === undefined || after === undefined) {
    return [];
  }
  const differs = (prop: Frozen) => before[prop] !== after[prop];
  // A restore: a database with a new name starts from a snapshot or a moment, with the names in it.
  const isRestore =
    IDENTIFIERS.some(differs) && SOURCES.some((source) => differs(source) && after[source] !== undefined);
  const [from, to] = [before, after].map((each) => (isCluster(each) ? 'a cluster' : 'an instance'));
  if (from !== to && !isRestore) {
    return [{ prop: 'aurora', from: shown(from), to: shown(to), effect: EMPTY }];
  }
  const props = Object.keys(EFFECTS) as Frozen[];
  return props
    .filter((prop) => differs(prop) && (!isRestore || prop === 'vpc'))
    .map((prop) => ({ prop, from: shown(before[prop]), to: shown(after[prop]), effect: EFFECTS[prop] as string }));
}

function isCluster(database: ChangeGuardProperties['Database']): boolean {
  return database?.['aurora.clusterIdentifier'] !== undefined;
}

/** A database brought in place of the own one, the other way round, or another one brought. */
function otherDatabase(before: ChangeGuardProperties, after: ChangeGuardProperties): Refused[] {
  const [from, to] = [before, after].map(({ Database, BroughtDatabase }) => BroughtDatabase ?? (Database && OWN));
  // An older guard held nothing of a database that is brought. What starts with data is a move.
  if (from === undefined || from === to || SOURCES.some((source) => after.Database?.[source] !== undefined)) {
    return [];
  }
  return [{ prop: 'database', from: shown(from), to: shown(to), effect: EMPTY }];
}

/** A subnet in use can neither be made anew nor be taken away; a zone can be added at the end. */
function networkChanges({ Network: before }: ChangeGuardProperties, { Network: after }: ChangeGuardProperties) {
  const found: Refused[] = [];
  if (before === undefined || after === undefined) {
    return found; // Another VPC is refused by its own name.
  }
  if (before.Addresses !== after.Addresses) {
    const effect = 'CloudFormation would make another VPC, and a database cannot move to another VPC';
    const [from, to] = [shown(before.Addresses), shown(after.Addresses)];
    found.push({ prop: 'networkOptions.ipAddresses', from, to, effect });
  }
  if (!before.Zones.every((zone, index) => zone === after.Zones[index])) {
    const effect = 'a subnet that is in use can neither be taken away nor be made anew in another zone';
    const [from, to] = [shown(before.Zones.join(', ')), shown(after.Zones.join(', '))];
    found.push({ prop: 'networkOptions.availabilityZones', from, to, effect });
  }
  return found;
}

/** Another key of a vault that stays: backups that are switched off or on have no other key. */
function vaultChanges({ VaultKey: before }: ChangeGuardProperties, { VaultKey: after }: ChangeGuardProperties) {
  const effect = 'AWS Backup would make an empty vault in place of the one that has your recovery points';
  return before === undefined || after === undefined || before === after
    ? []
    : [{ prop: 'backupOptions.encryptionKey' as const, from: shown(before), to: shown(after), effect }];
}

/** Another key of a cache that stays. A database that has that key as well is refused by itself. */
function cacheChanges(before: ChangeGuardProperties, after: ChangeGuardProperties): Refused[] {
  const [from, to] = [before.CacheKey, after.CacheKey];
  const isRefused = before.Database?.encryptionKey !== after.Database?.encryptionKey;
  const effect = 'ElastiCache would make an empty cache in place of the old one, and sessions and sockets would end';
  // An older guard held no key of a cache.
  return from === undefined || to === undefined || from === to || isRefused
    ? []
    : [{ prop: 'encryptionKey', from: shown(from), to: shown(to), effect }];
}

/** Another scheme makes the load balancer anew, while its target groups still belong to the old one. */
function otherScheme({ Scheme: before }: ChangeGuardProperties, { Scheme: after }: ChangeGuardProperties): Refused[] {
  // An older guard held no scheme.
  if (before === undefined || after === undefined || before === after) {
    return [];
  }
  const effect =
    'CloudFormation would make another load balancer, and fail half-way: a target group cannot belong to two. Beside `cdn`, say `internetFacing: true`, and give domain names';
  const [from, to] = [before, after].map((scheme) => String(scheme === INTERNET_FACING));
  return [{ prop: 'loadBalancerOptions.internetFacing', from, to, effect }];
}

/** Names that stay without the records that they have. */
function lostRecords(before: ChangeGuardProperties, after: ChangeGuardProperties): Refused[] {
  const lost = before.Records.filter((name) => after.Names.includes(name) && !after.Records.includes(name));
  const effect = `the records of ${lost.join(', ')} would be deleted, and the names resolve to nothing`;
  return lost.length === 0 ? [] : [{ prop: 'hostedZone', from: 'a hosted zone', to: 'none', effect }];
}

function shown(value: string | undefined): string {
  return value === undefined ? 'nothing' : `"${value}"`;
}
