import { Duration, type Stack } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { BackupVaultLock } from '../../constructs/backup/backup-vault-lock';
import { DatabaseBackup, type DatabaseBackupOptions } from '../../constructs/backup/database-backup';
import { PostgresDatabase, type PostgresDatabaseOptions } from '../../constructs/database/postgres-database';
import { WebFirewall } from '../../constructs/edge/web-firewall';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { BeatService } from '../../constructs/processes/beat-service';
import { ReleaseCommand, type ReleaseCommandOptions } from '../../constructs/processes/release-command';
import { ScheduledCommand, type ScheduledCommandOptions } from '../../constructs/processes/scheduled-command';
import { WebService, type WebServiceOptions } from '../../constructs/processes/web-service';
import { TaskQueue, type TaskQueueOptions } from '../../constructs/queues/task-queue';
import { SecretKey, type SecretKeyOptions } from '../../constructs/secrets/secret-key';
import { celeryProps, nightly } from '../processes/background';
import { loadBalancerFor, processProps } from '../processes/support';
import { testVpc } from '../support';
import type { InvalidCase } from './case';

/** In none of the units that AWS counts in is this whole; the CDK would throw an error of its own that names no prop. */
const FRACTION = Duration.minutes(75.001);
const SHORT = Duration.minutes(1.0001);
const DAYS = Duration.hours(24 * 10 + 0.001);

const make = {
  queue: (stack: Stack, options: TaskQueueOptions) => new TaskQueue(stack, 'Queue', options),
  secretKey: (stack: Stack, options: SecretKeyOptions) => new SecretKey(stack, 'SecretKey', options),
  database: (stack: Stack, options: PostgresDatabaseOptions) =>
    new PostgresDatabase(stack, 'Database', { vpc: testVpc(stack), ...options }),
  backup: (stack: Stack, options: DatabaseBackupOptions) => {
    const vpc = testVpc(stack);
    return new DatabaseBackup(stack, 'Backup', {
      vpc,
      database: new PostgresDatabase(stack, 'Data', { vpc }),
      ...options,
    });
  },
  web: (stack: Stack, options: WebServiceOptions) => {
    const common = processProps(stack);
    return new WebService(stack, 'Web', { ...common, loadBalancer: loadBalancerFor(stack, common), ...options });
  },
  release: (stack: Stack, options: ReleaseCommandOptions) =>
    new ReleaseCommand(stack, 'Release', { ...processProps(stack), ...options }),
  scheduled: (stack: Stack, options: Partial<ScheduledCommandOptions>) =>
    new ScheduledCommand(stack, 'Command', {
      ...processProps(stack),
      schedule: nightly,
      command: ['python', 'manage.py', 'clearsessions'],
      ...options,
    }),
};

const rule = { name: 'daily', schedule: Schedule.cron({ minute: '0', hour: '6' }), deleteAfter: Duration.days(35) };

const fractions: [prop: string, make: (stack: Stack) => unknown][] = [
  ['taskTimeLimit', (stack) => make.queue(stack, { taskTimeLimit: FRACTION })],
  ['visibilityTimeout', (stack) => make.queue(stack, { visibilityTimeout: FRACTION })],
  ['retentionPeriod', (stack) => make.queue(stack, { retentionPeriod: DAYS.plus(Duration.millis(1)) })],
  ['sessionCookieAge', (stack) => make.secretKey(stack, { sessionCookieAge: FRACTION })],
  ['rotationPeriod', (stack) => make.secretKey(stack, { rotationPeriod: DAYS })],
  ['passwordRotationPeriod', (stack) => make.database(stack, { passwordRotationPeriod: DAYS })],
  ['backupRetention', (stack) => make.database(stack, { backupRetention: DAYS })],
  ['rules[0].deleteAfter', (stack) => make.backup(stack, { rules: [{ ...rule, deleteAfter: DAYS }] })],
  ['rules[0].startWindow', (stack) => make.backup(stack, { rules: [{ ...rule, startWindow: FRACTION }] })],
  [
    'rules[0].completionWindow',
    (stack) => make.backup(stack, { rules: [{ ...rule, completionWindow: Duration.hours(5.001) }] }),
  ],
  [
    'vaultLock.minRetention',
    (stack) => make.backup(stack, { vaultLock: BackupVaultLock.governance({ minRetention: DAYS }) }),
  ],
  [
    'vaultLock.maxRetention',
    (stack) => make.backup(stack, { vaultLock: BackupVaultLock.governance({ maxRetention: DAYS }) }),
  ],
  [
    'vaultLock.changeableFor',
    (stack) =>
      make.backup(stack, {
        vaultLock: BackupVaultLock.compliance({
          changeableFor: DAYS,
          confirmation: BackupVaultLock.COMPLIANCE_CONFIRMATION,
        }),
      }),
  ],
  ['keepAlive', (stack) => make.web(stack, { keepAlive: FRACTION })],
  ['gracefulTimeout', (stack) => make.web(stack, { gracefulTimeout: Duration.minutes(0.5001) })],
  ['stopTimeout', (stack) => make.web(stack, { stopTimeout: SHORT })],
  ['deregistrationDelay', (stack) => make.web(stack, { deregistrationDelay: SHORT })],
  [
    'idleTimeout',
    (stack) => {
      loadBalancerFor(stack, processProps(stack), { idleTimeout: SHORT });
    },
  ],
  [
    'rateLimitWindow',
    (stack) => {
      const { loadBalancer } = loadBalancerFor(stack, processProps(stack));
      new WebFirewall(stack, 'Firewall', { loadBalancer, rateLimitWindow: SHORT });
    },
  ],
  ['stopTimeout', (stack) => new BeatService(stack, 'Beat', { ...celeryProps(stack), stopTimeout: SHORT })],
  ['timeout', (stack) => make.release(stack, { timeout: Duration.minutes(5.0001) })],
  ['lockTimeout', (stack) => make.release(stack, { lockTimeout: Duration.seconds(1.0001) })],
  ['flexibleTimeWindow', (stack) => make.scheduled(stack, { flexibleTimeWindow: FRACTION })],
  ['maxEventAge', (stack) => make.scheduled(stack, { maxEventAge: FRACTION })],
  [
    'thresholds.waitingTime',
    (stack) =>
      new ApplicationAlarms(stack, 'Alarms', {
        topic: new Topic(stack, 'Topic'),
        thresholds: { waitingTime: Duration.minutes(2.0001) },
      }),
  ],
];

export const cases: InvalidCase[] = fractions.map(([prop, makeIt], index) => ({
  name: `a fraction of a unit that AWS counts in: ${prop} (${index})`,
  prop,
  make: makeIt,
}));
