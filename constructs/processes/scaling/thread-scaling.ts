import { Duration } from 'aws-cdk-lib';
import {
  type BaseTargetTrackingProps,
  CfnScalingPolicy,
  type ScalableTarget,
} from 'aws-cdk-lib/aws-applicationautoscaling';
import { type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ScalableTaskCount } from 'aws-cdk-lib/aws-ecs';
import type { ApplicationTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import { latest, ofTargets, written } from '../target-metrics';

const PERIOD = Duration.minutes(1);

/** Share of the threads that may be busy, in percent: as many again are left for a minute that is worse. */
const BUSY_PERCENT = 50;

/** Whose requests are measured, and how many of them a task works on at the same time. */
interface Threads {
  readonly targetGroup: ApplicationTargetGroup;
  readonly loadBalancer: IHttpsLoadBalancer;
  readonly processes: number;
  readonly threads: number;
  /** Those of the other policies of the service. */
  readonly cooldowns: Pick<BaseTargetTrackingProps, 'scaleOutCooldown' | 'scaleInCooldown'>;
}

/**
 * Holds the share of threads that are busy.
 *
 * Requests that wait for a slow dependency need no CPU and may be few. How many a task has at a time follows
 * from how many come and how long each takes (Little's law); those that wait for a thread count as well, so
 * that it can be more than there are threads.
 *
 * The policy tracks its target as those on CPU and requests do: they take tasks away only when all three
 * agree. One with steps would add tasks that these take away again.
 *
 * @see https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking-metric-math.html
 */
export function scaleOnThreads(
  scaling: ScalableTaskCount,
  { targetGroup, loadBalancer, processes, threads, cooldowns }: Threads,
): void {
  const { metrics } = targetGroup;
  const options = { period: PERIOD };
  new CfnScalingPolicy(scaling, 'Threads', {
    policyName: 'threads',
    policyType: 'TargetTrackingScaling',
    scalingTargetId: (scaling.node.findChild('Target') as ScalableTarget).scalableTargetId,
    targetTrackingScalingPolicyConfiguration: {
      targetValue: BUSY_PERCENT,
      scaleOutCooldown: cooldowns.scaleOutCooldown?.toSeconds(),
      scaleInCooldown: cooldowns.scaleInCooldown?.toSeconds(),
      customizedMetricSpecification: {
        metrics: [
          query('requests', ofTargets(metrics.requestCountPerTarget(options), loadBalancer)),
          query(
            'seconds',
            ofTargets(metrics.targetResponseTime({ ...options, statistic: Stats.AVERAGE }), loadBalancer),
          ),
          {
            id: 'busy',
            label: 'threads busy, %',
            expression: `100 * ${latest('requests')} * ${latest('seconds')} / 60 / (${written(processes)} * ${written(threads)})`,
            returnData: true,
          },
        ],
      },
    },
  });
}

function query(id: string, metric: Metric): CfnScalingPolicy.TargetTrackingMetricDataQueryProperty {
  const { namespace, metricName, dimensions = {}, statistic } = metric;
  return {
    id,
    returnData: false,
    metricStat: {
      metric: {
        namespace,
        metricName,
        dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
      },
      stat: statistic,
    },
  };
}
