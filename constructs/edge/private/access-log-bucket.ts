import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { AccountPrincipal, type IPrincipal, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { keptWhenFull } from '../../core/removal';

export interface AccessLogBucketProps {
  readonly retention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  /** Who owns what is written; the owner of the bucket, without any ACL, unless it is given. */
  readonly objectOwnership?: ObjectOwnership;
}

/**
 * A closed bucket for the access logs of a load balancer or a distribution.
 *
 * @internal
 */
export class AccessLogBucket extends Bucket {
  constructor(scope: Construct, id: string, props: AccessLogBucketProps) {
    const { retention, removalPolicy, objectOwnership = ObjectOwnership.BUCKET_OWNER_ENFORCED } = props;
    super(scope, id, {
      encryption: BucketEncryption.S3_MANAGED, // The only one that load balancers can write with.
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership,
      enforceSSL: true,
      versioned: true,
      removalPolicy: keptWhenFull(removalPolicy), // A new load balancer writes a test file at once.
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
      lifecycleRules: [
        {
          expiration: retention === RetentionDays.INFINITE ? undefined : Duration.days(retention),
          noncurrentVersionExpiration: Duration.days(30),
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
      ],
    });
    const noLogOfLogs =
      'Only the log delivery service writes here and its own writes would be logged for ever; reads by people are data events of CloudTrail.';
    acknowledge(this, 'S1', noLogOfLogs);
    acknowledge(this, 'S3BucketLoggingEnabled', noLogOfLogs);
    acknowledge(
      this,
      'S3DefaultEncryptionKMS',
      'Load balancers can only deliver access logs to buckets encrypted by S3; the bucket is closed to the public, refuses plain HTTP, and its policy admits log delivery alone.',
    );
    acknowledge(
      this,
      'S3BucketReplicationEnabled',
      'Access logs are evidence, not data to restore from: S3 keeps them in three zones, with versions, and retained in production when the stack goes.',
    );
  }
}

/**
 * Sends the access logs of a load balancer to a bucket, by attributes: `logAccessLogs()` needs to know the
 * region.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
export function sendAccessLogs(loadBalancer: ApplicationLoadBalancer, bucket: IBucket): void {
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AllowLoadBalancerLogs',
      principals: [logDelivery(Stack.of(loadBalancer))],
      actions: ['s3:PutObject'],
      // The service writes below the account of the load balancer only, so no other account's logs can come
      // here.
      resources: [bucket.arnForObjects(`AWSLogs/${Stack.of(loadBalancer).account}/*`)],
    }),
  );
  loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
  loadBalancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
  // The load balancer tries to write when it is made, and must be gone before the bucket is emptied.
  loadBalancer.node.addDependency(bucket);
}

/**
 * Who writes the logs: the service; in other partitions the account of the load balancers of the region, for
 * which AWS documents no principal of the service.
 */
function logDelivery({ region }: Stack): IPrincipal {
  const { partition, elbv2Account } = RegionInfo.get(region);
  return partition === 'aws' || partition === undefined || elbv2Account === undefined
    ? new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')
    : new AccountPrincipal(elbv2Account);
}
