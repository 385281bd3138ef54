import type { Account, Thing } from './account';
import { evaluate, type Place } from './names';
import type { Resource } from './template';

/** What the services do beyond making and deleting what they are told to. */

/** Who holds what: a thing of the second type cannot be deleted while one of the first uses it. */
const HOLDS: readonly (readonly [holder: string, held: string])[] = [
  ['AWS::EC2::SecurityGroup', 'AWS::EC2::VPC'],
  ['AWS::EC2::Subnet', 'AWS::EC2::VPC'],
  ['AWS::EC2::SecurityGroup', 'AWS::EC2::SecurityGroup'],
  ['AWS::RDS::DBCluster', 'AWS::EC2::SecurityGroup'],
  ['AWS::RDS::DBCluster', 'AWS::RDS::DBClusterParameterGroup'],
  ['AWS::RDS::DBCluster', 'AWS::RDS::DBSubnetGroup'],
  ['AWS::RDS::DBInstance', 'AWS::EC2::SecurityGroup'],
  ['AWS::RDS::DBInstance', 'AWS::RDS::DBParameterGroup'],
  ['AWS::RDS::DBInstance', 'AWS::RDS::DBSubnetGroup'],
];

/** Stores that are deleted only when they are empty. */
const STORES = ['AWS::S3::Bucket', 'AWS::Backup::BackupVault'];

/** Why a service refuses to delete a thing; undefined when it does not. */
export function refusalToDelete(account: Account, thing: Thing): string | undefined {
  if (thing.isProtected) {
    return `${label(thing)} is protected against deletion`;
  }
  if (STORES.includes(thing.type) && thing.contents > 0) {
    return `${label(thing)} is not empty`;
  }
  const holder = holdersOf(account, thing)[0];
  return holder && `${label(thing)} is used by ${label(holder)}`;
}

function holdersOf(account: Account, thing: Thing): Thing[] {
  const direct = account
    .users(thing)
    .filter((user) => HOLDS.some(([holder, held]) => holder === user.type && held === thing.type));
  // The network interface of an instance stands in a subnet of its subnet group.
  const instances =
    thing.type === 'AWS::EC2::Subnet'
      ? account
          .users(thing)
          .filter(({ type }) => type === 'AWS::RDS::DBSubnetGroup')
          .flatMap((group) => account.users(group).filter(({ type }) => type === 'AWS::RDS::DBInstance'))
      : [];
  return [...direct, ...instances];
}

/** What a service does once a thing is there. */
export function afterCreation(account: Account, thing: Thing): void {
  const { type, resource } = thing;
  if (type === 'AWS::RDS::DBInstance' || type === 'AWS::RDS::DBCluster') {
    thing.isProtected = resource.Properties?.DeletionProtection === true;
  }
  if (type === 'AWS::ElasticLoadBalancingV2::LoadBalancer') {
    thing.isProtected = attribute(thing, 'deletion_protection.enabled') === 'true';
  }
  if (type === 'AWS::Backup::BackupSelection') {
    // A backup may be due while the stack is made. The vault is that of the plan.
    for (const vault of account.used(thing).flatMap((plan) => account.used(plan))) {
      fill(vault, 'AWS::Backup::BackupVault');
    }
  }
  deliverAccessLogs(account);
}

/** Why a service refuses that a thing uses others from now on; undefined when it does not. */
export function refusalToChange(account: Account, thing: Thing, uses: ReadonlySet<number>): string | undefined {
  const isInUse = account.users(thing).some(({ type }) => type === 'AWS::RDS::DBInstance');
  const taken = account.used(thing).filter(({ id, type }) => type === 'AWS::EC2::Subnet' && !uses.has(id));
  return thing.type === 'AWS::RDS::DBSubnetGroup' && isInUse && taken.length > 0
    ? `${label(thing)} is used by an instance, which may be in ${label(taken[0])}`
    : undefined;
}

/** What a service does once a thing has other properties: Secrets Manager makes up a password for another template. */
export function afterChange(thing: Thing, old: Resource): void {
  const generated = ({ Properties }: Resource) => JSON.stringify(Properties?.GenerateSecretString);
  if (thing.type === 'AWS::SecretsManager::Secret' && generated(thing.resource) !== generated(old)) {
    thing.generated += 1;
  }
}

