import { Annotations, Aws, Stack } from 'aws-cdk-lib';
import {
  type CfnDistribution,
  OriginBase,
  type OriginBindConfig,
  type OriginBindOptions,
  S3OriginAccessControl,
} from 'aws-cdk-lib/aws-cloudfront';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { allowDistributions } from '../../core/key-policy';
import { nameOfThisStack } from '../../core/removal';

/**
 * A private bucket as an origin: one distribution may read the files of some paths, and nobody else any.
 *
 * `S3BucketOrigin` of the CDK lets it read every file of the bucket.
 */
export class BucketOrigin extends OriginBase {
  /**
   * @param paths patterns of the distribution, whose files have the same names without the first slash
   * @param heading where docs/your-project.md says what the policy of a bucket that is brought must have
   */
  constructor(
    private readonly bucket: IBucket,
    private readonly paths: readonly string[],
    private readonly heading: string,
  ) {
    super(bucket.bucketRegionalDomainName);
  }

  public override bind(scope: Construct, options: OriginBindOptions): OriginBindConfig {
    const { originAccessControlId } = new S3OriginAccessControl(scope, 'AccessControl', {
      originAccessControlName: nameOfThisStack(scope, 64, 'AccessControl'),
    });
    this.letIn(scope, options);
    allowDistributions(scope, this.bucket.encryptionKey);
    const { originProperty, ...bound } = super.bind(scope, options);
    return { ...bound, originProperty: { ...(originProperty as object), originAccessControlId } as never };
  }

  protected override renderS3OriginConfig(): CfnDistribution.S3OriginConfigProperty {
    return { originAccessIdentity: '' }; // As CloudFront writes it where access control does the same.
  }

  private letIn(scope: Construct, { distributionId }: OriginBindOptions): void {
    const { bucket, paths } = this;
    const distribution = `arn:${Aws.PARTITION}:cloudfront::${Stack.of(scope).account}:distribution/${distributionId}`;
    const allow = (action: string, ...resources: string[]) =>
      bucket.addToResourcePolicy(
        new PolicyStatement({
          principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
          actions: [action],
          resources,
          conditions: { StringEquals: { 'aws:SourceArn': distribution } },
        }),
      );
    const { statementAdded } = allow('s3:GetObject', ...paths.map((path) => `${bucket.bucketArn}${path}`));
    allow('s3:ListBucket', bucket.bucketArn); // Otherwise a file that is not there is a 403, and not a 404.
    if (!statementAdded) {
      Annotations.of(scope).addWarningV2(
        'cdk-django-fargate:importedBucketPolicy',
        `This bucket is imported, so its policy cannot be changed here. It must let the distribution read, or every file is a 403. Add the statements under "${this.heading}" in docs/your-project.md, then acknowledge this warning on the distribution.`,
      );
    }
  }
}
