import { CfnOutput, Duration, type Stack } from 'aws-cdk-lib';
import type { BackupVault } from 'aws-cdk-lib/aws-backup';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { EventField, type EventPattern, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { handlerRows } from './direct-alarms';
import { dashboard } from './direct-dashboard';
import type { Database } from './direct-database';
import type { Edge } from './direct-edge';
import { type Foundation, MINUTE } from './direct-foundation';
import { type Processes, runbook, targetMetric } from './direct-processes';
import type { Queues } from './direct-queues';
import type { Refresh } from './direct-refresh';

const { GREATER_THAN_THRESHOLD: ABOVE, LESS_THAN_THRESHOLD: BELOW } = ComparisonOperator;
const { BREACHING, NOT_BREACHING, MISSING } = TreatMissingData;
const FIVE_MINUTES = Duration.minutes(5);
const DAY = Duration.days(1);

export interface Watched {
  readonly base: Foundation;
  readonly data: Database;
  readonly broker: Queues;
  readonly door: Edge;
  readonly running: Processes;
  readonly vault: BackupVault;
  readonly rotating: LambdaFunction[];
  readonly refreshing: Refresh;
}

export interface Row {
  readonly id: string;
  readonly name: string;
  readonly sentence: string;
  readonly runbook: string;
  readonly metric: IMetric;
  readonly comparison: ComparisonOperator;
  readonly threshold: number;
  readonly periods: number;
  readonly datapoints?: number;
  readonly missing: TreatMissingData;
}

/** Alarms, event rules, dashboard and outputs. */
export function watch(stack: Stack, watched: Watched): void {
  const errors = new MetricFilter(stack, 'Errors', {
    logGroup: watched.base.logGroup,
    filterPattern: FilterPattern.any(
      FilterPattern.stringValue('$.levelname', '=', 'ERROR'),
      FilterPattern.stringValue('$.levelname', '=', 'CRITICAL'),
    ),
    metricNamespace: 'DjangoFargate',
    metricName: 'Errors Shop/App/Alarms',
    metricValue: '1',
  }).metric({ period: FIVE_MINUTES, statistic: Stats.SUM });

  const rows = [
    ...doorRows(watched),
    ...routedRows(watched),
    ...serviceRows(watched),
    ...queueRows(watched),
    ...databaseRows(watched),
    ...handlerRows(watched),
    ...otherRows(watched, errors),
  ];
  for (const row of rows) {
    alarm(stack, watched.base, row);
  }
  eventRules(stack, watched.base);
  dashboard(stack, watched, errors);
  outputs(stack, watched);
}

function alarm(stack: Stack, { topic }: Foundation, row: Row): void {
  const made = new Alarm(stack, row.id, {
    alarmDescription: `${row.name}: ${row.sentence} ${runbook(row.runbook)}`,
    metric: row.metric,
    threshold: row.threshold,
    comparisonOperator: row.comparison,
    evaluationPeriods: row.periods,
    datapointsToAlarm: row.datapoints,
    treatMissingData: row.missing,
  });
  const tell = new SnsAction(topic);
  made.addAlarmAction(tell);
  made.addOkAction(tell);
}

function doorRows({ door }: Watched): Row[] {
  const { metrics } = door.loadBalancer;
  const sum = { period: MINUTE, statistic: Stats.SUM };
  return [
    {
      id: 'ServerErrors',
      name: 'Shop/App/LoadBalancer',
      sentence: 'more than 2 % of the requests are answered with a server error (5xx).',
      runbook: 'server-errors',
      metric: new MathExpression({
        expression:
          'IF(FILL(requests, 0) + FILL(elb, 0) > 20, 100 * (FILL(elb, 0) + FILL(tasks, 0)) / (FILL(requests, 0) + FILL(elb, 0)), 0)',
        label: 'server errors, %',
        period: MINUTE,
        usingMetrics: {
          requests: metrics.requestCount({ ...sum, label: 'requests' }),
          elb: metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { ...sum, label: '5xx of the load balancer' }),
          tasks: metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { ...sum, label: '5xx of Django' }),
        },
      }),
      comparison: ABOVE,
      threshold: 2,
      periods: 5,
      datapoints: 3,
      missing: NOT_BREACHING,
    },
    {
      id: 'RejectedConnections',
      name: 'Shop/App/LoadBalancer',
      sentence: 'connections are turned away because the load balancer holds as many as it can.',
      runbook: 'rejected-connections',
      metric: metrics.rejectedConnectionCount(sum),
      comparison: ABOVE,
      threshold: 0,
      periods: 1,
      missing: NOT_BREACHING,
    },
  ];
}

