import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  ObjectLockRetention,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import { grantKeyVia } from '../../core/key-policy';
import { keptWhenFull } from '../../core/removal';
import { WorkloadRole } from '../../core/workload-role';
import type { DumpLock } from '../dump-lock';

/** How long what was deleted, or has expired, can still be had back. */
const SECOND_THOUGHTS = Duration.days(7);

/** The rule of the replication, which names its metrics. */
export const REPLICATION_RULE = 'dumps';

/** How long the dumps of each tier are kept. */
export interface Retention {
  readonly daily: Duration;
  readonly weekly: Duration;
  readonly monthly: Duration;
}

export interface DumpBucketProps {
  readonly encryptionKey: IKey;
  readonly prefix: string;
  readonly retention: Retention;
  readonly lock: DumpLock;
  readonly replicaBucket?: IBucket;
  readonly removalPolicy: RemovalPolicy;
}

/** A private bucket that keeps each dump for as long as its tier, and lets nobody delete it before then. */
export function dumpBucket(scope: Construct, id: string, props: DumpBucketProps): Bucket {
  const { prefix, retention, lock, encryptionKey, replicaBucket } = props;
  const bucket = new Bucket(scope, id, {
    encryption: BucketEncryption.KMS,
    encryptionKey,
    bucketKeyEnabled: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    objectLockEnabled: true, // Also without a lock, so that one can be put on later.
    objectLockDefaultRetention: retentionOf(lock, retention),
    lifecycleRules: [
      ...Object.entries(retention).map(([tier, expiration]) => ({
        id: tier,
        prefix: `${prefix}/${tier}/`,
        expiration,
        noncurrentVersionExpiration: SECOND_THOUGHTS,
      })),
      { id: 'remains', abortIncompleteMultipartUploadAfter: Duration.days(2), expiredObjectDeleteMarker: true },
    ],
    removalPolicy: keptWhenFull(props.removalPolicy),
  });
  const noLogs =
    'One role may write, and no role of this stack may read or delete. S3 delivers server access logs late and not completely; data events of CloudTrail, which an account switches on, record each access with its role.';
  acknowledge(bucket, 'S1', noLogs);
  acknowledge(bucket, 'S3BucketLoggingEnabled', noLogs);
  if (replicaBucket === undefined) {
    acknowledge(
      bucket,
      'S3BucketReplicationEnabled',
      'Dumps are copies, in three zones and with versions, of a database that has standby and snapshots; `replicaBucket` and `copyTo` make further ones elsewhere.',
    );
  } else {
    replicate(scope, bucket, { encryptionKey, replicaBucket });
  }
  return bucket;
}

function retentionOf(lock: DumpLock, { daily }: Retention): ObjectLockRetention | undefined {
  const time = lock._retention ?? daily;
  switch (lock.mode) {
    case 'governance':
      return ObjectLockRetention.governance(time);
    case 'compliance':
      return ObjectLockRetention.compliance(time);
    default:
      return undefined;
  }
}

/**
 * Has S3 copy each object, its lock included, to a bucket of another region or account, and count the copies
 * that failed.
 *
 * By hand: the role that the L2 makes may not read locks, without which S3 copies nothing from a bucket that
 * has one.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
 */
function replicate(
  scope: Construct,
  bucket: Bucket,
  { encryptionKey, replicaBucket }: { readonly encryptionKey: IKey; readonly replicaBucket: IBucket },
): void {
  const stack = Stack.of(scope);
  const isForeign = replicaBucket.env.account !== stack.account;
  const role = new WorkloadRole(scope, 'ReplicationRole', {
    description: 'Lets S3 copy dumps to another bucket',
    // AWS documents no condition on the source for this role; it can be passed within this account alone.
    assumedBy: new ServicePrincipal('s3.amazonaws.com'),
  });
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['s3:GetReplicationConfiguration', 's3:ListBucket'],
      resources: [bucket.bucketArn],
    }),
  );
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [
        's3:GetObjectVersionForReplication',
        's3:GetObjectVersionAcl',
        's3:GetObjectVersionTagging',
        's3:GetObjectRetention',
        's3:GetObjectLegalHold',
      ],
      resources: [bucket.arnForObjects('*')], // Dumps are named after the time at which they are made.
    }),
  );
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [
        's3:ReplicateObject',
        's3:ReplicateTags',
        ...(isForeign ? ['s3:ObjectOwnerOverrideToBucketOwner'] : []),
      ],
      resources: [replicaBucket.arnForObjects('*')],
    }),
  );
  grantKeyVia({ service: 's3', region: stack.region, key: encryptionKey }, role, 'kms:Decrypt');
  const replicaKey = replicaBucket.encryptionKey as IKey; // One without its key was refused.
  grantKeyVia(
    { service: 's3', region: replicaBucket.env.region, key: replicaKey },
    role,
    'kms:Encrypt',
    'kms:GenerateDataKey',
  );
  for (const objects of [bucket.arnForObjects('*'), replicaBucket.arnForObjects('*')]) {
    acknowledge(
      role,
      `IAM5[Resource::${findingOf(stack.resolve(objects))}]`,
      'S3 copies every object of the one bucket to the other; dumps are named after the time at which they are made.',
    );
  }
  (bucket.node.defaultChild as CfnBucket).replicationConfiguration = {
    role: role.roleArn,
    rules: [
      {
        id: REPLICATION_RULE,
        priority: 0,
        status: 'Enabled',
        filter: { prefix: '' },
        deleteMarkerReplication: { status: 'Disabled' }, // The copies expire by the rules of their own bucket.
        sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: 'Enabled' } },
        destination: {
          bucket: replicaBucket.bucketArn,
          account: isForeign ? replicaBucket.env.account : undefined,
          accessControlTranslation: isForeign ? { owner: 'Destination' } : undefined,
          encryptionConfiguration: { replicaKmsKeyId: replicaKey.keyArn },
          metrics: { status: 'Enabled' },
        },
      },
    ],
  };
}
