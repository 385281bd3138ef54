import {
  Annotations as CdkAnnotations,
  type CfnElement,
  Duration,
  RemovalPolicy,
  type Stack,
  TimeZone,
} from 'aws-cdk-lib';
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
import { Annotations, errorOf, Match, only, type Template, templateOf, testStack, testVpc } from '../support';

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

/** The security group whose description begins so. */
function groupOf(template: Template, beginning: string) {
  const GroupDescription = Match.stringLikeRegexp(`^${beginning}.* restored to be tested$`);
  const found = template.findResources('AWS::EC2::SecurityGroup', { Properties: { GroupDescription } });
  const [[id, resource], ...others] = Object.entries(found);
  expect(others).toEqual([]);
  return { id, resource };
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
    const { Resources } = template.toJSON();
    const resource = Resources[stack.getLogicalId(backup.role.node.defaultChild as CfnElement)];
    expect(resource.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'backup.amazonaws.com' } },
    ]);
    expect(JSON.stringify(resource.Properties.ManagedPolicyArns)).toMatch(
      /service-role\/AWSBackupServiceRolePolicyForBackup".*service-role\/AWSBackupServiceRolePolicyForRestores"/,
    );
  });

  test('are restored each month, into subnets of the VPC and behind a security group that lets the function in alone', () => {
    const subnets = only(template, 'AWS::RDS::DBSubnetGroup');
    const group = groupOf(template, 'Databases');
    expect(group.resource.Properties.SecurityGroupIngress).toBeUndefined();
    expect(only(template, 'AWS::EC2::SecurityGroupIngress').resource.Properties).toMatchObject({
      GroupId: { 'Fn::GetAtt': [group.id, 'GroupId'] },
      SourceSecurityGroupId: {
        'Fn::GetAtt': [groupOf(template, 'The function').id, 'GroupId'],
      },
      FromPort: 5433,
      ToPort: 5433,
    });
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
    const rules = Object.values(template.findResources('AWS::Events::Rule'));
    expect(rules.map(({ Properties }) => Properties.Targets[0].Arn)).toEqual([
      { 'Fn::GetAtt': [only(template, 'AWS::Lambda::Function').id, 'Arn'] },
    ]);
  });
});

describe('what is restored as a test', () => {
  const stack = testStack();
  const backup = backupIn(stack);
  const template = templateOf(stack);
  const validator = only(template, 'AWS::Lambda::Function');

  test('is looked into by a function, which AWS Backup waits for', () => {
    const plan = only(template, 'AWS::Backup::RestoreTestingPlan');
    template.hasResourceProperties('AWS::Backup::RestoreTestingSelection', { ValidationWindowHours: 2 });
    template.hasResourceProperties('AWS::Events::Rule', {
      State: 'ENABLED',
      ScheduleExpression: 'rate(6 hours)',
      EventPattern: {
        source: ['aws.backup'],
        'detail-type': ['Restore Job State Change'],
        detail: {
          status: ['COMPLETED'],
          restoreTestingPlanArn: [{ 'Fn::GetAtt': [plan.id, 'RestoreTestingPlanArn'] }],
        },
      },
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [validator.id, 'Arn'] } })],
    });
    expect(validator.resource.Properties).toMatchObject({
      Timeout: 900,
      Environment: {
        Variables: {
          QUERY: 'SELECT count(*) FROM django_migrations',
          DATABASE: '',
          LAST_PROOF: { Ref: only(template, 'AWS::SSM::Parameter').id },
          VAULT: stack.resolve(backup.vault.backupVaultName),
        },
      },
    });
  });

  test('gets its password from a function that can give one to no other instance, and reads no secret', () => {
    const [{ Properties }] = Object.values(
      template.findResources('AWS::IAM::ManagedPolicy', {
        Properties: { Roles: [{ Ref: validator.resource.Properties.Role['Fn::GetAtt'][0] }] },
      }),
    );
    const statements: { Action: string | string[]; Resource: unknown }[] = Properties.PolicyDocument.Statement;
    const of = (service: string) => statements.filter(({ Action }) => String(Action).startsWith(service));
    expect(of('rds:')).toEqual([
      {
        Action: ['rds:DescribeDBInstances', 'rds:ModifyDBInstance'],
        Effect: 'Allow',
        Resource: { 'Fn::Join': ['', expect.arrayContaining([':db:awsbackup-restore-test*'])] },
      },
    ]);
    expect(of('ssm:')).toEqual([
      {
        Action: ['ssm:GetParameter', 'ssm:PutParameter'],
        Effect: 'Allow',
        Resource: { 'Fn::Join': ['', expect.arrayContaining([{ Ref: only(template, 'AWS::SSM::Parameter').id }])] },
      },
    ]);
    expect(of('backup:')).toEqual([
      { Action: ['backup:DescribeRestoreJob', 'backup:PutRestoreValidationResult'], Effect: 'Allow', Resource: '*' },
    ]);
    expect(of('secretsmanager:')).toEqual([]);
  });

  test('is reached from private subnets, on the port of the database and by nothing else', () => {
    const group = groupOf(template, 'The function');
    expect(group.resource.Properties.SecurityGroupEgress).toEqual([
      expect.objectContaining({ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 }),
    ]);
    expect(only(template, 'AWS::EC2::SecurityGroupEgress').resource.Properties).toMatchObject({
      GroupId: { 'Fn::GetAtt': [group.id, 'GroupId'] },
      FromPort: 5433,
      ToPort: 5433,
    });
    expect(validator.resource.Properties.VpcConfig.SubnetIds.length).toBeGreaterThan(1);
  });

  test('is asked in the database that a new instance was made with', () => {
    const other = testStack();
    const { vpc } = new Network(other, 'Network', { natGateways: 1 });
    const database = new PostgresDatabase(other, 'Made', { vpc, databaseName: 'bookshop' });
    new DatabaseBackup(other, 'Backup', { database, vpc, restoreTestQuery: 'SELECT true' });
    templateOf(other).hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ DATABASE: 'bookshop', QUERY: 'SELECT true' }) },
    });
  });

  test('can be left without a look', () => {
    const other = testStack();
    expect(backupIn(other, { restoreTestValidation: false })._restores).toBeUndefined();
    const without = templateOf(other);
    without.resourceCountIs('AWS::Lambda::Function', 0);
    without.hasResourceProperties('AWS::Backup::RestoreTestingSelection', { ValidationWindowHours: Match.absent() });
    expect(Annotations.fromStack(other).findWarning('*', Match.stringLikeRegexp('looks into'))).toEqual([]);
  });

  describe('in a VPC without a way out', () => {
    const isolated = (options: Partial<DatabaseBackupProps> = {}) => {
      const other = testStack();
      const { vpc } = new Network(other, 'Network', { natGateways: 0 });
      const { _restores } = backupIn(other, { ...options, vpc });
      const warnings = Annotations.fromStack(other).findWarning('*', Match.stringLikeRegexp('looks into'));
      return { _restores, warnings: warnings.map(({ id }) => id) };
    };

    test('is not looked into, and a warning says so', () => {
      expect(isolated()).toEqual({ _restores: undefined, warnings: ['/Shop/Backup'] });
    });

    test('is looked into from subnets with endpoints', () => {
      const { _restores, warnings } = isolated({
        restoreTestValidation: true,
        restoreTestHandlerSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      });
      expect(_restores).toBeDefined();
      expect(warnings).toEqual([]);
    });

    test('fails when somebody asks for it and says no subnets', () => {
      expect(errorOf(() => isolated({ restoreTestValidation: true }))).toContain(
        'Shop/Backup: `restoreTestValidation` must come with `restoreTestHandlerSubnets` in a VPC without private subnets that have a way out, got true.',
      );
    });
  });

  test.each([
    ['monthly', undefined, 34],
    ['weekly', Schedule.cron({ minute: '0', hour: '12', weekDay: 'SAT' }), 10],
  ])('should be proven within the longest gap of the schedule and three days: %s', (_, restoreTestSchedule, days) => {
    expect(backupIn(testStack(), { restoreTestSchedule })._restores?.mostDays).toBe(days);
  });

  test.each(['DELETE FROM auth_user', 'SELECT 1; SELECT 2', '', `SELECT '${'x'.repeat(2_000)}'`])(
    'fails when the query is %j',
    (restoreTestQuery) => {
      expect(errorOf(() => backupIn(testStack(), { restoreTestQuery }))).toContain(
        'Shop/Backup: `restoreTestQuery` must be one SELECT of at most 2,000 characters, without a semicolon, got',
      );
    },
  );
});

