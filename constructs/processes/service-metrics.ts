import { Duration } from 'aws-cdk-lib';
import { type Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';

/**
 * Samples of CPU that the tasks of a service send in a minute: one for each task that runs, and no data where
 * none does. It needs no Container Insights.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
 */
export function samplesOfTasks(service: FargateService, options?: MetricOptions): Metric {
  return service.metricCpuUtilization({ period: Duration.minutes(1), statistic: Stats.SAMPLE_COUNT, ...options });
}
