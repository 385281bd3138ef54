import { Aws, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { InstanceClass, InstanceSize, InstanceType, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  CaCertificate,
  CfnEventSubscription,
  Credentials,
  DatabaseInsightsMode,
  DatabaseInstance,
  DatabaseInstanceEngine,
  EngineLifecycleSupport,
  ParameterGroup,
  PerformanceInsightRetention,
  PostgresEngineVersion,
  StorageType,
  SubnetGroup,
} from 'aws-cdk-lib/aws-rds';
import { AttachmentTargetType, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { encryptedLogs, type Foundation } from './direct-foundation';
import { databaseRoles } from './direct-roles';

export type Database = ReturnType<typeof database>;

const PORT = 15432;
const IDENTIFIER = 'shop-database';
const { RETAIN } = RemovalPolicy;

/** PostgreSQL with its two secrets, its logs and events, and the handler that makes its roles. */
export function database(stack: Stack, base: Foundation) {
  const { vpc, key } = base;
  const version = PostgresEngineVersion.VER_17;
  const securityGroup = new SecurityGroup(stack, 'DatabaseSecurityGroup', {
    vpc,
    description: 'Database: only whom consumers let in',
    allowAllOutbound: false,
  });
  const parameterGroup = new ParameterGroup(stack, 'DatabaseParameters', {
    engine: DatabaseInstanceEngine.postgres({ version }),
    description: 'Django on PostgreSQL 17',
    parameters: {
      'rds.force_ssl': '1',
      shared_preload_libraries: 'pg_stat_statements',
      log_min_duration_statement: '500',
      idle_in_transaction_session_timeout: '60000',
    },
  });
  const master = secret(stack, 'MasterSecret', base, 'django_master');
  const monitoring = monitoringRole(stack);
  const instance = new DatabaseInstance(stack, 'Database', {
    vpc,
    engine: DatabaseInstanceEngine.postgres({ version }),
    instanceType: InstanceType.of(InstanceClass.T4G, InstanceSize.MEDIUM),
    instanceIdentifier: IDENTIFIER,
    databaseName: 'django',
    credentials: Credentials.fromPassword('django_master', master.secretValueFromJson('password')),
    port: PORT,
    parameterGroup,
    subnetGroup: new SubnetGroup(stack, 'DatabaseSubnets', {
      vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      description: 'Subnets of the database',
      removalPolicy: RETAIN,
    }),
    securityGroups: [securityGroup],
    publiclyAccessible: false,
    multiAz: true,
    storageType: StorageType.GP3,
    allocatedStorage: 20,
    maxAllocatedStorage: 200,
    storageEncrypted: true,
    storageEncryptionKey: key,
    iamAuthentication: true,
    monitoringInterval: Duration.minutes(1),
    monitoringRole: monitoring.role,
    databaseInsightsMode: DatabaseInsightsMode.STANDARD,
    enablePerformanceInsights: true,
    performanceInsightEncryptionKey: key,
    performanceInsightRetention: PerformanceInsightRetention.DEFAULT,
    cloudwatchLogsExports: ['postgresql', 'upgrade'],
    backupRetention: Duration.days(14),
    preferredBackupWindow: '03:00-04:00',
    preferredMaintenanceWindow: 'sun:04:30-sun:05:30',
    autoMinorVersionUpgrade: true,
    allowMajorVersionUpgrade: false,
    engineLifecycleSupport: EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED,
    caCertificate: CaCertificate.RDS_CA_RSA2048_G1,
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
    deletionProtection: true,
    removalPolicy: RETAIN,
  });
  instance.node.addDependency(
    monitoring.role,
    monitoring.policy,
    encryptedLogs(stack, 'DatabaseLogs', key, `/aws/rds/instance/${IDENTIFIER}/postgresql`),
    encryptedLogs(stack, 'DatabaseUpgradeLogs', key, `/aws/rds/instance/${IDENTIFIER}/upgrade`),
  );
  events(stack, base, instance, parameterGroup);

  const masterSecret = attached(master, instance);
  const applicationSecret = attached(secret(stack, 'ApplicationSecret', base, 'django_a'), instance);
  const ownerSecret = attached(secret(stack, 'OwnerSecret', base, 'django_release_a'), instance);
  const secrets = { masterSecret, applicationSecret, ownerSecret };
  const roles = databaseRoles(stack, base, { instance, port: PORT, securityGroup, ...secrets });
  securityGroup.addIngressRule(base.securityGroup, Port.tcp(PORT), 'Processes');
  return { instance, securityGroup, roles, ...secrets };
}

/** The secret with the host and port that RDS adds. */
function attached(given: Secret, instance: DatabaseInstance): ISecret {
  return given.attach({
    asSecretAttachmentTarget: () => ({
      targetId: instance.instanceIdentifier,
      targetType: AttachmentTargetType.RDS_DB_INSTANCE,
    }),
  });
}

function secret(stack: Stack, id: string, { key }: Foundation, username: string): Secret {
  return new Secret(stack, id, {
    description: `Login ${username} of the database`,
    encryptionKey: key,
    removalPolicy: RETAIN,
    generateSecretString: {
      secretStringTemplate: JSON.stringify({ username, dbname: 'django' }),
      generateStringKey: 'password',
      passwordLength: 40,
      excludePunctuation: true,
    },
  });
}

function monitoringRole(stack: Stack) {
  const role = new Role(stack, 'MonitoringRole', {
    assumedBy: new ServicePrincipal('monitoring.rds.amazonaws.com'),
    description: 'Enhanced monitoring of the database',
  });
  const policy = new ManagedPolicy(stack, 'MonitoringPolicy', {
    roles: [role],
    statements: [
      new PolicyStatement({
        actions: [
          'logs:CreateLogGroup',
          'logs:PutRetentionPolicy',
          'logs:CreateLogStream',
          'logs:PutLogEvents',
          'logs:DescribeLogStreams',
          'logs:GetLogEvents',
        ],
        resources: [`arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:RDSOSMetrics*`],
      }),
    ],
  });
  return { role, policy };
}

function events(stack: Stack, { topic }: Foundation, instance: DatabaseInstance, group: ParameterGroup): void {
  const subscribe = (id: string, sourceType: string, eventCategories: string[], sourceIds?: string[]) => {
    new CfnEventSubscription(stack, id, {
      snsTopicArn: topic.topicArn,
      enabled: true,
      sourceType,
      sourceIds,
      eventCategories,
    }).node.addDependency(topic);
  };
  subscribe(
    'InstanceEvents',
    'db-instance',
    [
      'availability',
      'configuration change',
      'deletion',
      'failover',
      'failure',
      'low storage',
      'maintenance',
      'recovery',
    ],
    [instance.instanceIdentifier],
  );
  const { parameterGroupName } = group.bindToInstance({});
  subscribe('ParameterEvents', 'db-parameter-group', ['configuration change'], [parameterGroupName]);
  subscribe('SecurityGroupEvents', 'db-security-group', ['configuration change', 'failure']);
}