function routedRows({ door, running }: Watched): Row[] {
  return [running.web, running.asgi].flatMap(({ id, service, targets }): Row[] => {
    const name = `Shop/App/${id}`;
    const healthy = targetMetric(door, targets, 'HealthyHostCount', 'Minimum');
    return [
      {
        id: `${id}NoHealthyTask`,
        name,
        sentence: 'no task is healthy: users get 502 or 503 from this service.',
        runbook: 'no-healthy-task',
        metric: healthy,
        comparison: BELOW,
        threshold: 1,
        periods: 2,
        missing: BREACHING,
      },
      {
        id: `${id}TooFewHealthyTasks`,
        name,
        sentence: 'fewer than 2 tasks have been healthy for 5 minutes.',
        runbook: 'too-few-healthy-tasks',
        metric: healthy,
        comparison: BELOW,
        threshold: 2,
        periods: 5,
        missing: BREACHING,
      },
      {
        id: `${id}SlowAnswers`,
        name,
        sentence: 'one request in a hundred takes longer than 2 seconds.',
        runbook: 'slow-answers',
        metric: targetMetric(door, targets, 'TargetResponseTime', Stats.p(99)),
        comparison: ABOVE,
        threshold: 2,
        periods: 5,
        missing: NOT_BREACHING,
      },
      {
        id: `${id}Saturated`,
        name,
        sentence: 'CPU above 85 % or memory above 90 % of the tasks for 10 minutes, and scaling has not helped.',
        runbook: 'saturated',
        metric: new MathExpression({
          expression: 'IF(cpu / 85 > memory / 90, 100 * cpu / 85, 100 * memory / 90)',
          label: '% of what is allowed',
          period: MINUTE,
          usingMetrics: {
            cpu: service.metricCpuUtilization({ period: MINUTE, statistic: Stats.AVERAGE, label: 'CPU' }),
            memory: service.metricMemoryUtilization({ period: MINUTE, statistic: Stats.MAXIMUM, label: 'memory' }),
          },
        }),
        comparison: ABOVE,
        threshold: 100,
        periods: 10,
        missing: MISSING,
      },
    ];
  });
}

function serviceRows({ running }: Watched): Row[] {
  return [...running.workers, running.beat].flatMap(({ id, service }): Row[] => [
    {
      id: `${id}TasksMissing`,
      name: `Shop/App/${id}`,
      sentence: 'no task has run for 5 minutes.',
      runbook: 'tasks-missing',
      metric: runningTasks(service),
      comparison: BELOW,
      threshold: 1,
      periods: 5,
      missing: BREACHING,
    },
    {
      id: `${id}MemoryHigh`,
      name: `Shop/App/${id}`,
      sentence: 'a task uses more than 90 % of its memory, and is killed when there is none left.',
      runbook: 'memory-high',
      metric: service.metricMemoryUtilization({ period: MINUTE, statistic: Stats.MAXIMUM }),
      comparison: ABOVE,
      threshold: 90,
      periods: 3,
      missing: MISSING,
    },
  ]);
}

function runningTasks(service: FargateService): Metric {
  return new Metric({
    namespace: 'ECS/ContainerInsights',
    metricName: 'RunningTaskCount',
    dimensionsMap: { ClusterName: service.cluster.clusterName, ServiceName: service.serviceName },
    period: MINUTE,
    statistic: Stats.MINIMUM,
  });
}

