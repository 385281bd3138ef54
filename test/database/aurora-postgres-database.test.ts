import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { InstanceType, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  AuroraPostgresEngineVersion,
  DatabaseCluster,
  DatabaseInsightsMode,
  DBClusterStorageType,
} from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Profile } from '../../constructs/core/profile';
import {
  AuroraPostgresDatabase,
  type AuroraPostgresDatabaseProps,
} from '../../constructs/database/aurora-postgres-database';
import { majorVersionOf, resourceIdOf } from '../../constructs/database/database-server';
import { DatabaseVariables } from '../../constructs/database/database-variables';
import { connectionsOfCapacity } from '../../constructs/database/private/classes';
import { errorOf, only, type Template, templateOf, testStack, testVpc } from '../support';

const CLUSTER = 'AWS::RDS::DBCluster';
const INSTANCE = 'AWS::RDS::DBInstance';

function made(props: Partial<AuroraPostgresDatabaseProps> = {}) {
  const stack = testStack();
  const database = new AuroraPostgresDatabase(stack, 'Database', { vpc: testVpc(stack), ...props });
  return { stack, database, template: templateOf(stack) };
}

function clusterOf(template: Template) {
  return only(template, CLUSTER).resource;
}

const instancesOf = (template: Template) => Object.entries(template.findResources(INSTANCE));

