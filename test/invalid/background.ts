import { Duration, Size, TimeZone } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret as StoredSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { BeatService, type BeatServiceProps } from '../../constructs/processes/beat-service';
import { ReleaseCommand, type ReleaseCommandProps } from '../../constructs/processes/release-command';
import { ScheduledCommand, type ScheduledCommandProps } from '../../constructs/processes/scheduled-command';
import { WorkerService, type WorkerServiceProps } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { celeryProps, nightly, processProps } from '../processes/background';
import type { InvalidCase } from './case';

const worker = (name: string, prop: string, props: Partial<WorkerServiceProps>): InvalidCase => ({
  name: `WorkerService: ${name}`,
  prop,
  make: (stack) => new WorkerService(stack, 'Worker', { ...celeryProps(stack), ...props }),
});

const beat = (name: string, prop: string, props: Partial<BeatServiceProps>): InvalidCase => ({
  name: `BeatService: ${name}`,
  prop,
  make: (stack) => new BeatService(stack, 'Beat', { ...celeryProps(stack), ...props }),
});

const scheduled = (name: string, prop: string, props: Partial<ScheduledCommandProps>): InvalidCase => ({
  name: `ScheduledCommand: ${name}`,
  prop,
  make: (stack) =>
    new ScheduledCommand(stack, 'Clear', {
      ...processProps(stack),
      command: ['python', 'manage.py', 'clearsessions'],
      schedule: nightly,
      ...props,
    }),
});

const release = (name: string, prop: string, props: Partial<ReleaseCommandProps>): InvalidCase => ({
  name: `ReleaseCommand: ${name}`,
  prop,
  make: (stack) => new ReleaseCommand(stack, 'Release', { ...processProps(stack), ...props }),
});

const expression = (text: string, timeZone?: TimeZone) => ({ schedule: ScheduleExpression.expression(text, timeZone) });

