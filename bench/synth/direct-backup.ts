import { Duration, RemovalPolicy, type Stack, TimeZone } from 'aws-cdk-lib';
import {
  BackupPlan,
  BackupPlanRule,
  BackupResource,
  BackupVault,
  CfnRestoreTestingPlan,
  CfnRestoreTestingSelection,
} from 'aws-cdk-lib/aws-backup';
import { SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { SubnetGroup } from 'aws-cdk-lib/aws-rds';
import type { Database } from './direct-database';
import type { Foundation } from './direct-foundation';

const { RETAIN } = RemovalPolicy;
const FAILED = ['FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'];

/** Vault, plan and restore test of the database. */
export function backups(stack: Stack, base: Foundation, { instance }: Database): BackupVault {
  const vault = new BackupVault(stack, 'Vault', {
    encryptionKey: new Key(stack, 'BackupKey', {
      description: 'Backups of the database',
      enableKeyRotation: true,
      removalPolicy: RETAIN,
    }),
    lockConfiguration: { minRetention: Duration.days(7) },
    blockRecoveryPointDeletion: true,
    removalPolicy: RETAIN,
  });
  const rule = (ruleName: string, scheduleExpression: Schedule, days: number) =>
    new BackupPlanRule({
      ruleName,
      scheduleExpression,
      scheduleExpressionTimezone: TimeZone.ETC_UTC,
      deleteAfter: Duration.days(days),
      startWindow: Duration.hours(2),
      completionWindow: Duration.hours(8),
    });
  const plan = new BackupPlan(stack, 'Plan', {
    backupPlanName: 'Shop',
    backupVault: vault,
    backupPlanRules: [
      rule('daily', Schedule.cron({ minute: '0', hour: '6' }), 35),
      rule('weekly', Schedule.cron({ minute: '0', hour: '8', weekDay: 'SUN' }), 84),
      rule('monthly', Schedule.cron({ minute: '0', hour: '10', day: '1' }), 365),
    ],
  });
  const role = new Role(stack, 'BackupRole', {
    description: 'Lets AWS Backup make, copy and restore backups of the database',
    assumedBy: new ServicePrincipal('backup.amazonaws.com'),
    managedPolicies: ['AWSBackupServiceRolePolicyForBackup', 'AWSBackupServiceRolePolicyForRestores'].map((name) =>
      ManagedPolicy.fromAwsManagedPolicyName(`service-role/${name}`),
    ),
  });
  plan.addSelection('Database', {
    resources: [BackupResource.fromRdsDatabaseInstance(instance)],
    role,
    disableDefaultBackupPolicy: true,
  });
  restoreTest(stack, base, instance.instanceArn, vault, role);
  failures(stack, base, role);
  return vault;
}

function restoreTest(stack: Stack, { vpc }: Foundation, instanceArn: string, vault: BackupVault, role: Role): void {
  const subnetGroup = new SubnetGroup(stack, 'RestoreSubnets', {
    description: 'Where backups are restored to be tested',
    vpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
  });
  const securityGroup = new SecurityGroup(stack, 'RestoreSecurityGroup', {
    description: 'Closed: nobody talks to a database that is restored to be tested',
    vpc,
    allowAllOutbound: false,
  });
  const plan = new CfnRestoreTestingPlan(stack, 'RestorePlan', {
    restoreTestingPlanName: 'Shop',
    scheduleExpression: 'cron(0 12 1 * ? *)',
    scheduleExpressionTimezone: TimeZone.ETC_UTC.timezoneName,
    startWindowHours: 8,
    recoveryPointSelection: {
      algorithm: 'LATEST_WITHIN_WINDOW',
      includeVaults: [vault.backupVaultArn],
      recoveryPointTypes: ['SNAPSHOT'],
      selectionWindowDays: 35,
    },
  });
  new CfnRestoreTestingSelection(stack, 'RestoreSelection', {
    restoreTestingPlanName: plan.ref,
    restoreTestingSelectionName: 'database',
    iamRoleArn: role.roleArn,
    protectedResourceType: 'RDS',
    protectedResourceArns: [instanceArn],
    restoreMetadataOverrides: {
      dbSubnetGroupName: subnetGroup.subnetGroupName,
      vpcSecurityGroupIds: stack.toJsonString([securityGroup.securityGroupId]),
    },
  });
}

function failures(stack: Stack, { topic }: Foundation, role: Role): void {
  const detail = (name: string) => EventField.fromPath(`$.detail.${name}`);
  new Rule(stack, 'BackupFailures', {
    description: 'Backups, copies and restores of the database that did not succeed',
    eventPattern: {
      source: ['aws.backup'],
      detailType: ['Backup Job State Change', 'Copy Job State Change', 'Restore Job State Change'],
      detail: { iamRoleArn: [role.roleArn], $or: [{ state: FAILED }, { status: FAILED }] },
    },
    targets: [
      new SnsTopic(topic, {
        message: RuleTargetInput.fromText(
          `${EventField.detailType} of Shop/App/Backup at ${EventField.time}: ${detail('state')}${detail('status')}. ` +
            'Look at the job in the AWS Backup console for its status message. What to do: https://github.com/cdk-django-fargate/cdk-django-fargate/blob/v0.1.0/docs/runbooks.md#backup-failed',
        ),
      }),
    ],
  });
}
