import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';

/** Running tasks of a service, as Container Insights counts them: the cluster must have it on. */
export function runningTasks(service: FargateService, options?: MetricOptions): Metric {
  return new Metric({
    namespace: 'ECS/ContainerInsights',
    metricName: 'RunningTaskCount',
    dimensionsMap: { ClusterName: service.cluster.clusterName, ServiceName: service.serviceName },
    statistic: Stats.AVERAGE,
    ...options,
  }).attachTo(service);
}
