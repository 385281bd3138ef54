import { type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type Bucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { AccessLogBucket } from './private/access-log-bucket';
import { takesLogs } from './private/cloudfront-regions';

/**
 * How long access logs are kept, and what happens to their bucket.
 *
 * @internal
 */
export interface SharedAccessLogsProps {
  readonly retention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * One bucket for the access logs of a load balancer and of the distribution before it; none where CloudFront
 * writes to no bucket of the region.
 *
 * It is made for both from the start. The bucket of a load balancer alone has no ACL, and could not be
 * without again: S3 refuses that while CloudFront stands in its ACL, so that a deployment which adds a
 * distribution could not be rolled back.
 *
 * @internal
 */
export function sharedAccessLogs(scope: Construct, id: string, props: SharedAccessLogsProps): Bucket | undefined {
  return takesLogs(Stack.of(scope).region)
    ? new AccessLogBucket(scope, id, { ...props, objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED })
    : undefined;
}
