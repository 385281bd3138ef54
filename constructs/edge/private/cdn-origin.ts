// The root of the CDK loads a module at its first use: only a distribution needs that of its origins.
import { Annotations, Duration, aws_cloudfront_origins as origins } from 'aws-cdk-lib';
import { type IOrigin, OriginProtocolPolicy, VpcOrigin, VpcOriginEndpoint } from 'aws-cdk-lib/aws-cloudfront';
import { ApplicationLoadBalancer, type IApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { secondsOf } from '../../core/checks';
import { nameOfThisStack } from '../../core/removal';
import type { IHttpsLoadBalancer } from '../https-load-balancer';
import type { OriginHeader } from '../origin-header';

/** The longest that CloudFront waits for an answer, in seconds, unless AWS raised the quota. */
const MOST_SECONDS = 120;

/** Whether a load balancer has no public address; of one that exists nothing is known. */
export function isInternal(loadBalancer: IApplicationLoadBalancer): boolean {
  const { defaultChild } = loadBalancer.node;
  return loadBalancer instanceof ApplicationLoadBalancer && Reflect.get(defaultChild ?? {}, 'scheme') === 'internal';
}

/** The load balancer would wait longer than CloudFront does: for WebSockets that may be meant. */
export function warnOfWait(scope: Construct, { idleTimeout }: IHttpsLoadBalancer): void {
  if (!idleTimeout.isUnresolved() && secondsOf(idleTimeout) > MOST_SECONDS) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:cutAnswers',
      `Behind a distribution an answer must begin within ${MOST_SECONDS} seconds: CloudFront waits no longer, and answers 504. \`idleTimeout\` of the load balancer, ${secondsOf(idleTimeout)} seconds, holds for WebSockets alone; let workers do what takes longer.`,
    );
  }
}

/**
 * The load balancer as an origin: through the VPC unless it has a public address.
 *
 * The certificate of the load balancer need not have its own name: CloudFront compares it with the Host
 * header where that is passed on, as it is here.
 */
export function originOf(scope: Construct, balancer: IHttpsLoadBalancer): IOrigin {
  const { loadBalancer, secure, idleTimeout } = balancer;
  const { name, values } = balancer.originHeader as OriginHeader;
  const protocolPolicy = secure ? OriginProtocolPolicy.HTTPS_ONLY : OriginProtocolPolicy.HTTP_ONLY;
  const readTimeout = idleTimeout.isUnresolved() ? MOST_SECONDS : Math.min(MOST_SECONDS, secondsOf(idleTimeout));
  const options = { customHeaders: { [name]: values[0] }, readTimeout: Duration.seconds(readTimeout) };
  if (!isInternal(loadBalancer)) {
    return new origins.HttpOrigin(loadBalancer.loadBalancerDnsName, { ...options, protocolPolicy });
  }
  // CloudFront changes no VPC origin that a distribution uses: another protocol is another one.
  const id = secure ? 'HttpsOrigin' : 'HttpOrigin';
  const vpcOrigin = new VpcOrigin(scope, id, {
    vpcOriginName: nameOfThisStack(scope, 64, id),
    endpoint: VpcOriginEndpoint.applicationLoadBalancer(loadBalancer),
    protocolPolicy,
  });
  return origins.VpcOrigin.withVpcOrigin(vpcOrigin, { ...options, domainName: loadBalancer.loadBalancerDnsName });
}
