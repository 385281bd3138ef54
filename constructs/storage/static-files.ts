import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import type { ContractVariable } from '../core/contract';
import { grantKeyVia } from '../core/key-policy';
import { checkKinds } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { fileBucket } from './private/file-bucket';
import { checkAccessLogsBucket } from './private/server-access-logs';

/** The static files of an application, those of earlier releases too, in one bucket. */
export interface IStaticFiles extends IConstruct {
  /** The bucket of the files. */
  readonly bucket: IBucket;
  /** Environment variables of the release, which fills the bucket. */
  readonly containerEnvironment: { [name: string]: string };
  /** Grants permission to list the bucket, and to write files: not to read one, and not to delete one. */
  grantWrite(grantee: IGrantable): Grant;
}

/** What can be tuned in the bucket of an application's static files. */
export interface StaticFilesOptions {
  /**
   * Bucket for the server access logs of S3: who asked for which file, some hours later, and without a
   * promise that each request is there. **A signed address is logged with its signature.**
   *
   * It must be in the same Region and account, and be encrypted by S3 itself. The policy of an imported one
   * must let S3 write.
   *
   * @default - none; `DjangoApplication`: that of the load balancer, unless one is brought for it
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
   */
  readonly accessLogsBucket?: IBucket;
  /**
   * What happens to the bucket when it leaves the stack.
   *
   * RETAIN_ON_UPDATE_OR_DELETE becomes RETAIN, because CloudFormation deletes empty buckets only. DESTROY
   * empties the bucket first: the next release fills a new one.
   *
   * @default - by profile: production RETAIN, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `StaticFiles`. */
export interface StaticFilesProps extends StaticFilesOptions {
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
}

/**
 * What created and imported buckets share.
 *
 * @internal
 */
abstract class StaticFilesBase extends Construct implements IStaticFiles {
  public abstract readonly bucket: IBucket;

  public get containerEnvironment(): { [name: string]: string } {
    return {
      STATIC_FILES_BUCKET_NAME: this.bucket.bucketName,
      STATIC_FILES_REGION_NAME: this.bucket.env.region,
    } satisfies { [name in ContractVariable]?: string };
  }

  public grantWrite(grantee: IGrantable): Grant {
    const { bucket } = this;
    const on = (resourceArn: string, action: string) =>
      Grant.addToPrincipalOrResource({ grantee, actions: [action], resourceArns: [resourceArn], resource: bucket });
    // All files: only the image knows their names.
    const grant = on(bucket.bucketArn, 's3:ListBucket').combine(on(bucket.arnForObjects('*'), 's3:PutObject'));
    const key = bucket.encryptionKey;
    return key === undefined
      ? grant
      : grant.combine(grantKeyVia({ service: 's3', region: bucket.env.region, key }, grantee, 'kms:GenerateDataKey'));
  }
}

/**
 * A private S3 bucket for the static files of a Django project, which the release fills before any service
 * changes, and from which a `Cdn` serves them.
 *
 * The files of earlier releases stay: a page of the previous release finds its style sheet while services are
 * replaced, and one that a browser still shows does so for as long as it is shown. That takes names that
 * change with the content, as Django's `ManifestStaticFilesStorage` makes them.
 *
 * Nothing deletes a file. CloudFormation generates the name of the bucket.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 * declare const loadBalancer: HttpsLoadBalancer;
 *
 * const staticFiles = new StaticFiles(this, 'StaticFiles');
 * const cdn = new Cdn(this, 'Cdn', { loadBalancer, staticFiles });
 * const release = new ReleaseCommand(this, 'Release', {
 *   cluster,
 *   staticFiles: cdn.staticFiles,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 * });
 * cdn.distribution.node.addDependency(release.ready); // not before the files are there
 *
 * @see https://docs.djangoproject.com/en/stable/ref/contrib/staticfiles/#manifeststaticfilesstorage
 */
export class StaticFiles extends StaticFilesBase {
  /**
   * Uses an existing bucket, as it is.
   *
   * Import it with its `encryptionKey` where it has one of yours, and with its `region` where that is not the
   * region of the stack. Applications that share a bucket need different STATIC_URLs.
   */
  public static fromBucket(scope: Construct, id: string, bucket: IBucket): IStaticFiles {
    class Import extends StaticFilesBase {
      public readonly bucket = bucket;
    }
    return new Import(scope, id);
  }

  public readonly bucket: IBucket;

  constructor(scope: Construct, id: string, props: StaticFilesProps = {}) {
    super(scope, id);
    checkKinds(this, 'StaticFilesProps', props);
    checkAccessLogsBucket(this, props.accessLogsBucket).throwIfAny();
    const bucket = fileBucket(this, 'Bucket', {
      noncurrentVersionExpiration: Duration.days(1), // The image has what a release has overwritten.
      abortIncompleteMultipartUploadAfter: Duration.days(1),
      removalPolicy: props.removalPolicy ?? profileValues(props.profile).removalPolicy,
      accessLogsBucket: props.accessLogsBucket,
      accessLogsPrefix: 'static-files/',
      whyNoLogs:
        'The bucket is closed to the public and refuses plain HTTP. The distribution reads, and has access logs of its own; the release alone writes.',
      whyNoReplica: 'Each image has its files, and a release fills an empty bucket with them again.',
    });
    acknowledge(
      bucket,
      'S3DefaultEncryptionKMS',
      'The files are public by way of the distribution. S3 encrypts them with its own key, so that their ETags are MD5 sums, by which a release finds what is there already.',
    );
    this.bucket = bucket;
  }
}

/**
 * Static files that a distribution serves, of some paths alone.
 *
 * @internal
 */
export function servedStaticFiles(scope: Construct, id: string, files: IStaticFiles, paths: string[]): IStaticFiles {
  class Served extends StaticFilesBase {
    public readonly bucket = files.bucket;

    public override get containerEnvironment(): { [name: string]: string } {
      return { ...files.containerEnvironment, STATIC_FILES_PATHS: paths.join(',') } satisfies {
        [name in ContractVariable]?: string;
      };
    }

    public override grantWrite(grantee: IGrantable): Grant {
      return files.grantWrite(grantee); // It may be less, in a class of the user's own.
    }
  }
  return new Served(scope, id);
}
