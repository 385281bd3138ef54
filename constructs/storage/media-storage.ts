import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type CorsRule, HttpMethods, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import type { ContractVariable } from '../core/contract';
import { grantKeyVia } from '../core/key-policy';
import { checkKinds } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { fileBucket } from './private/file-bucket';
import { checkAccessLogsBucket } from './private/server-access-logs';

/** An origin as a browser sends it: lower case, and no port that is the default of its scheme. */
const ORIGIN =
  /^(?!http:.*:80$|https:.*:443$)https?:\/\/[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9]\d{0,4})?$/;

/** The files that users of an application upload, in one bucket. */
export interface IMediaStorage extends IConstruct {
  /** The bucket of the files. */
  readonly bucket: IBucket;
  /** Environment variables of every process that reads or writes files. */
  readonly containerEnvironment: { [name: string]: string };
  /**
   * Grants permission to list the bucket, and to read, write and delete files.
   *
   * Who has it can sign addresses with which others read or write a file, for as long as the address says.
   */
  grantReadWrite(grantee: IGrantable): Grant;
}

/** What can be tuned in the storage of an application's media files. */
export interface MediaStorageOptions {
  /**
   * Origins whose pages may upload into the bucket with an address or a form that the application has signed:
   * scheme and host, such as `https://shop.example.com`, and the port where it is not the usual one.
   *
   * A page of another origin is stopped by the browser. **This is no protection of the bucket: its files are
   * protected by the signature, which whoever has it can use outside of a browser.**
   *
   * @default - none: files go through the application
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
   */
  readonly corsAllowedOrigins?: string[];
  /**
   * How long a file stays recoverable after it was deleted or overwritten, in whole days, 1 to 36,500.
   *
   * **A shorter time deletes for good what has been waiting for longer.**
   *
   * @default Duration.days(30)
   */
  readonly noncurrentVersionExpiration?: Duration;
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
   * RETAIN_ON_UPDATE_OR_DELETE becomes RETAIN: the bucket may hold files when a first deployment is rolled
   * back, and CloudFormation deletes empty buckets only.
   *
   * **DESTROY empties the bucket first: every file and every version of it is gone.**
   *
   * @default - by profile: production RETAIN, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `MediaStorage`. */
export interface MediaStorageProps extends MediaStorageOptions {
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * KMS key of the files.
   *
   * **Files stay encrypted with the key that they were written with.** After a change of key, processes can
   * read old files only with a grant for the old key.
   *
   * @default - a key managed by S3
   */
  readonly encryptionKey?: IKey;
}

/**
 * What created and imported storage share.
 *
 * The grants of `Bucket` are not used, because they include `s3:GetObject*`, `s3:List*`, `kms:ReEncrypt*` and
 * more, which no storage backend of Django needs.
 *
 * @internal
 */
abstract class MediaStorageBase extends Construct implements IMediaStorage {
  public abstract readonly bucket: IBucket;

  public get containerEnvironment(): { [name: string]: string } {
    return {
      AWS_STORAGE_BUCKET_NAME: this.bucket.bucketName,
      AWS_S3_REGION_NAME: this.bucket.env.region,
    } satisfies { [name in ContractVariable]?: string };
  }

  public grantReadWrite(grantee: IGrantable): Grant {
    const { bucket } = this;
    const on = (resourceArn: string, ...actions: string[]) =>
      Grant.addToPrincipalOrResource({ grantee, actions, resourceArns: [resourceArn], resource: bucket });
    const grant = on(bucket.bucketArn, 's3:ListBucket').combine(
      // All files: they have no names before users upload them.
      on(
        bucket.arnForObjects('*'),
        's3:GetObject',
        's3:PutObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload', // Of an upload in parts that fails.
      ),
    );
    return bucket.encryptionKey
      ? grant.combine(
          grantKeyVia(
            { service: 's3', region: bucket.env.region, key: bucket.encryptionKey },
            grantee,
            'kms:Decrypt', // Also of an upload in parts.
            'kms:GenerateDataKey',
          ),
        )
      : grant;
  }
}

/**
 * A private S3 bucket for the media files of a Django project: encrypted, TLS only, with versions, and never
 * public.
 *
 * Users reach a file through the application, or with an address that it signs. A deleted or overwritten file
 * can be recovered for 30 days; AWS Backup does not copy the bucket. CloudFormation generates its name.
 *
 * @example
 * const media = new MediaStorage(this, 'Media', { corsAllowedOrigins: ['https://shop.example.com'] });
 * media.containerEnvironment; // AWS_STORAGE_BUCKET_NAME, AWS_S3_REGION_NAME
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
 */
export class MediaStorage extends MediaStorageBase {
  /**
   * Uses an existing bucket, as it is.
   *
   * Import it with its `encryptionKey` where it has one of yours, and with its `region` where that is not the
   * region of the stack.
   */
  public static fromBucket(scope: Construct, id: string, bucket: IBucket): IMediaStorage {
    class Import extends MediaStorageBase {
      public readonly bucket = bucket;
    }
    return new Import(scope, id);
  }

