import { Duration, type Stack } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { BackupVaultLock } from '../../constructs/backup/backup-vault-lock';
import { DatabaseBackup } from '../../constructs/backup/database-backup';
import { Profile } from '../../constructs/core/profile';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { WebService, type WebServiceProps } from '../../constructs/processes/web-service';
import { TaskQueue, type TaskQueueOptions } from '../../constructs/queues/task-queue';
import { loadBalancerFor, processProps } from '../processes/support';
import { errorOf, testStack, testVpc } from '../support';

/** Numbers that must agree, whoever sets them: at its limit each passes, one step beyond it fails and names the prop. */
interface Agreement {
  readonly sentence: string;
  readonly prop: string;
  readonly passes: (stack: Stack) => unknown;
  readonly fails: (stack: Stack) => unknown;
}

const seconds = Duration.seconds;

const web = (props: Partial<WebServiceProps>) => (stack: Stack) => {
  const common = processProps(stack);
  return new WebService(stack, 'Web', { ...common, loadBalancer: loadBalancerFor(stack, common), ...props });
};
const queue = (props: TaskQueueOptions) => (stack: Stack) => new TaskQueue(stack, 'Queue', props);
const backup = (days: number) => (stack: Stack) => {
  const vpc = testVpc(stack);
  return new DatabaseBackup(stack, 'Backup', {
    vpc,
    database: new PostgresDatabase(stack, 'Database', { vpc, profile: Profile.development() }),
    vaultLock: BackupVaultLock.governance({ minRetention: Duration.days(7) }),
    rules: [{ name: 'Daily', schedule: Schedule.cron({ hour: '6', minute: '0' }), deleteAfter: Duration.days(days) }],
  });
};

const AGREEMENTS: Agreement[] = [
  {
    sentence: 'the server is done before ECS kills it: graceful timeout < stop timeout',
    prop: 'gracefulTimeout',
    passes: web({ gracefulTimeout: seconds(44), stopTimeout: seconds(45) }),
    fails: web({ gracefulTimeout: seconds(45), stopTimeout: seconds(45) }),
  },
  {
    sentence: 'Fargate gives two minutes at most: stop timeout ≤ 120 s',
    prop: 'stopTimeout',
    passes: web({ stopTimeout: seconds(120) }),
    fails: web({ stopTimeout: seconds(121) }),
  },
  {
    sentence: 'a Spot task deregisters and stops within two minutes',
    prop: 'deregistrationDelay',
    passes: web({ spot: true, deregistrationDelay: seconds(75), stopTimeout: seconds(45) }),
    fails: web({ spot: true, deregistrationDelay: seconds(76), stopTimeout: seconds(45) }),
  },
  {
    sentence: 'the server keeps connections longer than the load balancer',
    prop: 'keepAlive',
    passes: web({ keepAlive: seconds(61) }),
    fails: web({ keepAlive: seconds(60) }),
  },
  {
    sentence: 'a message stays hidden longer than its task may take; short limits are possible',
    prop: 'visibilityTimeout',
    passes: queue({ taskTimeLimit: seconds(4), visibilityTimeout: seconds(8) }),
    fails: queue({ taskTimeLimit: seconds(4), visibilityTimeout: seconds(7) }),
  },
  {
    sentence: 'a task with an ETA is not delivered twice while a worker holds it',
    prop: 'maxEta',
    passes: queue({ visibilityTimeout: Duration.hours(1), maxEta: Duration.minutes(50) }),
    fails: queue({ visibilityTimeout: Duration.hours(1), maxEta: Duration.minutes(51) }),
  },
  {
    sentence: 'dead letters are kept longer than messages',
    prop: 'retentionPeriod',
    passes: queue({ retentionPeriod: Duration.days(13) }),
    fails: queue({ retentionPeriod: Duration.days(14) }),
  },
  {
    sentence: 'a backup is kept as long as the lock of the vault asks for',
    prop: 'rules[0].deleteAfter',
    passes: backup(7),
    fails: backup(6),
  },
  {
    sentence: 'CPU and memory are a pair that Fargate sells',
    prop: 'memoryLimitMiB',
    passes: web({ cpu: 512, memoryLimitMiB: 4096 }),
    fails: web({ cpu: 512, memoryLimitMiB: 5120 }),
  },
  {
    sentence: 'the processes fit into the memory of the task, beside /tmp',
    prop: 'processes',
    passes: web({ memoryLimitMiB: 1024, processes: 4 }),
    fails: web({ memoryLimitMiB: 1024, processes: 5 }),
  },
];

// The connections of all tasks against those of the instance class: test/application/django-application.test.ts.
describe.each(AGREEMENTS)('$sentence', ({ prop, passes, fails }) => {
  test('passes at the limit', () => {
    expect(() => passes(testStack())).not.toThrow();
  });

  test('fails beyond it, and names the prop', () => {
    expect(errorOf(() => fails(testStack()))).toContain(`\`${prop}\` must `);
  });
});