function queueRows({ broker, running }: Watched): Row[] {
  const options = { period: MINUTE, statistic: Stats.MAXIMUM };
  const letters = { comparison: ABOVE, threshold: 0, periods: 1, missing: NOT_BREACHING };
  return [
    ...broker.flatMap(({ name, queue, deadLetters, limit }): Row[] => [
      {
        id: `${name}OldestTask`,
        name: `Shop/App/${name}`,
        sentence: `a task was posted more than ${limit.plus(FIVE_MINUTES).toHumanString()} ago and is not done: workers do not keep up, or take nothing.`,
        runbook: 'oldest-task',
        metric: queue.metricApproximateAgeOfOldestMessage(options),
        comparison: ABOVE,
        threshold: limit.plus(FIVE_MINUTES).toSeconds(),
        periods: 3,
        missing: NOT_BREACHING,
      },
      {
        id: `${name}DeadLettersAlarm`,
        name: `Shop/App/${name}`,
        sentence: 'tasks that no worker could finish are in the dead-letter queue; they are kept for 14 days.',
        runbook: 'dead-letters',
        metric: deadLetters.metricApproximateNumberOfMessagesVisible(options),
        ...letters,
      },
    ]),
    {
      id: 'PruneFailed',
      name: 'Shop/App/prune-messages',
      sentence: 'a scheduled command could not be started, or ended with another status than 0.',
      runbook: 'scheduled-command-failed',
      metric: running.schedule.deadLetters.metricApproximateNumberOfMessagesVisible(options),
      ...letters,
    },
  ];
}

function databaseRows({ data: { instance } }: Watched): Row[] {
  const row = (
    id: string,
    section: string,
    sentence: string,
    metric: IMetric,
    comparison: ComparisonOperator,
    threshold: number,
    periods: number,
    missing = MISSING,
  ): Row => ({
    ...{ id, name: 'Shop/App/Database', runbook: section, sentence },
    ...{ metric, comparison, threshold, periods, missing },
  });
  const minimum = { period: MINUTE, statistic: Stats.MINIMUM };
  const slow = (metricName: string, statistic: string) =>
    instance.metric(metricName, { period: FIVE_MINUTES, statistic });
  return [
    row(
      'DatabaseCpu',
      'database-cpu',
      'CPU above 80 % for 15 minutes.',
      instance.metricCPUUtilization({ period: MINUTE, statistic: Stats.AVERAGE }),
      ABOVE,
      80,
      15,
    ),
    row(
      'DatabaseStorage',
      'database-storage',
      'less than 2048 MiB of storage are free; without any the database stops.',
      instance.metricFreeStorageSpace(minimum),
      BELOW,
      2048 * 1024 * 1024,
      15,
      BREACHING,
    ),
    row(
      'DatabaseMemory',
      'database-memory',
      'less than 100 MiB of memory have been free for 15 minutes.',
      instance.metricFreeableMemory(minimum),
      BELOW,
      100 * 1024 * 1024,
      15,
    ),
    row(
      'DatabaseConnections',
      'database-connections',
      'more than 80 % of its 395 connections are in use; then new ones are refused.',
      instance.metricDatabaseConnections({ period: MINUTE, statistic: Stats.MAXIMUM }),
      ABOVE,
      316,
      3,
    ),
    row(
      'DatabaseCredits',
      'database-credits',
      'its CPU credits have been used up for two hours: it needs more CPU than its class is made for, which AWS charges for.',
      slow('CPUCreditBalance', Stats.MINIMUM),
      BELOW,
      20,
      24,
    ),
    row(
      'TransactionIds',
      'transaction-ids',
      'a billion transaction ids are in use: vacuum is held up, and at two billion the database stops.',
      slow('MaximumUsedTransactionIDs', Stats.MAXIMUM),
      ABOVE,
      1_000_000_000,
      1,
    ),
  ];
}