/** What a service does once a thing is gone. */
export function afterDeletion(account: Account, thing: Thing, place: Place): void {
  const { DBInstanceIdentifier, DBClusterIdentifier, EnableCloudwatchLogsExports } = thing.resource.Properties ?? {};
  const exported: unknown[] = EnableCloudwatchLogsExports ?? [];
  const isCluster = thing.type === 'AWS::RDS::DBCluster';
  const identifier = evaluate(isCluster ? DBClusterIdentifier : DBInstanceIdentifier, place);
  if ((isCluster || thing.type === 'AWS::RDS::DBInstance') && identifier !== undefined) {
    account.later(() => {
      for (const log of exported) {
        account.makeLogGroup(`/aws/rds/${isCluster ? 'cluster' : 'instance'}/${identifier}/${log}`);
      }
    });
  }
}

/** A last snapshot of an instance or a cluster, which is encrypted with its key. */
export function makeSnapshot(account: Account, database: Thing): void {
  const key = account.used(database).filter(({ type }) => type === 'AWS::KMS::Key');
  account.make({
    type: 'AWS::RDS::DBSnapshot',
    stack: database.stack,
    logicalId: `${database.logicalId} (snapshot)`,
    resource: { Type: 'AWS::RDS::DBSnapshot' },
    uses: new Set(key.map(({ id }) => id)),
  });
}

/** A load balancer that exists writes into its bucket: a test file at first, then logs. */
export function deliverAccessLogs(account: Account): void {
  for (const balancer of account.things.values()) {
    if (
      balancer.type === 'AWS::ElasticLoadBalancingV2::LoadBalancer' &&
      attribute(balancer, 'access_logs.s3.enabled')
    ) {
      for (const bucket of account.used(balancer)) {
        fill(bucket, 'AWS::S3::Bucket');
      }
    }
  }
}

function fill(store: Thing, type: string): void {
  if (store.type === type) {
    store.contents = 1;
  }
}

function attribute(balancer: Thing, key: string): unknown {
  const attributes: { Key: string; Value: unknown }[] = balancer.resource.Properties?.LoadBalancerAttributes ?? [];
  return attributes.find(({ Key }) => Key === key)?.Value;
}

/** Needed by what is kept, although nothing prevents that it is deleted: `[kept, needed, what happens without]`. */
const NEEDS: readonly (readonly [kept: string, needed: string, without: string])[] = [
  ['AWS::RDS::DBCluster', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::RDS::DBInstance', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::RDS::DBSnapshot', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::SecretsManager::Secret', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::Logs::LogGroup', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::SQS::Queue', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::S3::Bucket', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::Backup::BackupVault', 'AWS::KMS::Key', 'cannot be read'],
  ['AWS::RDS::DBInstance', 'AWS::IAM::Role', 'is no longer monitored'],
  ['AWS::SQS::Queue', 'AWS::SQS::Queue', 'has lost its dead-letter queue'],
];

/**
 * What a deletion took away from what it kept.
 *
 * @param before everything that existed before the deletion
 */
export function damage(account: Account, before: readonly Thing[]): string[] {
  const gone = before.filter(({ id }) => !account.things.has(id));
  const kept = [...account.things.values()];
  const missing = kept.flatMap((thing) =>
    gone
      .filter((lost) => thing.uses.has(lost.id))
      .flatMap((lost) =>
        NEEDS.filter(([keeper, needed]) => keeper === thing.type && needed === lost.type).map(
          ([, , without]) => `${label(thing)} ${without}: ${label(lost)} is gone`,
        ),
      ),
  );
  return [...missing, ...rolesWithoutPolicies(kept, gone), ...pointsWithoutRole(kept, gone)];
}

/** A role that is kept has lost what it may do, when a policy of it is gone. */
function rolesWithoutPolicies(kept: readonly Thing[], gone: readonly Thing[]): string[] {
  return gone
    .filter(({ type }) => type === 'AWS::IAM::ManagedPolicy' || type === 'AWS::IAM::Policy')
    .flatMap((policy) =>
      kept
        .filter(({ id, type }) => type === 'AWS::IAM::Role' && policy.uses.has(id))
        .map((role) => `${label(role)} may do nothing: ${label(policy)} is gone`),
    );
}

/** AWS Backup deletes an expired recovery point as the role that made it; without it the point stays, and costs. */
function pointsWithoutRole(kept: readonly Thing[], gone: readonly Thing[]): string[] {
  const vaults = kept.filter(({ type, contents }) => type === 'AWS::Backup::BackupVault' && contents > 0);
  return gone
    .filter(({ type }) => type === 'AWS::Backup::BackupSelection')
    .flatMap((selection) =>
      gone
        .filter(({ id, type }) => type === 'AWS::IAM::Role' && selection.uses.has(id))
        .flatMap((role) => vaults.map((vault) => `points in ${label(vault)} never expire: ${label(role)} is gone`)),
    );
}

export function label({ type, logicalId, name }: Thing): string {
  return logicalId === undefined ? (name ?? type) : `${type} ${logicalId}`;
}