describe('with nothing but a network', () => {
  const { stack, database, template } = made();
  const { Properties: cluster, ...rest } = clusterOf(template);
  const { id } = only(template, CLUSTER);

  test('the cluster has the defaults of production', () => {
    expect(cluster).toMatchObject({
      Engine: 'aurora-postgresql',
      EngineVersion: '17',
      EngineLifecycleSupport: 'open-source-rds-extended-support-disabled',
      StorageEncrypted: true,
      StorageType: 'aurora',
      Port: 15432,
      DatabaseName: 'django',
      MasterUsername: 'django_master',
      EnableIAMDatabaseAuthentication: true,
      BackupRetentionPeriod: 14,
      PreferredBackupWindow: '03:00-04:00',
      PreferredMaintenanceWindow: 'sun:04:30-sun:05:30',
      CopyTagsToSnapshot: true,
      DeleteAutomatedBackups: false,
      DeletionProtection: true,
      PerformanceInsightsEnabled: true,
      PerformanceInsightsRetentionPeriod: 7,
      DatabaseInsightsMode: 'standard',
      EnableCloudwatchLogsExports: ['postgresql'],
    });
    expect(cluster.ServerlessV2ScalingConfiguration).toBeUndefined();
    expect(rest).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  });

  test('a writer and a reader of the class of the profile stay with it', () => {
    const instances = instancesOf(template);
    expect(instances.map(([, { Properties }]) => [Properties.DBInstanceClass, Properties.PromotionTier])).toEqual([
      ['db.t4g.medium', 0],
      ['db.t4g.medium', 1],
    ]);
    for (const [, { Properties, DeletionPolicy, UpdateReplacePolicy }] of instances) {
      expect(Properties).toMatchObject({
        DBClusterIdentifier: { Ref: id },
        PubliclyAccessible: false,
        AutoMinorVersionUpgrade: true,
        MonitoringInterval: 60,
        EnablePerformanceInsights: true,
        PerformanceInsightsRetentionPeriod: 7,
        CACertificateIdentifier: 'rds-ca-rsa2048-g1',
      });
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
    }
  });

  test('the parameters of the cluster force TLS', () => {
    const group = only(template, 'AWS::RDS::DBClusterParameterGroup');
    expect(group.id).toMatch(/^DatabaseAuroraPostgres17/);
    expect(group.resource.Properties).toMatchObject({
      Family: 'aurora-postgresql17',
      Parameters: { 'rds.force_ssl': '1', shared_preload_libraries: 'pg_stat_statements' },
    });
  });

  test('its log group is there before it, encrypted and kept as the profile says', () => {
    const log = Object.entries(template.findResources('AWS::Logs::LogGroup')).find(([, { Properties }]) =>
      JSON.stringify(Properties.LogGroupName).includes('/aws/rds/cluster/'),
    );
    expect(only(template, CLUSTER).resource.DependsOn).toContain(log?.[0]);
    expect(JSON.stringify(log?.[1].Properties.LogGroupName)).toMatch(/\/postgresql"/);
  });

  test('the roles are made once there is an instance to connect to', () => {
    const { DependsOn, Properties } = only(template, 'Custom::DatabaseRoles').resource;
    expect(DependsOn).toEqual(expect.arrayContaining(instancesOf(template).map(([name]) => name)));
    expect(Properties.Instance).toEqual({ 'Fn::GetAtt': [id, 'DBClusterResourceId'] });
  });

  test('secrets are attached to the cluster, and rotate', () => {
    const attached = Object.values(template.findResources('AWS::SecretsManager::SecretTargetAttachment'));
    expect(attached.map(({ Properties }) => [Properties.TargetType, Properties.TargetId])).toEqual(
      Array(3).fill(['AWS::RDS::DBCluster', { Ref: id }]),
    );
    expect(database.rotationFunctions).toHaveLength(2);
    expect(database.changingSecrets).toEqual([database.applicationSecret]);
    expect(database.changingOwnerSecrets).toEqual([database.ownerSecret]);
  });

  test('processes get the address of the cluster, and that of its readers', () => {
    expect(Object.keys(database.containerSecrets)).toContain('DATABASE_HOST');
    expect(stack.resolve(database.containerEnvironment)).toEqual({
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/etc/ssl/certs/rds-global-bundle.pem',
      DATABASE_REPLICA_HOST: { 'Fn::GetAtt': [id, 'ReadEndpoint.Address'] },
    });
    expect([database.instance, database.readReplicas]).toEqual([undefined, []]);
    expect(majorVersionOf(database)).toBe('17');
    expect([database.maxConnections, database.burstable]).toEqual([made().database.maxConnections, true]);
  });

  test('metrics are those of whichever instance writes, or reads', () => {
    const dimensions = (Role: string) => ({ DBClusterIdentifier: { Ref: id }, Role });
    const cpu = database.metricCPUUtilization();
    expect([cpu.namespace, cpu.metricName, stack.resolve(cpu.dimensions)]).toEqual([
      'AWS/RDS',
      'CPUUtilization',
      dimensions('WRITER'),
    ]);
    expect(database.metricFreeStorageSpace().metricName).toBe('FreeLocalStorage');
    expect(database.metricServerlessDatabaseCapacity().metricName).toBe('ServerlessDatabaseCapacity');
    expect(stack.resolve(database.metricACUUtilization().dimensions)).toEqual(dimensions('WRITER'));
    expect(database.metricMaximumUsedTransactionIDs().statistic).toBe('Maximum');
    expect(stack.resolve(database.metricAuroraReplicaLag().dimensions)).toEqual(dimensions('READER'));
    expect(stack.resolve(database.metric('VolumeBytesUsed').dimensions)).toEqual({ DBClusterIdentifier: { Ref: id } });
  });
});

describe('in development', () => {
  const { database, template } = made({ profile: Profile.development() });

  test('it is one serverless instance that scales to zero', () => {
    expect(clusterOf(template).Properties).toMatchObject({
      ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 2, SecondsUntilAutoPause: 300 },
      BackupRetentionPeriod: 7,
    });
    expect(clusterOf(template).DeletionPolicy).toBe('Snapshot');
    const [[, writer], ...readers] = instancesOf(template);
    expect([writer.Properties.DBInstanceClass, writer.DeletionPolicy]).toEqual(['db.serverless', 'Delete']);
    expect(readers).toEqual([]);
    expect(database._pausesAfter).toBe(300);
    expect(Object.keys(database.containerEnvironment)).not.toContain('DATABASE_REPLICA_HOST');
  });

  test('a class makes it provisioned', () => {
    const { template } = made({ profile: Profile.development(), instanceType: new InstanceType('t4g.medium') });
    expect(clusterOf(template).Properties.ServerlessV2ScalingConfiguration).toBeUndefined();
    expect(instancesOf(template)[0][1].Properties.DBInstanceClass).toBe('db.t4g.medium');
  });
});