describe('copies', () => {
  const destination = 'arn:aws:backup:eu-west-1:444455556666:backup-vault:elsewhere';
  const other = 'arn:aws:backup:us-east-1:444455556666:backup-vault:other';
  const warnings = (stack: Stack) =>
    Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('All backups are in this account'));

  test('of each backup go to the vaults that are named once, unless a rule has its own', () => {
    const stack = testStack();
    const vault = (id: string, arn: string) => BackupVault.fromBackupVaultArn(stack, id, arn);
    backupIn(stack, {
      copyDestinations: [vault('Elsewhere', destination)],
      rules: [
        rule({}),
        rule({
          name: 'weekly',
          schedule: Schedule.cron({ weekDay: 'SUN', hour: '9', minute: '0' }),
          copyDestinations: [vault('Other', other)],
        }),
        rule({ name: 'monthly', schedule: Schedule.cron({ day: '1', hour: '9', minute: '0' }), copyDestinations: [] }),
      ],
    });
    const { resource } = only(templateOf(stack), 'AWS::Backup::BackupPlan');
    const copies = (resource.Properties.BackupPlan.BackupPlanRule as { CopyActions?: object[] }[]).map(
      ({ CopyActions = [] }) =>
        CopyActions.map((copy) => (copy as { DestinationBackupVaultArn: string }).DestinationBackupVaultArn),
    );
    expect(copies).toEqual([[destination], [other], []]);
    expect(warnings(stack)).toEqual([]);
  });

  test('that are nowhere are warned of in production, until somebody says why', () => {
    const stack = testStack();
    const backup = backupIn(stack);
    expect(warnings(stack).map(({ id }) => id)).toEqual(['/Shop/Backup']);
    CdkAnnotations.of(backup).acknowledgeWarning('cdk-django-fargate:backupCopies', 'The data can be made again.');
    expect(warnings(stack)).toEqual([]);
  });

  test('that are nowhere are no matter in development', () => {
    const stack = testStack();
    backupIn(stack, { profile: Profile.development() });
    expect(warnings(stack)).toEqual([]);
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
  const [resource] = Object.values(
    templateOf(stack).findResources('AWS::Events::Rule', {
      Properties: { Targets: [{ Arn: stack.resolve(notifications.topic.topicArn) }] },
    }),
  );
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
