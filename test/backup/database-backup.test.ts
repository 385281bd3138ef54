import { Duration, RemovalPolicy, type Stack, TimeZone } from 'aws-cdk-lib';
import { BackupVault } from 'aws-cdk-lib/aws-backup';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { BackupVaultLock } from '../../constructs/backup/backup-vault-lock';
import { DatabaseBackup, type DatabaseBackupProps } from '../../constructs/backup/database-backup';
import { WITHOUT_RESTORE_TESTING } from '../../constructs/backup/private/restore-test';
import { Profile } from '../../constructs/core/profile';
import { type IPostgresDatabase, PostgresDatabase } from '../../constructs/database/postgres-database';
import { Network } from '../../constructs/network/network';
import { Notifications } from '../../constructs/notifications/notifications';
import { Annotations, errorOf, Match, only, templateOf, testStack, testVpc } from '../support';

/** Of a database, backups look at the instance alone. */
function databaseIn(stack: Stack): IPostgresDatabase {
  const instance = DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
    instanceIdentifier: 'shop',
    instanceEndpointAddress: 'shop.example.com',
    port: 5433,
    securityGroups: [],
  });
  const applicationSecret = Secret.fromSecretNameV2(stack, 'Login', 'shop');
  return PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Postgres', { instance, applicationSecret });
}

function backupIn(stack: Stack, props: Partial<DatabaseBackupProps> = {}): DatabaseBackup {
  return new DatabaseBackup(stack, 'Backup', {
    ...props,
    database: databaseIn(stack),
    vpc: props.vpc ?? testVpc(stack),
  });
}

const databaseArn = {
  'Fn::Join': [
    '',
    ['arn:', { Ref: 'AWS::Partition' }, ':rds:', { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }, ':db:shop'],
  ],
};
const rule = (changes: object) => ({
  name: 'daily',
  schedule: Schedule.cron({ minute: '0', hour: '2' }),
  deleteAfter: Duration.days(30),
  ...changes,
});

describe('backups with nothing chosen', () => {
  const stack = testStack();
  const backup = backupIn(stack);
  const template = templateOf(stack);

  test('are made daily, weekly and monthly, hours apart, and kept for 35 days, 12 weeks and a year', () => {
    const planRule = (RuleName: string, ScheduleExpression: string, DeleteAfterDays: number) => ({
      RuleName,
      ScheduleExpression,
      ScheduleExpressionTimezone: 'Etc/UTC',
      Lifecycle: { DeleteAfterDays },
      StartWindowMinutes: 120,
      CompletionWindowMinutes: 480,
      TargetBackupVault: stack.resolve(backup.vault.backupVaultName),
    });
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: {
        BackupPlanRule: [
          planRule('daily', 'cron(0 6 * * ? *)', 35),
          planRule('weekly', 'cron(0 8 ? * SUN *)', 84),
          planRule('monthly', 'cron(0 10 1 * ? *)', 365),
        ],
      },
    });
  });

  test('are of this database and no other', () => {
    template.hasResourceProperties('AWS::Backup::BackupSelection', {
      BackupPlanId: stack.resolve(backup.plan.backupPlanId),
      BackupSelection: { Resources: [databaseArn], IamRoleArn: stack.resolve(backup.role.roleArn) },
    });
  });

  test('lie in a vault with a key of its own that rotates, both retained', () => {
    const key = only(template, 'AWS::KMS::Key');
    expect(key.resource).toMatchObject({ DeletionPolicy: 'Retain', Properties: { EnableKeyRotation: true } });
    template.hasResource('AWS::Backup::BackupVault', {
      DeletionPolicy: 'Retain',
      Properties: { EncryptionKeyArn: { 'Fn::GetAtt': [key.id, 'Arn'] } },
    });
  });

  test('cannot be deleted by hand, and are locked for a week', () => {
    template.hasResourceProperties('AWS::Backup::BackupVault', {
      LockConfiguration: { MinRetentionDays: 7, MaxRetentionDays: Match.absent(), ChangeableForDays: Match.absent() },
      AccessPolicy: {
        Statement: [
          {
            Sid: 'KeepBackups',
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: ['backup:DeleteRecoveryPoint', 'backup:UpdateRecoveryPointLifecycle'],
            Resource: '*',
          },
          Match.objectLike({ Sid: 'KeepPolicyAndLock', Effect: 'Deny', Principal: { AWS: '*' } }),
        ],
      },
    });
  });

  test('are made by a role that only AWS Backup can assume', () => {
    const { resource } = only(template, 'AWS::IAM::Role');
    expect(resource.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'backup.amazonaws.com' } },
    ]);
    expect(JSON.stringify(resource.Properties.ManagedPolicyArns)).toMatch(
      /service-role\/AWSBackupServiceRolePolicyForBackup".*service-role\/AWSBackupServiceRolePolicyForRestores"/,
    );
  });

  test('are restored each month, into subnets of the VPC and behind a security group that lets nobody in', () => {
    const subnets = only(template, 'AWS::RDS::DBSubnetGroup');
    const group = only(template, 'AWS::EC2::SecurityGroup');
    expect(group.resource.Properties.SecurityGroupIngress).toBeUndefined();
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.hasResourceProperties('AWS::Backup::RestoreTestingSelection', {
      ProtectedResourceType: 'RDS',
      ProtectedResourceArns: [databaseArn],
      IamRoleArn: stack.resolve(backup.role.roleArn),
      RestoreTestingPlanName: { Ref: only(template, 'AWS::Backup::RestoreTestingPlan').id },
      RestoreMetadataOverrides: {
        dbSubnetGroupName: { Ref: subnets.id },
        vpcSecurityGroupIds: { 'Fn::Join': ['', ['["', { 'Fn::GetAtt': [group.id, 'GroupId'] }, '"]']] },
      },
    });
    template.hasResourceProperties('AWS::Backup::RestoreTestingPlan', {
      RestoreTestingPlanName: Match.stringLikeRegexp('^[A-Za-z0-9_]{1,50}$'),
      ScheduleExpression: 'cron(0 12 1 * ? *)',
      RecoveryPointSelection: { IncludeVaults: [stack.resolve(backup.vault.backupVaultArn)] },
    });
  });

  test('report to nobody', () => {
    template.resourceCountIs('AWS::Events::Rule', 0);
  });
});

