import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { secondsOf } from '../../core/checks';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { IDjangoService, ILoadBalancedService } from '../../processes/django-service';
import { samplesOfTasks } from '../../processes/service-metrics';
import { FEW_REQUESTS, ofTargets } from '../../processes/target-metrics';
import {
  type AlarmRow,
  anyAbove0,
  BREACHING,
  GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  GREATER_THAN_THRESHOLD,
  LESS_THAN_THRESHOLD,
  MINUTE,
  MISSING,
  NOT_BREACHING,
} from './alarm-table';

/**
 * Errors of the load balancer that a client cannot ask for.
 *
 * Its count of all 5xx has 501 and 505 in it, with which it answers transfer codings and versions of HTTP
 * that it does not know.
 */
const OUR_FAULT = {
  failed: HttpCodeElb.ELB_500_COUNT,
  gateway: HttpCodeElb.ELB_502_COUNT,
  unavailable: HttpCodeElb.ELB_503_COUNT,
  late: HttpCodeElb.ELB_504_COUNT,
};

/** Errors in five minutes that say something however few requests there are, where they are half of all. */
const FEW_ERRORS = 5;
const MOST_ANSWERS = 50;
const FIVE_MINUTES = Duration.minutes(5);

/** Share of malformed requests, in percent, above which they are a client of ours and not only strangers. */
const MANY_MALFORMED = 5;

/**
 * Alarms on the load balancer.
 *
 * There is one rate of errors for the whole load balancer, its own errors and those of every service behind
 * it: an operator looks at the same page first either way, and the dashboard shows which service it is.
 */
export const LOAD_BALANCER_ALARMS: AlarmRow<IHttpsLoadBalancer>[] = [
  {
    id: 'ServerErrors',
    runbook: 'server-errors',
    metric: (loadBalancer) => serverErrorPercent(loadBalancer),
    threshold: ({ serverErrorPercent }) => serverErrorPercent,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
    treatMissingData: NOT_BREACHING,
    sentence: ({ serverErrorPercent }) =>
      `more than ${serverErrorPercent} % of the requests are answered with a server error (5xx).`,
  },
  {
    id: 'FewAnswers',
    runbook: 'server-errors',
    metric: (loadBalancer) => serverErrorPercent(loadBalancer, { period: FIVE_MINUTES, fewErrors: FEW_ERRORS }),
    threshold: () => MOST_ANSWERS,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: NOT_BREACHING,
    sentence: () =>
      `half or more of the requests of 5 minutes, and at least ${FEW_ERRORS} of them, are answered with a server error (5xx).`,
  },
  anyAbove0({
    id: 'RejectedConnections',
    runbook: 'rejected-connections',
    metric: (loadBalancer) => loadBalancer.metricRejectedConnectionCount({ period: MINUTE, statistic: Stats.SUM }),
    sentence: 'connections are turned away because the load balancer holds as many as it can.',
  }),
  {
    id: 'MalformedRequests',
    runbook: 'malformed-requests',
    metric: (loadBalancer) => malformedPercent(loadBalancer),
    threshold: () => MANY_MALFORMED,
    comparison: GREATER_THAN_THRESHOLD,
    // Longer than somebody's scan.
    evaluationPeriods: 15,
    datapointsToAlarm: 10,
    treatMissingData: NOT_BREACHING,
    sentence: () => `more than ${MANY_MALFORMED} % of the requests keep no standard, and may be refused with 400.`,
  },
];

/**
 * Alarms on services behind the load balancer.
 *
 * The load balancer knows better than ECS how many tasks serve. One row on healthy tasks covers both
 * unhealthy targets and missing tasks.
 */
export const LOAD_BALANCED_SERVICE_ALARMS: AlarmRow<ILoadBalancedService>[] = [
  {
    id: 'NoHealthyTask',
    runbook: 'no-healthy-task',
    metric: ({ targetGroup }, { loadBalancer }) =>
      ofTargets(targetGroup.metrics.healthyHostCount({ period: MINUTE, statistic: Stats.MINIMUM }), loadBalancer),
    threshold: () => 1,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: 2,
    treatMissingData: BREACHING,
    after: ({ service }) => service,
    sentence: () => 'no task is healthy: users get 502 or 503 from this service.',
  },
  {
    id: 'TooFewHealthyTasks',
    runbook: 'too-few-healthy-tasks',
    // With a minimum of one this is `NoHealthyTask`.
    metric: ({ targetGroup, minCapacity }, { loadBalancer }) =>
      minCapacity > 1
        ? ofTargets(targetGroup.metrics.healthyHostCount({ period: MINUTE, statistic: Stats.MINIMUM }), loadBalancer)
        : undefined,
    threshold: (_, { minCapacity }) => minCapacity,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: 5,
    treatMissingData: BREACHING,
    after: ({ service }) => service,
    sentence: (_, { minCapacity }) => `fewer than ${minCapacity} tasks have been healthy for 5 minutes.`,
  },
  {
    id: 'SlowAnswers',
    runbook: 'slow-answers',
    metric: ({ targetGroup }, { loadBalancer }) =>
      ofTargets(targetGroup.metrics.targetResponseTime({ period: MINUTE, statistic: Stats.p(99) }), loadBalancer),
    threshold: ({ responseTime }) => secondsOf(responseTime),
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 5,
    treatMissingData: NOT_BREACHING,
    sentence: ({ responseTime }) => `one request in a hundred takes longer than ${secondsOf(responseTime)} seconds.`,
  },
  {
    id: 'Saturated',
    runbook: 'saturated',
    // CPU and memory in one: the same service is too small either way, and the alarm's graph draws both
    // lines.
    metric: ({ service }, { thresholds: { cpuPercent, memoryPercent } }) =>
      new MathExpression({
        expression: `IF(cpu / ${cpuPercent} > memory / ${memoryPercent}, 100 * cpu / ${cpuPercent}, 100 * memory / ${memoryPercent})`,
        label: '% of what is allowed',
        period: MINUTE,
        usingMetrics: {
          cpu: service.metricCpuUtilization({ period: MINUTE, statistic: Stats.AVERAGE, label: 'CPU' }),
          memory: service.metricMemoryUtilization({ period: MINUTE, statistic: Stats.MAXIMUM, label: 'memory' }),
        },
      }),
    threshold: () => 100,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 10,
    treatMissingData: MISSING,
    sentence: ({ cpuPercent, memoryPercent }) =>
      `CPU above ${cpuPercent} % or memory above ${memoryPercent} % of the tasks for 10 minutes, and scaling has not helped.`,
  },
];

