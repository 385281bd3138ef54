import { Names, Stack } from 'aws-cdk-lib';
import { CfnRestoreTestingPlan, CfnRestoreTestingSelection, type IBackupVault } from 'aws-cdk-lib/aws-backup';
import { type IVpc, SecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Schedule } from 'aws-cdk-lib/aws-events';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { SubnetGroup } from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { arnOf } from '../../database/database-server';
import type { IPostgresDatabase } from '../../database/postgres-database';
import { VALIDATION_WINDOW_HOURS } from '../../handlers/restore-validation/contract';

/** Regions where CloudFormation has no restore testing; `npm run cfn-lint` compares. */
export const WITHOUT_RESTORE_TESTING = [
  'ap-southeast-5',
  'ap-southeast-7',
  'cn-north-1',
  'cn-northwest-1',
  'us-gov-east-1',
  'us-gov-west-1',
];

/** Whether backups are restored as a test: where nobody said, wherever the region is not known to lack it. */
export function isRestoreTested(scope: Construct, restoreTesting: boolean | undefined): boolean {
  return restoreTesting ?? !WITHOUT_RESTORE_TESTING.includes(Stack.of(scope).region);
}

/** Properties of `RestoreTest`. */
export interface RestoreTestProps {
  readonly database: IPostgresDatabase;
  readonly vault: IBackupVault;
  readonly role: IRole;
  readonly schedule: Schedule;
  readonly timeZone?: string;
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  /** Whether somebody looks into what is restored. */
  readonly isValidated: boolean;
}

/**
 * Restores the latest backup of a database to a new instance or cluster, and deletes that afterwards.
 *
 * By default AWS Backup restores into the default VPC, which many accounts do not have. This construct gives
 * it subnets and a security group that lets nobody in but who looks into the restored database.
 *
 * @internal
 */
export class RestoreTest extends Construct {
  /** The security group of restored databases. */
  public readonly securityGroup: SecurityGroup;
  /** ARN of the restore testing plan, by which EventBridge knows its restores. */
  public readonly planArn: string;

  constructor(scope: Construct, id: string, props: RestoreTestProps) {
    super(scope, id);
    const subnetGroup = new SubnetGroup(this, 'Subnets', {
      description: 'Where backups are restored to be tested',
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
    });
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      description: 'Databases that are restored to be tested',
      vpc: props.vpc,
      allowAllOutbound: false,
    });
    const plan = new CfnRestoreTestingPlan(this, 'Plan', {
      // A name is required, and takes no hyphens.
      restoreTestingPlanName: Names.uniqueResourceName(this, {
        maxLength: 50,
        separator: '_',
        allowedSpecialCharacters: '_',
      }),
      scheduleExpression: props.schedule.expressionString,
      scheduleExpressionTimezone: props.timeZone,
      startWindowHours: 8,
      recoveryPointSelection: {
        algorithm: 'LATEST_WITHIN_WINDOW',
        includeVaults: [props.vault.backupVaultArn],
        recoveryPointTypes: ['SNAPSHOT'],
        selectionWindowDays: 35,
      },
    });
    const isCluster = props.database.cluster !== undefined;
    new CfnRestoreTestingSelection(this, 'Selection', {
      restoreTestingPlanName: plan.ref,
      // Another type replaces it, which fails under the same name.
      restoreTestingSelectionName: isCluster ? 'cluster' : 'database',
      iamRoleArn: props.role.roleArn,
      protectedResourceType: isCluster ? 'Aurora' : 'RDS',
      protectedResourceArns: [arnOf(props.database)],
      restoreMetadataOverrides: {
        dbSubnetGroupName: subnetGroup.subnetGroupName,
        vpcSecurityGroupIds: Stack.of(this).toJsonString([securityGroup.securityGroupId]),
      },
      validationWindowHours: props.isValidated ? VALIDATION_WINDOW_HOURS : undefined,
    });
    this.securityGroup = securityGroup;
    this.planArn = plan.attrRestoreTestingPlanArn;
  }
}