test('everything can be chosen', () => {
  const stack = testStack();
  const key = new Key(stack, 'Key');
  const destination = 'arn:aws:backup:eu-west-1:444455556666:backup-vault:elsewhere';
  const vpc = testVpc(stack);
  backupIn(stack, {
    vpc,
    rules: [
      rule({
        startWindow: Duration.hours(1),
        completionWindow: Duration.hours(3),
        copyDestinations: [BackupVault.fromBackupVaultArn(stack, 'Elsewhere', destination)],
      }),
    ],
    timeZone: TimeZone.EUROPE_BERLIN,
    vaultLock: BackupVaultLock.governance({ minRetention: Duration.days(30), maxRetention: Duration.days(31) }),
    encryptionKey: key,
    restoreTestSchedule: Schedule.cron({ minute: '30', hour: '3', weekDay: 'SAT' }),
    restoreTestSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = templateOf(stack);
  template.hasResourceProperties('AWS::Backup::BackupPlan', {
    BackupPlan: {
      BackupPlanRule: [
        Match.objectLike({
          ScheduleExpression: 'cron(0 2 * * ? *)',
          ScheduleExpressionTimezone: 'Europe/Berlin',
          StartWindowMinutes: 60,
          CompletionWindowMinutes: 180,
          CopyActions: [{ DestinationBackupVaultArn: destination, Lifecycle: { DeleteAfterDays: 30 } }],
        }),
      ],
    },
  });
  template.hasResource('AWS::Backup::BackupVault', {
    DeletionPolicy: 'Delete',
    Properties: {
      EncryptionKeyArn: stack.resolve(key.keyArn),
      LockConfiguration: { MinRetentionDays: 30, MaxRetentionDays: 31 },
    },
  });
  template.hasResourceProperties('AWS::Backup::RestoreTestingPlan', {
    ScheduleExpression: 'cron(30 3 ? * SAT *)',
    ScheduleExpressionTimezone: 'Europe/Berlin',
  });
  template.hasResourceProperties('AWS::RDS::DBSubnetGroup', {
    SubnetIds: vpc.privateSubnets.map(({ subnetId }) => stack.resolve(subnetId)),
  });
});

test('development locks nothing, and keeps the vault, which cannot be deleted once it is full', () => {
  const stack = testStack();
  backupIn(stack, { profile: Profile.development() });
  templateOf(stack).hasResource('AWS::Backup::BackupVault', {
    DeletionPolicy: 'Retain',
    Properties: { LockConfiguration: Match.absent(), AccessPolicy: Match.absent() },
  });
});

test('restores prefer isolated subnets', () => {
  const stack = testStack();
  const { vpc } = new Network(stack, 'Network');
  backupIn(stack, { vpc });
  templateOf(stack).hasResourceProperties('AWS::RDS::DBSubnetGroup', {
    SubnetIds: vpc.isolatedSubnets.map(({ subnetId }) => stack.resolve(subnetId)),
  });
});

test('restore tests can be left out', () => {
  const stack = testStack();
  backupIn(stack, { restoreTesting: false });
  const template = templateOf(stack);
  template.resourceCountIs('AWS::Backup::RestoreTestingPlan', 0);
  template.resourceCountIs('AWS::RDS::DBSubnetGroup', 0);
});

test('a failed backup, copy or restore is reported in a sentence', () => {
  const stack = testStack();
  const notifications = new Notifications(stack, 'Notifications', { encryptionKey: new Key(stack, 'Key') });
  const backup = backupIn(stack, { notifications });
  const { resource } = only(templateOf(stack), 'AWS::Events::Rule');
  const failed = ['FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'];
  expect(resource.Properties.EventPattern).toEqual({
    source: ['aws.backup'],
    'detail-type': ['Backup Job State Change', 'Copy Job State Change', 'Restore Job State Change'],
    detail: {
      iamRoleArn: [stack.resolve(backup.role.roleArn)],
      $or: [{ state: failed }, { status: failed }],
    },
  });
  expect(resource.Properties.Targets).toEqual([
    expect.objectContaining({ Arn: stack.resolve(notifications.topic.topicArn) }),
  ]);
  expect(resource.Properties.Targets[0].InputTransformer.InputTemplate).toMatch(
    /^"<detail-type> of Shop\/Backup at <time>: .+ What to do: https:\S+\/docs\/runbooks\.md#backup-failed"$/,
  );
});

test('finished backups of the vault are counted by the day', () => {
  const stack = testStack();
  const backup = backupIn(stack);
  expect(stack.resolve(backup.metricNumberOfBackupJobsCompleted().toMetricConfig().metricStat)).toMatchObject({
    namespace: 'AWS/Backup',
    metricName: 'NumberOfBackupJobsCompleted',
    dimensions: [{ name: 'BackupVaultName', value: stack.resolve(backup.vault.backupVaultName) }],
    statistic: 'Sum',
    period: Duration.days(1),
  });
});

describe('a compliance lock', () => {
  const changeableFor = Duration.days(3);

  test('is made when it is asked for in words', () => {
    const stack = testStack();
    const confirmation = BackupVaultLock.COMPLIANCE_CONFIRMATION;
    backupIn(stack, { vaultLock: BackupVaultLock.compliance({ changeableFor, confirmation }) });
    templateOf(stack).hasResourceProperties('AWS::Backup::BackupVault', {
      LockConfiguration: { MinRetentionDays: 7, ChangeableForDays: 3 },
    });
  });

  test('fails without the words', () => {
    const lock = BackupVaultLock.compliance({ changeableFor, confirmation: 'yes' });
    expect(errorOf(() => backupIn(testStack(), { vaultLock: lock }))).toContain(
      'Shop/Backup: `vaultLock.confirmation` must be \'I understand that nobody can delete these backups before they expire\', got "yes".',
    );
  });
});

test('fails when a rule keeps backups for less time than the lock, and passes at its bound', () => {
  const lock = BackupVaultLock.governance({ minRetention: Duration.days(30) });
  const make = (days: number) =>
    backupIn(testStack(), { vaultLock: lock, rules: [rule({ deleteAfter: Duration.days(days) })] });
  expect(errorOf(() => make(29))).toContain(
    "Shop/Backup: `rules[0].deleteAfter` must be at least the lock's `minRetention`, 30 days, got 29 days.",
  );
  expect(() => make(30)).not.toThrow();
});

test('fails when a rule keeps backups for more time than the lock, and passes at its bound', () => {
  const lock = BackupVaultLock.governance({ maxRetention: Duration.days(30) });
  const make = (days: number) =>
    backupIn(testStack(), { vaultLock: lock, rules: [rule({ deleteAfter: Duration.days(days) })] });
  expect(errorOf(() => make(31))).toContain("must be at most the lock's `maxRetention`, 30 days");
  expect(() => make(30)).not.toThrow();
});

test('fails when the VPC has no quiet subnets in two zones', () => {
  const stack = testStack();
  const vpc = new Vpc(stack, 'Public', {
    natGateways: 0,
    subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
  });
  expect(errorOf(() => backupIn(stack, { vpc }))).toContain(
    '`restoreTestSubnets` must lie in at least two zones, as RDS asks of every subnet group, got 0.',
  );
});

describe('where CloudFormation has no restore testing', () => {
  const inRegion = (region: string, options: Partial<DatabaseBackupProps> = {}) => {
    const stack = testStack({ env: { account: '111122223333', region } });
    backupIn(stack, options);
    return { template: templateOf(stack), warnings: Annotations.fromStack(stack).findWarning('*', WARNING) };
  };
  const WARNING = Match.stringLikeRegexp('no restore testing in');

  test.each(WITHOUT_RESTORE_TESTING)(
    '%s: the backups are made, nothing is restored, and a warning says so',
    (region) => {
      const { template, warnings } = inRegion(region);
      template.resourceCountIs('AWS::Backup::BackupPlan', 1);
      template.resourceCountIs('AWS::Backup::RestoreTestingPlan', 0);
      expect(warnings.map(({ id }) => id)).toEqual(['/Shop/Backup']);
    },
  );

  test('who says so gets it, since regions grow', () => {
    const { template, warnings } = inRegion('us-gov-west-1', { restoreTesting: true });
    template.resourceCountIs('AWS::Backup::RestoreTestingPlan', 1);
    expect(warnings).toEqual([]);
  });

  test('who turned it off is not warned', () => {
    expect(inRegion('us-gov-west-1', { restoreTesting: false }).warnings).toEqual([]);
  });

  test('other regions restore', () => {
    const { template, warnings } = inRegion('eu-central-1');
    template.resourceCountIs('AWS::Backup::RestoreTestingPlan', 1);
    expect(warnings).toEqual([]);
  });
});
