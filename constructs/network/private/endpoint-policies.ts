import { Fn, Stack } from 'aws-cdk-lib';
import type { GatewayVpcEndpoint, InterfaceVpcEndpoint, InterfaceVpcEndpointAwsService } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';

/**
 * Services whose endpoint gets a policy, by short name: what the application itself calls.
 *
 * Not every AWS service takes an endpoint policy, and some answer with resources of AWS. The endpoint of
 * another service keeps the default policy, until its owner writes one with `addToPolicy()`.
 */
const WITH_POLICY = ['ecr.api', 'ecr.dkr', 'kms', 'logs', 'monitoring', 'secretsmanager', 'sns', 'sqs'];

/**
 * Closes the way to S3 to everything but what an application needs.
 *
 * Nobody can carry data out through it into a bucket of another account, nor use credentials of another one.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/vpc-interface-endpoints.html
 */
export function limitS3(endpoint: GatewayVpcEndpoint): void {
  const { partition, region } = Stack.of(endpoint);
  // The endpoint of a gateway takes no other principal than the star; conditions say who.
  endpoint.addToPolicy(
    new PolicyStatement({
      sid: 'BucketsOfThisAccount',
      principals: [new StarPrincipal()],
      actions: ['s3:*'],
      resources: ['*'],
      conditions: withinThisAccount(endpoint),
    }),
  );
  // Amazon ECR keeps the layers of images in a bucket of its own, and signs the requests for them itself:
  // neither bucket nor principal belongs to this account.
  endpoint.addToPolicy(
    new PolicyStatement({
      sid: 'LayersOfImages',
      principals: [new StarPrincipal()],
      actions: ['s3:GetObject'],
      resources: [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`],
    }),
  );
  // Functions of custom resources answer CloudFormation by an address that CloudFormation has signed. Its
  // bucket is named after the region without dashes.
  const regionWithoutDashes = Fn.join('', Fn.split('-', region));
  endpoint.addToPolicy(
    new PolicyStatement({
      sid: 'AnswersToCloudFormation',
      principals: [new StarPrincipal()],
      actions: ['s3:PutObject'],
      resources: [`arn:${partition}:s3:::cloudformation-custom-resource-response-${regionWithoutDashes}/*`],
    }),
  );
}

/** Lets the principals of this account, and nobody else, use an endpoint for resources of this account. */
export function limitService(endpoint: InterfaceVpcEndpoint, { shortName }: InterfaceVpcEndpointAwsService): void {
  if (WITH_POLICY.includes(shortName)) {
    endpoint.addToPolicy(
      new PolicyStatement({
        sid: 'ResourcesOfThisAccount',
        principals: [new StarPrincipal()],
        actions: ['*'], // Of the one service that the endpoint leads to.
        resources: ['*'],
        conditions: shortName.startsWith('ecr.') ? byThisAccount(endpoint) : withinThisAccount(endpoint),
      }),
    );
  }
}

/** Amazon ECR alone is asked without the account of the resource: images may come from other accounts. */
function byThisAccount(endpoint: GatewayVpcEndpoint | InterfaceVpcEndpoint) {
  return { StringEquals: { 'aws:PrincipalAccount': Stack.of(endpoint).account } };
}

/** `IfExists`, because a request that names no resource (a random password, a list) has no account of one. */
function withinThisAccount(endpoint: GatewayVpcEndpoint | InterfaceVpcEndpoint) {
  return {
    ...byThisAccount(endpoint),
    StringEqualsIfExists: { 'aws:ResourceAccount': Stack.of(endpoint).account },
  };
}