function otherRows({ door, vault }: Watched, errors: Metric): Row[] {
  return [
    {
      id: 'CertificateExpiry',
      name: 'Shop/App/Certificate',
      sentence: 'fewer than 30 days are left, and it has not renewed itself.',
      runbook: 'certificate-expiry',
      metric: door.certificate.metricDaysToExpiry({ period: DAY, statistic: Stats.MINIMUM }),
      comparison: BELOW,
      threshold: 30,
      periods: 1,
      missing: MISSING,
    },
    {
      id: 'BackupMissing',
      name: 'Shop/App/Backup',
      sentence: 'no backup was completed in two days.',
      runbook: 'backup-missing',
      metric: new Metric({
        namespace: 'AWS/Backup',
        metricName: 'NumberOfBackupJobsCompleted',
        dimensionsMap: { BackupVaultName: vault.backupVaultName },
        period: DAY,
        statistic: Stats.SUM,
      }),
      comparison: BELOW,
      threshold: 1,
      periods: 2,
      missing: BREACHING,
    },
    {
      id: 'ApplicationErrors',
      name: 'Shop/App',
      sentence: '10 or more errors were logged within 5 minutes.',
      runbook: 'application-errors',
      metric: errors,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold: 10,
      periods: 1,
      missing: NOT_BREACHING,
    },
  ];
}

function eventRules(stack: Stack, { cluster, topic }: Foundation): void {
  const field = EventField.fromPath;
  const rule = (id: string, description: string, eventPattern: EventPattern, sentence: string, section: string) => {
    const input = RuleTargetInput.fromText(`Shop/App: ${sentence} ${runbook(section)}`);
    new Rule(stack, id, {
      description: `${description}; tells Shop/App/Topic`,
      eventPattern,
      targets: [{ bind: () => ({ arn: topic.topicArn, input }) }],
    });
  };
  const services = stack.formatArn({ service: 'ecs', resource: 'service', resourceName: `${cluster.clusterName}/` });
  rule(
    'DeploymentFailed',
    'A deployment of an ECS service failed',
    {
      source: ['aws.ecs'],
      detailType: ['ECS Deployment State Change'],
      detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
      resources: Match.prefix(services),
    },
    `The deployment of ${field('$.resources[0]')} failed and is rolled back: ${field('$.detail.reason')}`,
    'deployment-failed',
  );
  rule(
    'TaskCrashed',
    'A task of an ECS service ended by itself, ran out of memory or could not start',
    {
      source: ['aws.ecs'],
      detailType: ['ECS Task State Change'],
      detail: {
        clusterArn: [cluster.clusterArn],
        lastStatus: ['STOPPED'],
        stopCode: ['EssentialContainerExited', 'TaskFailedToStart'],
        group: Match.prefix('service:'),
      },
    },
    `A task of ${field('$.detail.group')} stopped (${field('$.detail.stopCode')}): ${field('$.detail.stoppedReason')} ${field('$.detail.containers[0].reason')} Task: ${field('$.detail.taskArn')}`,
    'task-crashed',
  );
}

function outputs(stack: Stack, { base, running }: Watched): void {
  const { region } = stack;
  const { clusterName } = base.cluster;
  const output = (id: string, description: string, value: string) => new CfnOutput(stack, id, { description, value });
  output('Url', 'Where the application answers.', 'https://shop.example.com');
  output('LogsCommand', 'Follows the logs.', `aws logs tail ${base.logGroup.logGroupName} --follow --region ${region}`);
  output(
    'OneOff',
    'Runs the release command once.',
    `aws ecs run-task --region ${region} --cluster ${clusterName} --task-definition ${running.release.taskDefinitionArn} --launch-type FARGATE`,
  );
  output(
    'Shell',
    'Opens a Django shell in a running task.',
    `aws ecs execute-command --interactive --region ${region} --cluster ${clusterName} --command "python manage.py shell" --task $(aws ecs list-tasks --region ${region} --cluster ${clusterName} --service-name ${running.web.service.serviceName} --query "taskArns[0]" --output text)`,
  );
}