export const cases: InvalidCase[] = [
  worker('no broker', 'broker', { broker: undefined }),
  worker('a queue that the broker does not have', 'queueNames', { queueNames: ['defualt'] }),
  worker('a queue named twice', 'queueNames', { queueNames: ['default', 'default'] }),
  worker('no queue', 'queueNames', { queueNames: [] }),
  {
    name: 'WorkerService: more queues than scaling can add up',
    prop: 'queueNames',
    make: (stack) => {
      const queueNames = ['a', 'b', 'c', 'd', 'e'];
      const queues = Object.fromEntries(queueNames.map((name) => [name, {}]));
      const broker = new CeleryBroker(stack, 'Broker', { queues, defaultQueueName: 'a' });
      new WorkerService(stack, 'Worker', { ...processProps(stack), broker, queueNames });
    },
  },
  worker('a base on Spot for a worker that does not run on Spot', 'spotBase', { spotBase: 1, spot: false }),
  worker('a larger base than there are tasks', 'spotBase', { spotBase: 7, spot: true, maxCapacity: 6 }),
  worker('half a task on demand', 'spotBase', { spotBase: 0.5, spot: true }),
  worker('a number of tasks that is no number', 'minCapacity', { minCapacity: Number.NaN }),
  worker('a negative number of tasks', 'maxCapacity', { maxCapacity: -2 }),
  worker('fewer tasks at most than at least', 'maxCapacity', { minCapacity: 4, maxCapacity: 3 }),
  worker('no temporary storage', 'temporaryStorage', { temporaryStorage: Size.gibibytes(0) }),
  worker('no process', 'concurrency', { concurrency: 0 }),
  worker('half a process', 'concurrency', { concurrency: 1.5 }),
  worker('more processes than the memory holds', 'concurrency', { concurrency: 5 }),
  worker('memory that does not go with the CPU', 'memoryLimitMiB', { cpu: 1024, memoryLimitMiB: 1024 }),
  worker('CPU that Fargate does not sell', 'cpu', { cpu: 500 }),
  worker('a stop timeout above two minutes', 'stopTimeout', { stopTimeout: Duration.seconds(121) }),
  worker('a stop timeout of nothing', 'stopTimeout', { stopTimeout: Duration.seconds(0) }),
  worker('a stop timeout in which its polls do not end', 'stopTimeout', { stopTimeout: Duration.seconds(29) }),
  worker('an application with a dash', 'application', { application: 'my-shop' }),
  worker('an application as a path', 'application', { application: 'config/celery.py' }),
  worker('no backlog', 'backlogPerTask', { backlogPerTask: 0 }),
  worker('a backlog that is no number', 'backlogPerTask', { backlogPerTask: Number.NaN }),
  worker('a backlog and what it would follow from', 'backlogPerTask', {
    backlogPerTask: 10,
    taskDuration: Duration.seconds(1),
  }),
  worker('tasks longer than the default latency', 'taskDuration', { taskDuration: Duration.minutes(2) }),
  worker('a latency shorter than a task', 'acceptableLatency', { acceptableLatency: Duration.seconds(1) }),
  worker('tasks that take no time', 'taskDuration', { taskDuration: Duration.seconds(0) }),
  worker('an empty word in the command', 'command', { command: ['celery', ''] }),
  worker('a variable that is not set', 'environment.SENTRY_DSN', {
    environment: { SENTRY_DSN: process.env.NOBODY_SETS_THIS as string },
  }),

  beat('no broker', 'broker', { broker: undefined }),
  beat('no temporary storage', 'temporaryStorage', { temporaryStorage: Size.gibibytes(0) }),
  beat('Spot', 'spot', { spot: true }),
  beat('memory that does not go with the CPU', 'memoryLimitMiB', { memoryLimitMiB: 4096 }),
  beat('a stop timeout above two minutes', 'stopTimeout', { stopTimeout: Duration.minutes(3) }),
  beat('a scheduler without a module', 'scheduler', { scheduler: 'DatabaseScheduler' }),
  beat('an application with a slash', 'application', { application: 'config/celery' }),
  beat('a settings module that is a file', 'settingsModule', { settingsModule: 'config/settings.py' }),

  scheduled('cron with five fields', 'schedule', expression('cron(0 3 * * *)')),
  scheduled('cron with both days', 'schedule', expression('cron(0 3 1 * MON *)')),
  scheduled('cron with hour 24', 'schedule', expression('cron(0 24 * * ? *)')),
  scheduled('a rate of nothing', 'schedule', expression('rate(0 minutes)')),
  scheduled('a rate in seconds', 'schedule', expression('rate(30 seconds)')),
  scheduled('a time without a form', 'schedule', expression('at(tomorrow)')),
  scheduled('a time zone that nobody keeps', 'schedule', expression('rate(1 day)', TimeZone.of('Mars/Olympus'))),
  scheduled('no temporary storage', 'temporaryStorage', { temporaryStorage: Size.gibibytes(0) }),
  scheduled('no command', 'command', { command: [] }),
  scheduled('more attempts than Scheduler makes', 'retryAttempts', { retryAttempts: 186 }),
  scheduled('negative attempts', 'retryAttempts', { retryAttempts: -1 }),
  scheduled('attempts for half a minute', 'maxEventAge', { maxEventAge: Duration.seconds(30) }),
  scheduled('attempts for two days', 'maxEventAge', { maxEventAge: Duration.days(2) }),
  scheduled('a window longer than a day', 'flexibleTimeWindow', { flexibleTimeWindow: Duration.hours(25) }),
  scheduled('a window of a minute and a half', 'flexibleTimeWindow', { flexibleTimeWindow: Duration.seconds(90) }),
  scheduled('attempts for a fraction of a second', 'maxEventAge', { maxEventAge: Duration.millis(90500) }),
  scheduled('CPU that is no number', 'cpu', { cpu: Number.NaN }),
  {
    name: 'ScheduledCommand: a FIFO queue for failures',
    prop: 'deadLetterQueue',
    make: (stack) => {
      const deadLetterQueue = new Queue(stack, 'Fifo', { fifo: true });
      return scheduled('', '', { deadLetterQueue }).make(stack);
    },
  },

  release('no temporary storage', 'temporaryStorage', { temporaryStorage: Size.gibibytes(0) }),
  release('no command', 'command', { command: [] }),
  release('memory that does not go with the CPU', 'memoryLimitMiB', { cpu: 256, memoryLimitMiB: 3072 }),
  release('more time than CloudFormation waits', 'timeout', { timeout: Duration.hours(1) }),
  release('no time', 'timeout', { timeout: Duration.seconds(0) }),
  release('a fraction of a second', 'timeout', { timeout: Duration.millis(90_500) }),
  release('a lock that is waited for longer than the release takes', 'lockTimeout', {
    timeout: Duration.minutes(2),
    lockTimeout: Duration.minutes(3),
  }),
  release('a fraction of a millisecond', 'lockTimeout', { lockTimeout: Duration.millis(0.5) }),
  release('two limits for locks', 'lockTimeout', {
    lockTimeout: Duration.seconds(5),
    environment: { PGOPTIONS: '-c lock_timeout=1min' },
  }),
  release('a revision that says nothing', 'revision', { revision: '' }),
  release('reserved concurrency that lets nothing run', 'handlerReservedConcurrency', {
    handlerReservedConcurrency: 0,
  }),
  release('a variable with a dash', 'environment.LOCK-TIMEOUT', { environment: { 'LOCK-TIMEOUT': '5s' } }),
  {
    name: 'ReleaseCommand: a variable that is both plain and secret',
    prop: 'environment.TOKEN',
    make: (stack) => {
      const secrets = { TOKEN: Secret.fromSecretsManager(new StoredSecret(stack, 'Token')) };
      return release('', '', { environment: { TOKEN: 'x' }, secrets }).make(stack);
    },
  },
];
