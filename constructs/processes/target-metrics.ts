import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IHttpsLoadBalancer } from '../edge/https-load-balancer';

/**
 * A metric of a target group, with the name of its load balancer as the load balancer itself gives it.
 *
 * A target group that only a listener rule knows takes the listener's ARN apart for it, in 700 characters of
 * template.
 */
export function ofTargets(metric: Metric, loadBalancer: IHttpsLoadBalancer | undefined): Metric {
  const dimensions = loadBalancer?.metricRequestCount().dimensions;
  return dimensions === undefined ? metric : metric.with({ dimensionsMap: { ...metric.dimensions, ...dimensions } });
}
