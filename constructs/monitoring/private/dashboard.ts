import { Duration } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  type Metric,
  PeriodOverride,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { hasReaders, isServerless } from '../../database/database-server';
import type { IPostgresDatabase } from '../../database/postgres-database';
import type { RestoreDrill } from '../../dumps/restore-drill';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { IDjangoService, ILoadBalancedService } from '../../processes/django-service';
import { samplesOfTasks } from '../../processes/service-metrics';
import { ofTargets } from '../../processes/target-metrics';
import type { ITaskQueue } from '../../queues/task-queue';
import { readerLag } from './alarm-aurora';
import { replicaLag, replicasOf } from './alarm-replicas';
import { MINUTE } from './alarm-table';

/** The parts that the dashboard draws. */
export interface Watched {
  readonly loadBalancer?: IHttpsLoadBalancer;
  readonly loadBalanced: ILoadBalancedService[];
  readonly services: IDjangoService[];
  readonly queues: { [name: string]: ITaskQueue };
  readonly database?: IPostgresDatabase;
  readonly restoreDrill?: RestoreDrill;
  readonly errors?: Metric;
}

const WIDTH = 8;
const SUM = { period: MINUTE, statistic: Stats.SUM };
const AVERAGE = { period: MINUTE, statistic: Stats.AVERAGE };
const MAXIMUM = { period: MINUTE, statistic: Stats.MAXIMUM };

/**
 * One page that answers, from top to bottom: do users get answers, do the tasks cope, does the work get done,
 * does the database cope.
 */
export function makeDashboard(scope: Construct, id: string, watched: Watched): Dashboard {
  const rows = [traffic(watched), tasks(watched), work(watched), database(watched), dumps(watched)];
  return new Dashboard(scope, id, {
    defaultInterval: Duration.hours(3),
    periodOverride: PeriodOverride.AUTO,
    widgets: [[title(scope)], ...rows.filter((row) => row.length > 0)],
  });
}

function title(scope: Construct): IWidget {
  const text = `${scope.node.scope?.node.path}: top to bottom, from what users see to what it rests on.`;
  return new TextWidget({ width: 3 * WIDTH, height: 1, markdown: text });
}

function graph(title: string, left: (IMetric | undefined)[], right: IMetric[] = []): IWidget {
  return new GraphWidget({
    title,
    width: WIDTH,
    left: left.filter((metric) => metric !== undefined),
    right,
    leftYAxis: { min: 0 },
  });
}

/** A point for each dump that was proven: what it held, and how old it was. */
function dumps({ restoreDrill: drill }: Watched): IWidget[] {
  return drill === undefined
    ? []
    : [
        graph(
          'Last proven dump',
          [drill.metricProvenRows({ label: 'rows' })],
          [drill.metricProvenDumpAgeSeconds({ label: 'age in seconds' })],
        ),
      ];
}

function traffic({ loadBalancer, loadBalanced, errors }: Watched): IWidget[] {
  const logged = errors?.with({ period: MINUTE, label: 'errors in the log' });
  if (loadBalancer === undefined) {
    return logged === undefined ? [] : [graph('Errors a minute', [logged])];
  }
  const at = (metric: Metric) => ofTargets(metric, loadBalancer);
  const { TARGET_5XX_COUNT } = HttpCodeTarget;
  return [
    graph(
      'Requests a minute',
      loadBalanced.length > 0
        ? loadBalanced.map(({ targetGroup, node }) => at(targetGroup.metrics.requestCount({ ...SUM, label: node.id })))
        : [loadBalancer.metricRequestCount({ ...SUM, label: 'requests' })],
    ),
    graph('Errors a minute', [
      loadBalancer.metricHttpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { ...SUM, label: '5xx of the load balancer' }),
      ...loadBalanced.map(({ targetGroup, node }) =>
        at(targetGroup.metrics.httpCodeTarget(TARGET_5XX_COUNT, { ...SUM, label: `5xx of ${node.id}` })),
      ),
      logged,
    ]),
    graph(
      'Seconds to the answer',
      loadBalanced.flatMap(({ targetGroup, node }) =>
        [50, 99].map((percentile) => {
          const options = { statistic: Stats.p(percentile), label: `${node.id} p${percentile}` };
          return at(targetGroup.metrics.targetResponseTime({ period: MINUTE, ...options }));
        }),
      ),
    ),
  ];
}

