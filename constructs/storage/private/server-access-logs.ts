import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Bucket, CfnBucket, IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { Checks, isUnknown } from '../../core/checks';

/**
 * Has S3 write the server access logs of a bucket into another one, by its policy: `serverAccessLogsBucket`
 * of the CDK does so by an ACL, unless the app has a feature flag.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
 */
export function sendServerAccessLogs(bucket: Bucket, logs: IBucket, prefix: string): void {
  (bucket.node.defaultChild as CfnBucket).loggingConfiguration = {
    destinationBucketName: logs.bucketName,
    logFilePrefix: prefix,
  };
  const { account } = Stack.of(bucket);
  logs.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('logging.s3.amazonaws.com')],
      actions: ['s3:PutObject'],
      resources: [logs.arnForObjects(`${prefix}*`)],
      conditions: {
        StringEquals: { 'aws:SourceAccount': account },
        // Two stacks cannot name a bucket of each other.
        ...(Stack.of(logs) === Stack.of(bucket) && { ArnEquals: { 'aws:SourceArn': bucket.bucketArn } }),
      },
    }),
  );
}

/** Refuses a bucket into which S3 would not write: it says so to nobody. */
export function checkAccessLogsBucket(scope: Construct, logs: IBucket | undefined): Checks {
  const region = logs?.env.region;
  const own = Stack.of(scope).region;
  return new Checks(scope)
    .that('accessLogsBucket', logs, logs?.encryptionKey === undefined, {
      must: 'be encrypted by S3 itself',
      remedy: 'S3 writes access logs to no bucket with a KMS key; give one with BucketEncryption.S3_MANAGED.',
    })
    .that('accessLogsBucket', region, logs === undefined || isUnknown(region) || isUnknown(own) || region === own, {
      must: `be in ${own}, the Region of the bucket that is logged`,
      remedy: 'S3 writes access logs to no other Region: give a bucket of this one.',
    });
}