describe('with everything that can be said', () => {
  const stack = testStack();
  const eventTopic = new Topic(stack, 'Topic');
  const database = new AuroraPostgresDatabase(stack, 'Database', {
    vpc: testVpc(stack),
    encryptionKey: new Key(stack, 'Key'),
    engineVersion: AuroraPostgresEngineVersion.VER_16_8,
    serverless: { minCapacity: 0, maxCapacity: 16, autoPause: Duration.hours(1) },
    readers: 2,
    storageType: DBClusterStorageType.AURORA_IOPT1,
    clusterIdentifier: 'orders',
    databaseName: 'orders',
    databaseInsightsMode: DatabaseInsightsMode.ADVANCED,
    parameters: { work_mem: '8192' },
    variables: DatabaseVariables.URL,
    removalPolicy: RemovalPolicy.DESTROY,
    deletionProtection: false,
    eventTopic,
  });
  const template = templateOf(stack);

  test('the cluster is as it is said', () => {
    const { Properties } = clusterOf(template);
    expect(Properties).toMatchObject({
      EngineVersion: '16.8',
      DBClusterIdentifier: 'orders',
      DatabaseName: 'orders',
      StorageType: 'aurora-iopt1',
      DatabaseInsightsMode: 'advanced',
      PerformanceInsightsRetentionPeriod: 465,
      ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 16, SecondsUntilAutoPause: 3600 },
    });
    expect(Properties.KmsKeyId).toBeDefined();
    expect(Properties.DeletionProtection).toBeUndefined();
    expect(instancesOf(template).map(([, each]) => each.Properties.PromotionTier)).toEqual([0, 1, 1]);
    template.hasResourceProperties('AWS::RDS::DBClusterParameterGroup', { Family: 'aurora-postgresql16' });
    expect(database.maxConnections).toBe(2000);
  });

  test('events of the cluster and of its instances are reported', () => {
    const subscriptions = Object.values(template.findResources('AWS::RDS::EventSubscription'));
    expect(subscriptions.map(({ Properties }) => Properties.SourceType).sort()).toEqual([
      'db-cluster',
      'db-instance',
      'db-security-group',
    ]);
    expect(
      subscriptions.find(({ Properties }) => Properties.SourceType === 'db-instance')?.Properties.SourceIds,
    ).toHaveLength(3);
  });
});

test('a version of its major number alone can pause, too', () => {
  const engineVersion = AuroraPostgresEngineVersion.of('16', '16');
  const { template } = made({ engineVersion, serverless: { minCapacity: 0, maxCapacity: 1 } });
  expect(clusterOf(template).Properties.ServerlessV2ScalingConfiguration.SecondsUntilAutoPause).toBe(300);
});

test.each([
  ['16.2', '16', false],
  ['16.3', '16', true],
  ['15.6', '15', false],
  ['17.1', '17', true],
])('version %s of major version %s can pause: %s', (full, major, expected) => {
  const engineVersion = AuroraPostgresEngineVersion.of(full, major);
  const act = () => made({ engineVersion, serverless: { minCapacity: 0, maxCapacity: 1 } });
  if (expected) {
    expect(act).not.toThrow();
  } else {
    expect(errorOf(act)).toContain(
      '`serverless.minCapacity` must be at least 0.5 for a version before 13.15, 14.12, 15.7',
    );
  }
});

