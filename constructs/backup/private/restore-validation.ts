import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type IVpc, Peer, Port, SecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import { type CaBundle, handlerFunction, handlerRole, placementStatement } from '../../core/handler-function';
import type { ProfileOptions } from '../../core/profile';
import type { WorkloadRole } from '../../core/workload-role';
import {
  NEVER,
  RESTORE_METRICS,
  RESTORE_VALIDATION,
  RESTORED_PREFIX,
  VALIDATION_TIMEOUT,
} from '../../handlers/restore-validation/contract';
import type { RestoreTest } from './restore-test';

/** Properties of `RestoreValidation`. */
export interface RestoreValidationProps {
  readonly restoreTest: RestoreTest;
  readonly query: string;
  /** Name of the database; undefined where only RDS knows it. */
  readonly databaseName?: string;
  /** Port of the database. */
  readonly port: Port;
  readonly vaultName: string;
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly encryptionKey: IKey;
  readonly profile: Required<ProfileOptions>;
  readonly topic?: ITopic;
  readonly caBundle?: CaBundle;
  readonly reservedConcurrentExecutions?: number;
}

/**
 * A function that looks into every database that is restored as a test, and tells AWS Backup what it found.
 *
 * It alone is let in. On the restored instance it sets a password that nobody else learns.
 *
 * @internal
 */
export class RestoreValidation extends Construct {
  /** Restores in which the query found nothing, or which could not be asked, sum over an hour. */
  public readonly failed: Metric;
  /** Days since a restore was last proven, the most of a day. */
  public readonly age: Metric;

  constructor(scope: Construct, id: string, props: RestoreValidationProps) {
    super(scope, id);
    const { vpc, vpcSubnets: subnets, topic, vaultName, restoreTest } = props;
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'The function that looks into databases restored to be tested',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'RDS, AWS Backup and Systems Manager');
    securityGroup.connections.allowTo(restoreTest.securityGroup, props.port, 'The restored database');

    const lastProof = new StringParameter(this, 'LastProof', {
      description: 'When a restored backup was last proven; a function of the stack writes it',
      stringValue: NEVER,
    });
    const description = 'Looks into databases that are restored to be tested';
    const role = handlerRole(this, 'Role', description);
    grant(role, lastProof);
    const { handler } = handlerFunction(this, {
      bundle: 'restore-validation',
      description,
      timeout: VALIDATION_TIMEOUT,
      environment: {
        [RESTORE_VALIDATION.query]: props.query,
        [RESTORE_VALIDATION.database]: props.databaseName ?? '',
        [RESTORE_VALIDATION.lastProof]: lastProof.parameterName,
        [RESTORE_VALIDATION.vault]: vaultName,
      },
      role,
      network: { vpc, subnets, securityGroup },
      encryptionKey: props.encryptionKey,
      logRetention: props.profile.logRetention,
      removalPolicy: props.profile.removalPolicy,
      deadLetterTopic: topic,
      caBundle: props.caBundle,
      reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      whyNoDeadLetters:
        'Lambda calls it three times for a restore, and the last failed call tells AWS Backup. An alarm counts the days since a restore was last proven, which go on whatever gets lost.',
    });
    const rule = new Rule(this, 'Rule', {
      description: `${scope.node.path}: a backup was restored as a test, or it is time to say when one was`,
      schedule: Schedule.rate(Duration.hours(6)),
      eventPattern: {
        source: ['aws.backup'],
        detailType: ['Restore Job State Change'],
        detail: { status: ['COMPLETED'], restoreTestingPlanArn: [restoreTest.planArn] },
      },
      targets: [{ bind: () => ({ arn: handler.functionArn }) }],
    });
    // Not by LambdaFunction of the CDK, whose permission does not name the account.
    handler.addPermission('Rule', {
      principal: new ServicePrincipal('events.amazonaws.com'),
      sourceAccount: Stack.of(this).account,
      sourceArn: rule.ruleArn,
    });
    const dimensionsMap = { [RESTORE_METRICS.dimension]: vaultName };
    const { namespace, failed, age } = RESTORE_METRICS;
    this.failed = new Metric({
      namespace,
      dimensionsMap,
      metricName: failed,
      period: Duration.hours(1),
      statistic: Stats.SUM,
    }).attachTo(this);
    this.age = new Metric({
      namespace,
      dimensionsMap,
      metricName: age,
      period: Duration.days(1),
      statistic: Stats.MAXIMUM,
    }).attachTo(this);
  }
}

function grant(role: WorkloadRole, lastProof: StringParameter): void {
  const stack = Stack.of(role);
  const restored = stack.formatArn({
    service: 'rds',
    resource: 'db',
    resourceName: `${RESTORED_PREFIX}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const allow = (actions: string[], resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  // AWS Backup chooses the name when it restores, below a prefix that it keeps for restore tests.
  allow(['rds:DescribeDBInstances', 'rds:ModifyDBInstance'], [restored]);
  // A restore job is no resource of IAM.
  allow(['backup:DescribeRestoreJob', 'backup:PutRestoreValidationResult'], ['*']);
  allow(['ssm:GetParameter', 'ssm:PutParameter'], [lastProof.parameterArn]);
  role.addToPrincipalPolicy(placementStatement());
  acknowledge(
    role,
    'IAM5[Resource::*]',
    'A restore job is no resource of IAM, and AWS Lambda asks for its six network interface actions on every resource. The other actions on every resource read a restore job, or put a result to it.',
  );
  acknowledge(
    role,
    `IAM5[Resource::${findingOf(stack.resolve(restored))}]`,
    'AWS Backup chooses the names of the instances that it restores as a test, below a prefix that it keeps for them. No other instance is among them, and they are deleted after the test.',
  );
}
