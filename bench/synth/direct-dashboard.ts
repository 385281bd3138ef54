import { Duration, type Stack } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  type Metric,
  PeriodOverride,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { MINUTE } from './direct-foundation';
import { targetMetric } from './direct-processes';
import type { Watched } from './direct-watch';

/** What an operator looks at first. */
export function dashboard(stack: Stack, watched: Watched, errors: Metric): void {
  const text = 'Shop/App: top to bottom, from what users see to what it rests on.';
  new Dashboard(stack, 'Dashboard', {
    defaultInterval: Duration.hours(3),
    periodOverride: PeriodOverride.AUTO,
    widgets: [
      [new TextWidget({ width: 24, height: 1, markdown: text })],
      traffic(watched, errors),
      tasks(watched),
      work(watched),
      database(watched),
    ],
  });
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, width: 8, left, right, leftYAxis: { min: 0 } });
}

function traffic({ door, running }: Watched, errors: Metric): GraphWidget[] {
  const routed = [running.web, running.asgi];
  const options = { period: MINUTE, statistic: Stats.SUM, label: '5xx of the load balancer' };
  return [
    graph(
      'Requests a minute',
      routed.map(({ id, targets }) => targetMetric(door, targets, 'RequestCount', 'Sum', id)),
    ),
    graph('Errors a minute', [
      door.loadBalancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, options),
      ...routed.map(({ id, targets }) =>
        targetMetric(door, targets, 'HTTPCode_Target_5XX_Count', 'Sum', `5xx of ${id}`),
      ),
      errors.with({ period: MINUTE, label: 'errors in the log' }),
    ]),
    graph(
      'Seconds to the answer',
      routed.flatMap(({ id, targets }) =>
        [50, 99].map((percentile) =>
          targetMetric(door, targets, 'TargetResponseTime', Stats.p(percentile), `${id} p${percentile}`),
        ),
      ),
    ),
  ];
}

function tasks({ base: { cluster } }: Watched): GraphWidget[] {
  const search = (title: string, namespace: string, metricName: string, statistic: string) =>
    graph(title, [
      new MathExpression({
        expression: `SEARCH('{${namespace},ClusterName,ServiceName} MetricName="${metricName}" ClusterName="${cluster.clusterName}"', '${statistic}', 60)`,
        label: '',
        usingMetrics: {},
      }),
    ]);
  return [
    search('Running tasks', 'ECS/ContainerInsights', 'RunningTaskCount', Stats.AVERAGE),
    search('CPU, %', 'AWS/ECS', 'CPUUtilization', Stats.AVERAGE),
    search('Memory of the fullest task, %', 'AWS/ECS', 'MemoryUtilization', Stats.MAXIMUM),
  ];
}

function work({ broker }: Watched): GraphWidget[] {
  const maximum = { period: MINUTE, statistic: Stats.MAXIMUM };
  return [
    graph(
      'Tasks that wait',
      broker.map(({ name, queue }) => queue.metricApproximateNumberOfMessagesVisible({ ...maximum, label: name })),
      broker.map(({ name, queue }) =>
        queue.metricApproximateNumberOfMessagesNotVisible({ ...maximum, label: `${name}, being done` }),
      ),
    ),
    graph(
      'Age of the oldest task, seconds',
      broker.map(({ name, queue }) => queue.metricApproximateAgeOfOldestMessage({ ...maximum, label: name })),
    ),
    graph(
      'Dead letters',
      broker.map(({ name, deadLetters }) =>
        deadLetters.metricApproximateNumberOfMessagesVisible({ ...maximum, label: name }),
      ),
    ),
  ];
}

function database({ data: { instance } }: Watched): GraphWidget[] {
  const average = { period: MINUTE, statistic: Stats.AVERAGE };
  const metric = (metricName: string, label: string) => instance.metric(metricName, { ...average, label });
  return [
    graph(
      'Database: CPU, %',
      [instance.metricCPUUtilization({ ...average, label: 'CPU' })],
      [instance.metricDatabaseConnections({ period: MINUTE, statistic: Stats.MAXIMUM, label: 'connections' })],
    ),
    graph('Database: seconds a read, a write', [metric('ReadLatency', 'read'), metric('WriteLatency', 'write')]),
    graph(
      'Database: free bytes',
      [instance.metricFreeStorageSpace({ ...average, label: 'storage' })],
      [instance.metricFreeableMemory({ ...average, label: 'memory' })],
    ),
  ];
}