  public readonly bucket: IBucket;

  constructor(scope: Construct, id: string, props: MediaStorageProps = {}) {
    super(scope, id);
    checkKinds(this, 'MediaStorageProps', props);
    validate(this, props);
    this.bucket = fileBucket(this, 'Bucket', {
      encryptionKey: props.encryptionKey,
      cors: corsOf(props.corsAllowedOrigins ?? []),
      noncurrentVersionExpiration: props.noncurrentVersionExpiration ?? Duration.days(30),
      abortIncompleteMultipartUploadAfter: Duration.days(7), // Parts cost as files do, and nobody sees them.
      removalPolicy: props.removalPolicy ?? profileValues(props.profile).removalPolicy,
      accessLogsBucket: props.accessLogsBucket,
      accessLogsPrefix: 'media/',
      whyNoLogs:
        'Only roles that are given the storage reach the bucket, which is closed to the public and refuses plain HTTP. S3 delivers server access logs late and not completely; data events of CloudTrail, which an account switches on, record each access with its role.',
      whyNoReplica:
        'S3 keeps the files in three zones, with the versions of what was deleted or overwritten, and the bucket is retained in production when the stack goes.',
    });
  }
}

/**
 * A storage whose files something else serves, under a name of its own.
 *
 * @internal
 */
export function servedMediaStorage(
  scope: Construct,
  id: string,
  storage: IMediaStorage,
  domainName: string,
): IMediaStorage {
  class Served extends MediaStorageBase {
    public readonly bucket = storage.bucket;

    public override get containerEnvironment(): { [name: string]: string } {
      return { ...storage.containerEnvironment, AWS_S3_CUSTOM_DOMAIN: domainName } satisfies {
        [name in ContractVariable]?: string;
      };
    }

    public override grantReadWrite(grantee: IGrantable): Grant {
      return storage.grantReadWrite(grantee); // It may be less, in a class of the user's own.
    }
  }
  return new Served(scope, id);
}

/** What a page needs that sends a file to an address, or a form, that the application has signed. */
function corsOf(allowedOrigins: string[]): CorsRule[] | undefined {
  return allowedOrigins.length === 0
    ? undefined
    : [
        {
          allowedOrigins,
          allowedMethods: [HttpMethods.POST, HttpMethods.PUT],
          allowedHeaders: ['*'], // The signature says which headers count.
          exposedHeaders: ['ETag'], // Of each part, where a file is uploaded in parts.
          maxAge: 3600,
        },
      ];
}

function validate(scope: Construct, props: MediaStorageProps): void {
  const checks = checkAccessLogsBucket(scope, props.accessLogsBucket).duration(
    'noncurrentVersionExpiration',
    props.noncurrentVersionExpiration,
    {
      whole: 'days',
      min: 1,
      max: 36_500,
      remedy: 'S3 counts in days: give as many as somebody may take to notice that a file is gone.',
    },
  );
  for (const [index, origin] of (props.corsAllowedOrigins ?? []).entries()) {
    checks.matches(`corsAllowedOrigins[${index}]`, origin, ORIGIN, {
      must: 'be an origin as a browser sends it: scheme and host in lower case, a port only where it is not the default, no path and no asterisk',
      remedy: 'Write it as in "https://shop.example.com", and name each host.',
    });
  }
  checks.throwIfAny();
}