// The table of AWS, https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
test.each([
  [0.5, 1, 189],
  [0.5, 4, 823],
  [0.5, 8, 1669],
  [0.5, 16, 2000],
  [1, 16, 3360],
  [1, 32, 5000],
])('from %d to %d ACUs Aurora allows %d connections, and no more are counted on', (min, max, allowed) => {
  const counted = connectionsOfCapacity(min, max) as number;
  expect(counted).toBeLessThanOrEqual(allowed);
  expect(counted).toBeGreaterThan(allowed * 0.97);
});

test('max_connections of the parameters counts', () => {
  expect(made({ parameters: { max_connections: '300' } }).database.maxConnections).toBe(300);
});

describe('from a snapshot', () => {
  test('the cluster takes names, key and data from there, and the password from the new secret', () => {
    const { template } = made({ snapshotIdentifier: 'before-the-move', databaseName: 'Old-One' });
    const { Properties } = clusterOf(template);
    expect(Properties.SnapshotIdentifier).toBe('before-the-move');
    expect([Properties.DatabaseName, Properties.MasterUsername, Properties.KmsKeyId]).toEqual(Array(3).fill(undefined));
    expect(JSON.stringify(Properties.MasterUserPassword)).toContain('resolve:secretsmanager');
    expect(only(template, 'Custom::DatabaseRoles').resource.Properties.TakeOwnership).toBe('true');
  });

  test('of an instance it is given by its ARN', () => {
    const snapshotIdentifier = 'arn:aws:rds:eu-central-1:111122223333:snapshot:rds:orders';
    expect(clusterOf(made({ snapshotIdentifier }).template).Properties.SnapshotIdentifier).toBe(snapshotIdentifier);
  });
});

describe('a cluster that exists', () => {
  const stack = testStack();
  const cluster = DatabaseCluster.fromDatabaseClusterAttributes(stack, 'Cluster', {
    clusterIdentifier: 'company',
    clusterEndpointAddress: 'company.cluster.example.com',
    readerEndpointAddress: 'company.readers.example.com',
    port: 5432,
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0')],
  });
  const applicationSecret = Secret.fromSecretNameV2(stack, 'Login', 'company');
  const bring = (id: string, more: object = {}) =>
    AuroraPostgresDatabase.fromAuroraPostgresDatabaseAttributes(stack, id, { cluster, applicationSecret, ...more });

  test('is used by its address, with one login', () => {
    const database = bring('Plain');
    expect([database.cluster, database.instance, database.ownerSecret]).toEqual([
      cluster,
      undefined,
      applicationSecret,
    ]);
    expect(Object.keys(database.containerEnvironment)).toEqual(['PGSSLMODE', 'PGSSLROOTCERT']);
    expect(database.connections.defaultPort?.toString()).toBe(Port.tcp(5432).toString());
    expect(resourceIdOf(database)).toBeUndefined();
    expect(Stack.of(cluster).resolve(database.metricCPUUtilization().dimensions)).toEqual({
      DBClusterIdentifier: 'company',
      Role: 'WRITER',
    });
  });

  test('has readers where it is said', () => {
    const { containerEnvironment } = bring('Read', { hasReaders: true, port: 15432 });
    expect(containerEnvironment.DATABASE_REPLICA_HOST).toBe('company.readers.example.com');
  });

  test('has a port that can be one', () => {
    expect(errorOf(() => bring('Wrong', { port: 0 }))).toContain('Wrong: `port` must be a whole number');
  });
});

test.each([
  [{}, 0.5, 8],
  [{ minCapacity: 16 }, 16, 16],
  [{ maxCapacity: 4 }, 0.5, 4],
])('in production a serverless cluster with %j scales from %d to %d, and does not pause', (serverless, min, max) => {
  const { template } = made({ serverless, profile: Profile.production() });
  expect(clusterOf(template).Properties.ServerlessV2ScalingConfiguration).toEqual({
    MinCapacity: min,
    MaxCapacity: max,
  });
});