/**
 * Searches the cluster, one line for each service, so that services added later appear by themselves; running
 * tasks have to be counted service by service.
 */
function tasks({ loadBalanced, services }: Watched): IWidget[] {
  const all = [...loadBalanced, ...services];
  const clusters = [...new Set(all.map(({ service }) => service.cluster.clusterName))];
  const search = (title: string, namespace: string, metricName: string, statistic: string) =>
    graph(
      title,
      clusters.map(
        (cluster) =>
          new MathExpression({
            expression: `SEARCH('{${namespace},ClusterName,ServiceName} MetricName="${metricName}" ClusterName="${cluster}"', '${statistic}', 60)`,
            label: '',
            usingMetrics: {},
          }),
      ),
    );
  return clusters.length === 0
    ? []
    : [
        graph('Running tasks', all.map(running)),
        search('CPU, %', 'AWS/ECS', 'CPUUtilization', Stats.AVERAGE),
        search('Memory of the fullest task, %', 'AWS/ECS', 'MemoryUtilization', Stats.MAXIMUM),
      ];
}

/** The dashboard chooses the period by the time that it shows, and a longer one holds more samples. */
function running({ service, node }: IDjangoService, index: number): IMetric {
  const samples = `s${index}`;
  return new MathExpression({
    expression: `60 * ${samples} / PERIOD(${samples})`,
    label: node.id,
    usingMetrics: { [samples]: samplesOfTasks(service, { period: Duration.minutes(5) }) }, // That of an expression.
  });
}

function work({ queues }: Watched): IWidget[] {
  const all = Object.entries(queues);
  if (all.length === 0) {
    return [];
  }
  return [
    graph(
      'Tasks that wait',
      all.map(([name, queue]) => queue.metricApproximateNumberOfMessagesVisible({ ...MAXIMUM, label: name })),
      all.map(([name, queue]) =>
        queue.metricApproximateNumberOfMessagesNotVisible({ ...MAXIMUM, label: `${name}, being done` }),
      ),
    ),
    graph(
      'Age of the oldest task, seconds',
      all.map(([name, queue]) => queue.metricApproximateAgeOfOldestMessage({ ...MAXIMUM, label: name })),
    ),
    graph(
      'Dead letters',
      all.map(([name, queue]) => queue.metricDeadLetters({ ...MAXIMUM, label: name })),
    ),
  ];
}

function database({ database }: Watched): IWidget[] {
  if (database === undefined) {
    return [];
  }
  const replicas = Object.entries(replicasOf(database));
  const metric = (metricName: string, label: string) => database.metric(metricName, { ...AVERAGE, label });
  return [
    graph(
      'Database: CPU, %',
      [database.metricCPUUtilization({ ...AVERAGE, label: 'CPU' })],
      [database.metricDatabaseConnections({ ...MAXIMUM, label: 'connections' })],
    ),
    graph('Database: seconds a read, a write', [metric('ReadLatency', 'read'), metric('WriteLatency', 'write')]),
    graph(
      'Database: free bytes',
      isServerless(database) ? [] : [database.metricFreeStorageSpace({ ...AVERAGE, label: 'storage' })],
      [database.metricFreeableMemory({ ...AVERAGE, label: 'memory' })],
    ),
    ...(isServerless(database)
      ? [graph('Database: capacity, ACUs', [metric('ServerlessDatabaseCapacity', 'capacity')])]
      : []),
    ...(hasReaders(database)
      ? [graph('Readers: milliseconds behind', [readerLag(database, 'the one that is furthest behind')])]
      : []),
    ...(replicas.length === 0
      ? []
      : [
          graph(
            'Read replicas: seconds behind',
            replicas.map(([name, replica]) => replicaLag(replica, name)),
          ),
        ]),
  ];
}
