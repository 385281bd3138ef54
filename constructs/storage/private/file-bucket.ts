import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CorsRule,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { keptWhenFull } from '../../core/removal';
import { sendServerAccessLogs } from './server-access-logs';

/** What tells one bucket of files from another. */
export interface FileBucketProps {
  readonly encryptionKey?: IKey;
  readonly cors?: CorsRule[];
  readonly noncurrentVersionExpiration: Duration;
  readonly abortIncompleteMultipartUploadAfter: Duration;
  readonly removalPolicy: RemovalPolicy;
  /** Where S3 writes its server access logs, if anywhere. */
  readonly accessLogsBucket?: IBucket;
  /** What the names of the logs begin with. */
  readonly accessLogsPrefix: string;
  /** What rule packs are told in place of server access logs. */
  readonly whyNoLogs: string;
  /** What they are told in place of a copy of the bucket. */
  readonly whyNoReplica: string;
}

/** A private bucket: encrypted, TLS only, with versions, and emptied before it is deleted. */
export function fileBucket(scope: Construct, id: string, props: FileBucketProps): Bucket {
  const {
    encryptionKey,
    cors,
    removalPolicy,
    accessLogsBucket,
    accessLogsPrefix,
    whyNoLogs,
    whyNoReplica,
    ...lifecycle
  } = props;
  const bucket = new Bucket(scope, id, {
    encryption: encryptionKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
    encryptionKey,
    bucketKeyEnabled: encryptionKey ? true : undefined, // One call of KMS for many files.
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    cors,
    lifecycleRules: [
      {
        ...lifecycle,
        expiredObjectDeleteMarker: true, // Nothing is left of a file when its versions are gone.
      },
    ],
    removalPolicy: keptWhenFull(removalPolicy),
    autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
  });
  if (accessLogsBucket === undefined) {
    acknowledge(bucket, 'S1', whyNoLogs);
    acknowledge(bucket, 'S3BucketLoggingEnabled', whyNoLogs);
  } else {
    sendServerAccessLogs(bucket, accessLogsBucket, accessLogsPrefix);
  }
  acknowledge(bucket, 'S3BucketReplicationEnabled', whyNoReplica);
  return bucket;
}
