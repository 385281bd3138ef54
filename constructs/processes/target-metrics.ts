import { type Duration, Tokenization } from 'aws-cdk-lib';
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

/** Requests in a minute up to which a share of them says nothing. */
export const FEW_REQUESTS = 20;

/**
 * A metric of a queue or of tasks, by its id in an expression, with a value in every period.
 *
 * The newest period has no data yet when CloudWatch looks, hence REPEAT; what nobody has used for hours has
 * none at all, hence 0.
 */
export function latest(id: string): string {
  return `FILL(FILL(${id}, REPEAT), 0)`;
}

/** A number in an expression, which only the deployment may know. */
export function written(value: number): string {
  return Tokenization.stringifyNumber(value);
}

/** Messages that came into dead-letter queues, from one period to the next, and not those that lie there. */
export function newLetters(letters: IMetric[], period: Duration): MathExpression {
  return new MathExpression({
    expression: `DIFF(${letters.map((_, index) => latest(`letters${index}`)).join(' + ')})`,
    label: 'new dead letters',
    period,
    usingMetrics: Object.fromEntries(letters.map((metric, index) => [`letters${index}`, metric])),
  });
}
