import { join } from 'node:path';
import { Duration, type Stack } from 'aws-cdk-lib';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import { HttpsLoadBalancer, type HttpsLoadBalancerProps } from '../../constructs/edge/https-load-balancer';
import type { ProcessProps } from '../../constructs/processes/process-props';
import { testVpc } from '../support';

/** A cluster, an image and the settings module: what every process is given. */
export function processProps(stack: Stack): ProcessProps {
  return {
    cluster: new Cluster(stack, 'Cluster', { vpc: testVpc(stack), enableFargateCapacityProviders: true }),
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'shop.settings.production',
  };
}

/** A load balancer for shop.example.com. */
export function loadBalancerFor(
  scope: Construct,
  { cluster }: Pick<ProcessProps, 'cluster'>,
  props: Partial<HttpsLoadBalancerProps> = {},
): HttpsLoadBalancer {
  const hostedZone = HostedZone.fromHostedZoneAttributes(scope, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });
  return new HttpsLoadBalancer(scope, 'LoadBalancer', {
    vpc: cluster.vpc,
    domainNames: ['shop.example.com'],
    hostedZone,
    idleTimeout: Duration.seconds(60),
    ...props,
  });
}