/** Alarms on services without requests: workers and beat. */
export const SERVICE_ALARMS: AlarmRow<IDjangoService>[] = [
  {
    id: 'TasksMissing',
    runbook: 'tasks-missing',
    // A service that may have none is meant to have none for most of the time.
    metric: ({ service, minCapacity }) => (minCapacity === 0 ? undefined : samplesOfTasks(service)),
    threshold: (_, { minCapacity }) => minCapacity,
    comparison: LESS_THAN_THRESHOLD,
    // A task that Spot takes away, or beat in a deployment (stopped before it is started), is back within
    // this time. A minute may lack the sample of a task that runs, but not five in a row.
    evaluationPeriods: 5,
    treatMissingData: BREACHING,
    after: ({ service }) => service,
    sentence: (_, { minCapacity }) =>
      minCapacity === 1 ? 'no task has run for 5 minutes.' : `fewer than ${minCapacity} tasks have run for 5 minutes.`,
  },
  {
    id: 'MemoryHigh',
    runbook: 'memory-high',
    // Memory alone: the CPU of a worker is meant to be busy, and whether it keeps up is what the age of the
    // queue says.
    metric: ({ service }) => service.metricMemoryUtilization({ period: MINUTE, statistic: Stats.MAXIMUM }),
    threshold: ({ memoryPercent }) => memoryPercent,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 3,
    treatMissingData: MISSING,
    sentence: ({ memoryPercent }) =>
      `a task uses more than ${memoryPercent} % of its memory, and is killed when there is none left.`,
  },
];

/**
 * Share of requests that end in a server error, in percent.
 *
 * CloudWatch publishes no zeros for errors, and does not count a request for which no healthy task was found:
 * hence FILL, and the load balancer's own errors in the denominator.
 */
function serverErrorPercent(
  loadBalancer: IHttpsLoadBalancer,
  { period, fewErrors }: { readonly period: Duration; readonly fewErrors?: number } = { period: MINUTE },
): IMetric {
  const options = { period, statistic: Stats.SUM };
  const enough =
    fewErrors === undefined ? `FILL(requests, 0) + elb > ${FEW_REQUESTS}` : `elb + FILL(tasks, 0) > ${fewErrors - 1}`;
  return new MathExpression({
    expression: `IF(${enough}, 100 * (elb + FILL(tasks, 0)) / (FILL(requests, 0) + elb), 0)`,
    label: 'server errors, %',
    period,
    usingMetrics: {
      requests: loadBalancer.metricRequestCount({ ...options, label: 'requests' }),
      elb: new MathExpression({
        expression: Object.keys(OUR_FAULT)
          .map((name) => `FILL(${name}, 0)`)
          .join(' + '),
        label: '5xx of the load balancer',
        period,
        usingMetrics: Object.fromEntries(
          Object.entries(OUR_FAULT).map(([name, code]) => [name, loadBalancer.metricHttpCodeElb(code, options)]),
        ),
      }),
      tasks: loadBalancer.metricHttpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { ...options, label: '5xx of Django' }),
    },
  });
}

/**
 * Requests that do not keep RFC 7230 beside those that services took: of these, the mode STRICTEST refuses
 * every one. Where nobody else comes, strangers alone would make every share a large one.
 */
function malformedPercent(loadBalancer: IHttpsLoadBalancer): IMetric {
  const options = { period: MINUTE, statistic: Stats.SUM };
  const name = 'DesyncMitigationMode_NonCompliant_Request_Count';
  return new MathExpression({
    expression: `IF(FILL(requests, 0) > ${FEW_REQUESTS}, 100 * FILL(malformed, 0) / (requests + FILL(malformed, 0)), 0)`,
    label: 'malformed requests, %',
    period: MINUTE,
    usingMetrics: {
      requests: loadBalancer.metricRequestCount({ ...options, label: 'requests' }),
      malformed: loadBalancer.loadBalancer.metrics.custom(name, { ...options, label: 'malformed' }),
    },
  });
}
