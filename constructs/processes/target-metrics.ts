import type { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
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

/**
 * Messages that came into dead-letter queues, from one period to the next, and not those that lie there.
 *
 * The newest period may have no data yet, hence REPEAT; a queue that nobody uses has none, hence 0.
 */
export function newLetters(letters: IMetric[], period: Duration): MathExpression {
  const filled = letters.map((_, index) => `FILL(FILL(letters${index}, REPEAT), 0)`);
  return new MathExpression({
    expression: `DIFF(${filled.join(' + ')})`,
    label: 'new dead letters',
    period,
    usingMetrics: Object.fromEntries(letters.map((metric, index) => [`letters${index}`, metric])),
  });
}
