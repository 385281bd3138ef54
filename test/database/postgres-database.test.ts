import { Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  InstanceClass,
  InstanceSize,
  InstanceType,
  InterfaceVpcEndpointAwsService,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  CaCertificate,
  DatabaseInsightsMode,
  DatabaseInstance,
  DatabaseInstanceEngine,
  EngineLifecycleSupport,
  PostgresEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Profile } from '../../constructs/core/profile';
import { windowsOverlap } from '../../constructs/core/time/time-window';
import { DatabaseVariables } from '../../constructs/database/database-variables';
import { PasswordRotation } from '../../constructs/database/password-rotation';
import { PointInTime } from '../../constructs/database/point-in-time';
import { PostgresDatabase, type PostgresDatabaseProps } from '../../constructs/database/postgres-database';
import { maxConnectionsOf } from '../../constructs/database/private/classes';
import { errorOf, Match, only, type Template, templateOf, testStack } from '../support';

const INSTANCE = 'AWS::RDS::DBInstance';
const ROLES = 'Custom::DatabaseRoles';

function network(stack: Stack, natGateways = 1): Vpc {
  const subnets = [SubnetType.PUBLIC, SubnetType.PRIVATE_ISOLATED];
  if (natGateways > 0) {
    subnets.push(SubnetType.PRIVATE_WITH_EGRESS);
  }
  return new Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: subnets.map((subnetType) => ({ name: subnetType, subnetType })),
  });
}

function made(props: Partial<PostgresDatabaseProps> = {}) {
  const stack = testStack();
  const vpc = props.vpc ?? network(stack);
  const database = new PostgresDatabase(stack, 'Database', { vpc, ...props });
  return { stack, vpc, database, template: templateOf(stack) };
}

function instanceOf(template: Template) {
  return only(template, INSTANCE).resource;
}

/** Everything that must exist before a resource, directly and through others. */
function prerequisites(template: Template, id: string, found = new Set<string>()): Set<string> {
  const resources = template.toJSON().Resources;
  const text = JSON.stringify(resources[id]);
  const explicit: string[] = [resources[id].DependsOn ?? []].flat();
  const implicit = [...text.matchAll(/"(?:Ref|Fn::GetAtt)":\[?"([A-Za-z0-9]+)"/g)].map(([, name]) => name);
  for (const next of [...explicit, ...implicit]) {
    if (next in resources && !found.has(next)) {
      found.add(next);
      prerequisites(template, next, found);
    }
  }
  return found;
}

function typesBefore(template: Template, id: string): string[] {
  const resources = template.toJSON().Resources;
  return [...prerequisites(template, id)].map((name) => resources[name].Type);
}

describe('with nothing but a network', () => {
  const { stack, vpc, database, template } = made();
  const { Properties: instance, ...rest } = instanceOf(template);

  test('the instance has the defaults of production', () => {
    expect(instance).toMatchObject({
      Engine: 'postgres',
      EngineVersion: '17',
      EngineLifecycleSupport: 'open-source-rds-extended-support-disabled',
      AllowMajorVersionUpgrade: false,
      AutoMinorVersionUpgrade: true,
      DBInstanceClass: 'db.t4g.medium',
      AllocatedStorage: '20',
      MaxAllocatedStorage: 200,
      StorageType: 'gp3',
      StorageEncrypted: true,
      MultiAZ: true,
      Port: '15432',
      PubliclyAccessible: false,
      DBName: 'django',
      MasterUsername: 'django_master',
      EnableIAMDatabaseAuthentication: true,
      BackupRetentionPeriod: 14,
      PreferredBackupWindow: '03:00-04:00',
      PreferredMaintenanceWindow: 'sun:04:30-sun:05:30',
      CopyTagsToSnapshot: true,
      DeleteAutomatedBackups: false,
      DeletionProtection: true,
      CACertificateIdentifier: 'rds-ca-rsa2048-g1',
      MonitoringInterval: 60,
      EnablePerformanceInsights: true,
      PerformanceInsightsRetentionPeriod: 7,
      DatabaseInsightsMode: 'standard',
      EnableCloudwatchLogsExports: ['postgresql', 'upgrade'],
    });
    expect(rest).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    expect(instance.DBSnapshotIdentifier).toBeUndefined();
    expect(instance.KmsKeyId).toBeUndefined();
  });

  test('the parameters force TLS', () => {
    const { id, resource } = only(template, 'AWS::RDS::DBParameterGroup');
    expect(resource.Properties).toMatchObject({
      Family: 'postgres17',
      Parameters: {
        'rds.force_ssl': '1',
        shared_preload_libraries: 'pg_stat_statements',
        log_min_duration_statement: '500',
        idle_in_transaction_session_timeout: '60000',
      },
    });
    expect(id).toMatch(/^DatabasePostgres17/);
  });

  test('it lies in the isolated subnets, and nobody may connect but the handlers', () => {
    template.hasResourceProperties('AWS::RDS::DBSubnetGroup', {
      SubnetIds: vpc.isolatedSubnets.map((subnet) => stack.resolve(subnet.subnetId)),
    });
    const { resource } = only(template, 'AWS::EC2::SecurityGroupIngress');
    expect(resource.Properties).toMatchObject({ FromPort: 15432, ToPort: 15432, IpProtocol: 'tcp' });
    for (const group of Object.values(template.findResources('AWS::EC2::SecurityGroup'))) {
      expect(group.Properties.SecurityGroupIngress).toBeUndefined();
    }
  });

  test('its log groups carry its name, exist before it, and are kept', () => {
    const [name, ...stackPart] = instance.DBInstanceIdentifier['Fn::Join'][1];
    expect(name).toMatch(/^[a-z](-?[a-z0-9])+-$/);
    expect(JSON.stringify(stackPart)).toContain('AWS::StackId');
    for (const log of ['postgresql', 'upgrade']) {
      const groups = template.findResources('AWS::Logs::LogGroup', {
        Properties: {
          LogGroupName: { 'Fn::Join': ['', [`/aws/rds/instance/${name}`, ...stackPart, `/${log}`]] },
          RetentionInDays: 365,
        },
      });
      const [[id, group]] = Object.entries(groups);
      expect(rest.DependsOn).toContain(id);
      expect(group.DeletionPolicy).toBe('RetainExceptOnCreate');
    }
  });

  test('master, application and releases have a secret each, all generated and kept', () => {
    const secrets = Object.values(template.findResources('AWS::SecretsManager::Secret'));
    expect(secrets.map((secret) => JSON.parse(secret.Properties.GenerateSecretString.SecretStringTemplate))).toEqual([
      { username: 'django_master', dbname: 'django' },
      { username: 'django_a', dbname: 'django' },
      { username: 'django_release_a', dbname: 'django' },
    ]);
    for (const secret of secrets) {
      expect(secret.DeletionPolicy).toBe('RetainExceptOnCreate');
      expect(secret.Properties.SecretStringTemplate).toBeUndefined();
      expect(secret.Properties.SecretString).toBeUndefined();
    }
  });

  test('the handler makes the owner, the role of what serves and two logins for each, again for another instance', () => {
    const { resource } = only(template, ROLES);
    expect(resource.Properties).toMatchObject({
      Database: 'django',
      Owner: 'django',
      OwnerLogins: ['django_release_a', 'django_release_b'],
      ServingRole: 'django_serving',
      Logins: ['django_a', 'django_b'],
      MasterSecretArn: stack.resolve(database.masterSecret.secretArn),
      ApplicationSecretArn: stack.resolve(database.applicationSecret.secretArn),
      OwnerSecretArn: stack.resolve(database.ownerSecret.secretArn),
      Instance: { 'Fn::GetAtt': [only(template, INSTANCE).id, 'DbiResourceId'] },
      ServiceTimeout: '900',
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: 600,
      ReservedConcurrentExecutions: Match.absent(),
      VpcConfig: { SubnetIds: vpc.privateSubnets.map((subnet) => stack.resolve(subnet.subnetId)) },
    });
  });

  test.each<[string, Partial<PostgresDatabaseProps>, string[]]>([
    ['the database', { databaseName: 'shop' }, ['master', 'application', 'owner']],
    ['the master', { masterUsername: 'shop_master' }, ['master']],
    ['the application', { applicationUser: 'shop' }, ['application', 'owner']],
    ['nothing but what has the default name', { databaseName: 'django', applicationUser: 'django' }, []],
  ])(
    'another name of %s makes other secrets of the logins that carry it, and leaves the rest',
    (_, names, expected) => {
      const idsOf = ({ stack, database }: ReturnType<typeof made>) => ({
        master: stack.resolve(database.masterSecret.secretArn),
        application: stack.resolve(database.applicationSecret.secretArn),
        owner: stack.resolve(database.ownerSecret.secretArn),
      });
      const [before, after] = [idsOf(made()), idsOf(made(names))];
      const others = (Object.keys(before) as (keyof typeof before)[]).filter(
        (each) => JSON.stringify(before[each]) !== JSON.stringify(after[each]),
      );
      expect(others).toEqual(expected);
      expect(idsOf(made(names))).toEqual(after);
    },
  );

  test('containers log in with the secret of the application, and verify whom they talk to', () => {
    const arn = stack.resolve(database.applicationSecret.secretArn);
    const [[attachment]] = Object.entries(template.findResources('AWS::SecretsManager::SecretTargetAttachment')).filter(
      ([id]) => id.includes('ApplicationSecret'),
    );
    expect(arn).toEqual({ Ref: attachment });
    expect(
      Object.entries(database.containerSecrets).map(([name, { arn: value }]) => [name, stack.resolve(value)]),
    ).toEqual(
      Object.entries({
        DATABASE_HOST: 'host',
        DATABASE_PORT: 'port',
        DATABASE_NAME: 'dbname',
        DATABASE_USER: 'username',
        DATABASE_PASSWORD: 'password',
      }).map(([name, field]) => [name, stack.resolve(`${database.applicationSecret.secretArn}:${field}::`)]),
    );
    expect(
      Object.entries(database.ownerContainerSecrets).map(([name, { arn: value }]) => [name, stack.resolve(value)]),
    ).toEqual(
      Object.entries(database.containerSecrets).map(([name, { arn: value }]) => [
        name,
        stack.resolve(value.replace(database.applicationSecret.secretArn, database.ownerSecret.secretArn)),
      ]),
    );
    expect(database.containerEnvironment).toEqual({
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/etc/ssl/certs/rds-global-bundle.pem',
    });
  });

  test('what rotates its passwords knows of the url before the handler of the roles writes it', () => {
    const [roles] = Object.values(template.findResources('Custom::DatabaseRoles'));
    const rotating = Object.keys(template.findResources('AWS::Lambda::Function')).filter((id) =>
      id.includes('Rotation'),
    );
    expect(rotating).toHaveLength(2);
    expect(roles.DependsOn).toEqual(expect.arrayContaining(rotating));
    expect(roles.Properties.Revision).toBe('3');
  });

  test('no event goes anywhere and there is no replica', () => {
    template.resourceCountIs('AWS::RDS::EventSubscription', 0);
    expect(database.readReplicas).toEqual([]);
  });

  test('the connections that the class allows are estimated rather too low', () => {
    expect(database.maxConnections).toBe(395);
  });
});

test('development is small and is thrown away but for a last snapshot', () => {
  const { template } = made({ profile: Profile.development() });
  const { Properties, DeletionPolicy } = instanceOf(template);
  expect(Properties).toMatchObject({
    DBInstanceClass: 'db.t4g.micro',
    MaxAllocatedStorage: 50,
    MultiAZ: false,
    BackupRetentionPeriod: 7,
  });
  expect('DeletionProtection' in Properties).toBe(false); // Left out: false would switch off what was switched on later.
  expect(DeletionPolicy).toBe('Snapshot');
  for (const secret of Object.values(template.findResources('AWS::SecretsManager::Secret'))) {
    expect(secret.DeletionPolicy).toBe('Delete');
  }
});

test('everything can be chosen', () => {
  const stack = testStack();
  const encryptionKey = new Key(stack, 'Key');
  const vpc = network(stack);
  new PostgresDatabase(stack, 'Database', {
    vpc,
    encryptionKey,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    engineVersion: PostgresEngineVersion.VER_18,
    allowMajorVersionUpgrade: true,
    engineLifecycleSupport: EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT,
    instanceType: InstanceType.of(InstanceClass.M7G, InstanceSize.LARGE),
    allocatedStorage: 100,
    maxAllocatedStorage: 1000,
    multiAz: false,
    port: 6000,
    instanceIdentifier: 'shop-db',
    databaseName: 'shop',
    masterUsername: 'keeper',
    applicationUser: 'shop',
    parameters: { 'pg_stat_statements.track': 'all', log_min_duration_statement: '100' },
    backupRetention: Duration.days(35),
    preferredBackupWindow: '23:30-00:30',
    preferredMaintenanceWindow: 'mon:01:00-mon:02:00',
    deletionProtection: false,
    removalPolicy: RemovalPolicy.SNAPSHOT,
    logRetention: RetentionDays.ONE_WEEK,
    databaseInsightsMode: DatabaseInsightsMode.ADVANCED,
    caCertificate: CaCertificate.RDS_CA_ECC384_G1,
    handlerReservedConcurrency: 1,
  });
  const template = templateOf(stack);
  expect(instanceOf(template).Properties).toMatchObject({
    EngineVersion: '18',
    AllowMajorVersionUpgrade: true,
    EngineLifecycleSupport: 'open-source-rds-extended-support',
    DBInstanceClass: 'db.m7g.large',
    AllocatedStorage: '100',
    MaxAllocatedStorage: 1000,
    MultiAZ: false,
    Port: '6000',
    DBInstanceIdentifier: 'shop-db',
    DBName: 'shop',
    MasterUsername: 'keeper',
    BackupRetentionPeriod: 35,
    PreferredBackupWindow: '23:30-00:30',
    PreferredMaintenanceWindow: 'mon:01:00-mon:02:00',
    CACertificateIdentifier: 'rds-ca-ecc384-g1',
    DatabaseInsightsMode: 'advanced',
    PerformanceInsightsRetentionPeriod: 465,
    KmsKeyId: stack.resolve(encryptionKey.keyArn),
    PerformanceInsightsKMSKeyId: stack.resolve(encryptionKey.keyArn),
  });
  const group = only(template, 'AWS::RDS::DBParameterGroup');
  expect(group.id).toMatch(/^DatabasePostgres18/);
  expect(group.resource.Properties.Parameters).toMatchObject({
    'rds.force_ssl': '1',
    'pg_stat_statements.track': 'all',
    log_min_duration_statement: '100',
  });
  expect(only(template, ROLES).resource.Properties).toMatchObject({ Owner: 'shop', Logins: ['shop_a', 'shop_b'] });
  template.hasResourceProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: 1 });
  for (const type of ['AWS::SecretsManager::Secret', 'AWS::Logs::LogGroup']) {
    template.allResourcesProperties(type, { KmsKeyId: stack.resolve(encryptionKey.keyArn) });
  }
  template.hasResourceProperties('AWS::KMS::Key', {
    KeyPolicy: Match.objectLike({ Statement: Match.arrayWith([Match.objectLike({ Sid: 'AllowLogGroups' })]) }),
  });
});

describe('a database from a snapshot', () => {
  const encryptionKey = (stack: Stack) => new Key(stack, 'Key');
  const build = (snapshotIdentifier?: string) => {
    const stack = testStack();
    new PostgresDatabase(stack, 'Database', {
      vpc: network(stack),
      encryptionKey: encryptionKey(stack),
      snapshotIdentifier,
    });
    return templateOf(stack);
  };
  const fresh = only(build(), INSTANCE);
  const restored = only(build('before-launch'), INSTANCE);

  test('is the same resource under the same name, so that adding a snapshot by mistake fails instead of losing data', () => {
    expect(restored.id).toBe(fresh.id);
    expect(restored.resource.Properties.DBInstanceIdentifier).toEqual(fresh.resource.Properties.DBInstanceIdentifier);
  });

  test('leaves out what the snapshot decides on, and sets the password of the new secret', () => {
    const { Properties } = restored.resource;
    expect(Properties.DBSnapshotIdentifier).toBe('before-launch');
    for (const name of ['DBName', 'MasterUsername', 'KmsKeyId']) {
      expect(fresh.resource.Properties[name]).toBeDefined();
      expect(Properties[name]).toBeUndefined();
    }
    expect(Properties.MasterUserPassword).toEqual(fresh.resource.Properties.MasterUserPassword);
    expect(Properties.StorageEncrypted).toBe(true);
  });
});

describe('a database from a moment of another instance', () => {
  const properties = (pointInTime?: PointInTime) => {
    const stack = testStack();
    new PostgresDatabase(stack, 'Database', { vpc: network(stack), encryptionKey: new Key(stack, 'Key'), pointInTime });
    const template = templateOf(stack);
    return { instance: only(template, INSTANCE), roles: only(template, ROLES).resource.Properties };
  };
  const fresh = properties();

  test.each([
    [PointInTime.ofInstance('old'), { SourceDBInstanceIdentifier: 'old', UseLatestRestorableTime: true }],
    [
      PointInTime.ofResource('db-ABCDEFGHIJKLMNOPQRSTUVWXYZ', '2026-11-29T03:00:00Z'),
      { SourceDbiResourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ', RestoreTime: '2026-11-29T03:00:00Z' },
    ],
    [
      PointInTime.ofAutomatedBackups('arn:aws:rds:eu-central-1:111122223333:auto-backup:ab-l2ijcexample'),
      {
        SourceDBInstanceAutomatedBackupsArn: 'arn:aws:rds:eu-central-1:111122223333:auto-backup:ab-l2ijcexample',
        UseLatestRestorableTime: true,
      },
    ],
  ])('is the same resource, with what the source decides left out: %j', (pointInTime, expected) => {
    const { instance, roles } = properties(pointInTime);
    const SOURCE = /^(Source|RestoreTime|UseLatest|DBSnapshot)/;
    const of = (given: object) => Object.fromEntries(Object.entries(given).filter(([name]) => SOURCE.test(name)));
    expect(instance.id).toBe(fresh.instance.id);
    expect(of(instance.resource.Properties)).toEqual(expected);
    expect(of(fresh.instance.resource.Properties)).toEqual({});
    for (const name of ['DBName', 'MasterUsername', 'KmsKeyId']) {
      expect(fresh.instance.resource.Properties[name]).toBeDefined();
      expect(instance.resource.Properties[name]).toBeUndefined();
    }
    expect(instance.resource.Properties.MasterUserPassword).toEqual(
      fresh.instance.resource.Properties.MasterUserPassword,
    );
    expect(roles.TakeOwnership).toBe('true');
  });
});

test.each([
  ['snapshotIdentifier', { snapshotIdentifier: 'arn:aws:rds:us-west-2:111122223333:snapshot:old' }],
  [
    'pointInTime',
    { pointInTime: PointInTime.ofAutomatedBackups('arn:aws:rds:us-west-2:111122223333:auto-backup:ab-l2ijcexample') },
  ],
])('fails when %s is in another Region than the stack', (prop, given) => {
  const error = errorOf(() => {
    const stack = new Stack(undefined, 'Here', { env: { region: 'eu-central-1' } });
    new PostgresDatabase(stack, 'Database', { vpc: network(stack), ...given });
  });
  expect(error).toContain(`\`${prop}\` must be`);
  expect(error).toContain('in the Region of the stack');
});

describe('what others own in the database is taken over', () => {
  const properties = (given: object) => {
    const stack = testStack();
    new PostgresDatabase(stack, 'Database', { vpc: network(stack), ...given });
    return only(templateOf(stack), 'Custom::DatabaseRoles').resource.Properties;
  };

  test('as a whole where it comes from elsewhere, and not at all where it is new', () => {
    expect(properties({ snapshotIdentifier: 'old' }).TakeOwnership).toBe('true');
    expect(properties({})).not.toHaveProperty('TakeOwnership');
    expect(properties({})).not.toHaveProperty('TakeOwnershipFrom');
  });

  test('from the roles that are named alone', () => {
    const named = properties({ snapshotIdentifier: 'old', takeOwnershipFrom: ['Old-Owner', 'postgres'] });
    expect(named.TakeOwnershipFrom).toEqual(['Old-Owner', 'postgres']);
    expect(named).not.toHaveProperty('TakeOwnership');
    expect(properties({ takeOwnershipFrom: [] }).TakeOwnershipFrom).toEqual([]);
  });
});

describe('extensions', () => {
  const build = (given: object) => {
    const stack = testStack();
    const database = new PostgresDatabase(stack, 'Database', { vpc: network(stack), ...given });
    return { database, template: templateOf(stack) };
  };

  test('are made by the handler of the roles, which everything waits for', () => {
    const { template } = build({ extensions: ['postgis', 'vector', 'pg_stat_statements'] });
    const { Properties } = only(template, 'Custom::DatabaseRoles').resource;
    expect(Properties.Extensions).toEqual(['postgis', 'vector', 'pg_stat_statements']);
    expect(only(build({}).template, 'Custom::DatabaseRoles').resource.Properties).not.toHaveProperty('Extensions');
  });

  test('pass where a token names them, and where the server starts with them', () => {
    const token = Lazy.string({ produce: () => 'made_tomorrow' });
    const { template } = build({
      extensions: [token, 'pg_cron'],
      parameters: { shared_preload_libraries: 'pg_stat_statements,pg_cron', 'cron.database_name': 'django' },
    });
    const { Properties } = only(template, 'Custom::DatabaseRoles').resource;
    expect(Properties.Extensions).toEqual(['made_tomorrow', 'pg_cron']);
  });

  test('are called by the name that they have', () => {
    expect(() => build({ extensions: ['pgvector'] })).toThrow(
      /`extensions` must .* got "pgvector"\. Its name is vector/,
    );
  });
});

test('read replicas follow the instance and have log groups of their own', () => {
  const { template, database } = made({ readReplicas: 2, instanceIdentifier: 'shop' });
  expect(database.readReplicas).toHaveLength(2);
  for (const name of ['shop-replica-1', 'shop-replica-2']) {
    template.hasResource(INSTANCE, {
      Properties: {
        DBInstanceIdentifier: name,
        SourceDBInstanceIdentifier: Match.anyValue(),
        StorageEncrypted: Match.absent(),
        Port: '15432',
        PubliclyAccessible: false,
        EnableCloudwatchLogsExports: ['postgresql', 'upgrade'],
      },
      DeletionPolicy: 'RetainExceptOnCreate',
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', { LogGroupName: `/aws/rds/instance/${name}/postgresql` });
  }
});

describe('the tenth replica has a longer name than the others', () => {
  const long = 'n'.repeat(53);

  test.each([
    ['nine of the longest name', 9, long],
    ['ten of one letter less', 10, long.slice(1)],
  ])('and RDS takes %s', (_, readReplicas, instanceIdentifier) => {
    expect(made({ readReplicas, instanceIdentifier }).database.readReplicas).toHaveLength(readReplicas);
  });

  test.each([
    ['a name that is given', { instanceIdentifier: long }],
    ['a name that is generated', {}],
  ])('and ten are refused beside %s, which leaves no room for it', (_, props) => {
    const stack = testStack();
    const many = { vpc: network(stack), readReplicas: 10, ...props };
    expect(() => new PostgresDatabase(stack, 'Database'.repeat(8), many)).toThrow(
      /`readReplicas` must be at most 9 beside an instance whose name has 53 characters: .* got 10\. Take at most 9, or/,
    );
  });
});

test('RDS raises the versions of read replicas: the template names none, and all are maintained at the same time', () => {
  const { template } = made({
    readReplicas: 2,
    engineVersion: PostgresEngineVersion.of('17.9', '17'),
    allowMajorVersionUpgrade: true,
    preferredMaintenanceWindow: 'mon:01:00-mon:02:00',
  });
  const instances = Object.values(template.findResources('AWS::RDS::DBInstance')).map(({ Properties }) => Properties);
  const [instance, ...replicas] = instances.sort((one, other) => Number('Engine' in other) - Number('Engine' in one));
  expect(instance).toMatchObject({ EngineVersion: '17.9', AllowMajorVersionUpgrade: true });
  expect(replicas).toHaveLength(2);
  for (const replica of replicas) {
    expect(Object.keys(replica)).not.toContain('EngineVersion');
    expect(Object.keys(replica)).not.toContain('AllowMajorVersionUpgrade');
    expect(replica).toMatchObject({ AutoMinorVersionUpgrade: true, PreferredMaintenanceWindow: 'mon:01:00-mon:02:00' });
  }
});

test('read replicas reach every process by their host names, under the name of the variables', () => {
  const { stack, database } = made({ readReplicas: 2 });
  const [one, other] = database.readReplicas.map(({ dbInstanceEndpointAddress }) => dbInstanceEndpointAddress);
  expect(stack.resolve(database.containerEnvironment)).toEqual(
    stack.resolve({
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/etc/ssl/certs/rds-global-bundle.pem',
      DATABASE_REPLICA_HOST: `${one},${other}`,
    }),
  );
  const variables = DatabaseVariables.of({ ...DatabaseVariables.LIBPQ.names, replicaHost: 'REPLICAS' });
  expect(Object.keys(made({ readReplicas: 1, variables }).database.containerEnvironment)).toContain('REPLICAS');
  expect(Object.keys(made({}).database.containerEnvironment)).toEqual(['PGSSLMODE', 'PGSSLROOTCERT']);
});

test('a topic hears of the instance, its parameters and security groups, once it may', () => {
  const stack = testStack();
  const eventTopic = new Topic(stack, 'Topic', { enforceSSL: true });
  new PostgresDatabase(stack, 'Database', { vpc: network(stack), eventTopic });
  const template = templateOf(stack);
  const subscriptions = Object.values(template.findResources('AWS::RDS::EventSubscription'));
  const policy = only(template, 'AWS::SNS::TopicPolicy').id;
  const categories = Object.fromEntries(
    subscriptions.map(({ Properties }) => [Properties.SourceType, Properties.EventCategories]),
  );
  expect(categories['db-instance']).toEqual(
    expect.arrayContaining(['maintenance', 'configuration change', 'failure', 'failover', 'low storage']),
  );
  expect(categories['db-parameter-group']).toEqual(['configuration change']);
  expect(categories['db-security-group']).toEqual(['configuration change', 'failure']);
  for (const { Properties, DependsOn } of subscriptions) {
    expect(Properties).toMatchObject({ Enabled: true, SnsTopicArn: stack.resolve(eventTopic.topicArn) });
    expect(DependsOn).toContain(policy);
  }
});

describe('what waits for what', () => {
  test('the roles wait for all attachments, the way in, the ways out and the permissions', () => {
    const stack = testStack();
    const vpc = network(stack);
    vpc.addGatewayEndpoint('S3', { service: { name: 'com.amazonaws.eu-west-1.s3' } });
    new PostgresDatabase(stack, 'Database', { vpc });
    const template = templateOf(stack);
    const types = typesBefore(template, only(template, ROLES).id);
    expect(types.filter((type) => type === 'AWS::SecretsManager::SecretTargetAttachment')).toHaveLength(3);
    for (const type of [
      'AWS::EC2::SecurityGroupIngress',
      'AWS::EC2::Route',
      'AWS::EC2::VPCEndpoint',
      'AWS::IAM::ManagedPolicy',
      'AWS::Logs::LogGroup',
      INSTANCE,
    ]) {
      expect(types).toContain(type);
    }
  });

  test('the instance waits for the permissions of its monitoring', () => {
    const { template } = made();
    expect(typesBefore(template, only(template, INSTANCE).id)).toContain('AWS::IAM::ManagedPolicy');
  });

  test('who waits for the database to be ready waits for its roles', () => {
    const stack = testStack();
    const database = new PostgresDatabase(stack, 'Database', { vpc: network(stack) });
    const process = new Queue(stack, 'Process');
    process.node.addDependency(database.ready);
    const template = templateOf(stack);
    const types = typesBefore(template, only(template, 'AWS::SQS::Queue').id);
    expect(types).toContain(ROLES);
    expect(types).toContain('AWS::SecretsManager::SecretTargetAttachment');
  });

  test('a consumer whose own rule waits for the database makes no circle', () => {
    const stack = testStack();
    const vpc = network(stack);
    const database = new PostgresDatabase(stack, 'Database', { vpc });
    const consumer = new SecurityGroup(stack, 'Consumer', { vpc });
    consumer.node.addDependency(database.ready);
    database.connections.allowDefaultPortFrom(consumer);
    expect(() => templateOf(stack)).not.toThrow(); // `Template` refuses circular dependencies.
  });
});

test('consumers come in on the literal port, which rule tools can read', () => {
  const stack = testStack();
  const vpc = network(stack);
  const database = new PostgresDatabase(stack, 'Database', { vpc });
  database.connections.allowDefaultPortFrom(new SecurityGroup(stack, 'Consumer', { vpc }));
  templateOf(stack).resourcePropertiesCountIs('AWS::EC2::SecurityGroupIngress', { FromPort: 15432 }, 2);
});

test('a network without NAT gateways reaches Secrets Manager through the endpoint', () => {
  const stack = testStack();
  const vpc = network(stack, 0);
  const secretsManagerEndpoint = vpc.addInterfaceEndpoint('Secrets', {
    service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  });
  new PostgresDatabase(stack, 'Database', { vpc, secretsManagerEndpoint });
  const template = templateOf(stack);
  template.hasResourceProperties('AWS::Lambda::Function', {
    VpcConfig: { SubnetIds: vpc.isolatedSubnets.map((subnet) => stack.resolve(subnet.subnetId)) },
  });
  expect(typesBefore(template, only(template, ROLES).id)).toContain('AWS::EC2::VPCEndpoint');
});

test('the handler may read the three secrets, complete two, write its log, and reach the network', () => {
  const { stack, template, database } = made();
  const policies = Object.entries(template.findResources('AWS::IAM::ManagedPolicy'));
  const [, policy] = policies.find(([id]) => id.includes('RolesRole')) ?? [];
  const statements: { Action: string[]; Resource: unknown }[] = policy?.Properties.PolicyDocument.Statement;
  const [writes, ...reads] = statements.filter(({ Resource }) => Resource !== '*');
  const [logGroup] = Object.keys(template.findResources('AWS::Logs::LogGroup')).filter((id) => id.includes('Roles'));
  expect(writes).toMatchObject({
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] },
  });
  // The secrets themselves: their attachments are made after the instance, and the function would be, too.
  const secrets = [database.masterSecret, database.applicationSecret, database.ownerSecret].map(({ secretArn }) => {
    const attachment = template.findResources('AWS::SecretsManager::SecretTargetAttachment')[
      stack.resolve(secretArn).Ref
    ];
    return attachment.Properties.SecretId;
  });
  const completes = reads.splice(-1);
  expect(completes).toMatchObject([
    {
      Action: ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'],
      Resource: secrets.slice(1),
    },
  ]);
  expect(reads.map(({ Resource }) => Resource)).toEqual(secrets);
  for (const { Action } of reads) {
    expect(Action).toEqual(['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret']);
  }
  for (const { Action } of statements.filter(({ Resource }) => Resource === '*')) {
    expect(Action.every((action) => /NetworkInterface|DescribeSubnets|PrivateIpAddresses/.test(action))).toBe(true);
  }
  template.resourceCountIs('AWS::IAM::Policy', 0);
});

test.each([
  [DatabaseVariables.POSTGRES, 'POSTGRES_HOST POSTGRES_PORT POSTGRES_DB POSTGRES_USER POSTGRES_PASSWORD'],
  [DatabaseVariables.URL, 'DATABASE_HOST DATABASE_PORT DATABASE_NAME DATABASE_USER DATABASE_PASSWORD DATABASE_URL'],
  [DatabaseVariables.LIBPQ, 'PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD'],
  [DatabaseVariables.of({ host: 'A', port: 'B', name: 'C', user: 'D', password: 'E' }), 'A B C D E'],
])('variables can have the names of an existing project', (variables, names) => {
  expect(Object.keys(made({ variables }).database.containerSecrets)).toEqual(names.split(' '));
});

describe('rotation of the passwords', () => {
  const SCHEDULE = 'AWS::SecretsManager::RotationSchedule';
  const functions = (template: Template) =>
    Object.values(template.findResources('AWS::Lambda::Function'))
      .filter(({ Properties }) => /^Rotates/.test(Properties.Description))
      .map(({ Properties }) => Properties);

  /** With the secrets themselves in place of their attachments to the instance, for which functions need not wait. */
  const unattached = (template: Template, value: unknown) =>
    JSON.parse(JSON.stringify(value), (_, part) => {
      const { Type, Properties } = template.toJSON().Resources[part?.Ref] ?? {};
      return Type === 'AWS::SecretsManager::SecretTargetAttachment' ? Properties.SecretId : part;
    });

  test('those of the application and that of the master change every 30 days, in functions of their own', () => {
    const { stack, database, template } = made();
    const schedules = Object.values(template.findResources(SCHEDULE)).map(({ Properties }) => Properties);
    expect(schedules).toEqual(
      (
        [
          [database.applicationSecret, 0],
          [database.ownerSecret, 0],
          [database.masterSecret, 1],
        ] as const
      ).map(([secret, index]) => ({
        SecretId: stack.resolve(secret.secretArn),
        RotationLambdaARN: stack.resolve(database.rotationFunctions[index].functionArn),
        RotateImmediatelyOnUpdate: false,
        RotationRules: { ScheduleExpression: 'rate(30 days)', Duration: '3h' },
      })),
    );
    expect(functions(template).map(({ Environment, Timeout }) => [Environment?.Variables, Timeout])).toEqual([
      [
        {
          MASTER_SECRET_ARN: unattached(template, stack.resolve(database.masterSecret.secretArn)),
          LOGINS: unattached(
            template,
            stack.resolve(
              stack.toJsonString([
                {
                  secretArn: database.applicationSecret.secretArn,
                  role: 'django_serving',
                  logins: ['django_a', 'django_b'],
                },
                {
                  secretArn: database.ownerSecret.secretArn,
                  role: 'django',
                  logins: ['django_release_a', 'django_release_b'],
                },
              ]),
            ),
          ),
        },
        120,
      ],
      [undefined, 120],
    ]);
  });

  test('the functions run where the roles are made, with the same security group, and write to the same log', () => {
    const { template } = made();
    const all = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties);
    expect(new Set(all.map(({ VpcConfig }) => JSON.stringify(VpcConfig))).size).toBe(1);
    expect(new Set(all.map(({ LoggingConfig }) => JSON.stringify(LoggingConfig))).size).toBe(1);
  });

  test('a schedule waits for roles, attachments and the rule of the security group', () => {
    const { template } = made();
    for (const id of Object.keys(template.findResources(SCHEDULE))) {
      expect(typesBefore(template, id)).toEqual(
        expect.arrayContaining([
          ROLES,
          'AWS::SecretsManager::SecretTargetAttachment',
          'AWS::EC2::SecurityGroupIngress',
          'AWS::Lambda::Permission',
        ]),
      );
    }
  });

  test('nothing that waits for the database waits for it', () => {
    const stack = testStack();
    const database = new PostgresDatabase(stack, 'Database', { vpc: network(stack) });
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    role.node.addDependency(database.ready);
    const template = templateOf(stack);
    const [id] = Object.keys(template.findResources('AWS::IAM::Role')).filter((each) => each.startsWith('Role'));
    expect(typesBefore(template, id)).toContain(ROLES);
    expect(typesBefore(template, id)).not.toContain(SCHEDULE);
  });

  test('one login keeps its name when that is asked for', () => {
    const { stack, database, template } = made({ passwordRotation: PasswordRotation.SINGLE_LOGIN });
    const logins = stack.toJsonString([
      { secretArn: database.applicationSecret.secretArn, role: 'django_serving', logins: [] },
      { secretArn: database.ownerSecret.secretArn, role: 'django', logins: [] },
    ]);
    expect(functions(template)[0].Environment.Variables.LOGINS).toEqual(unattached(template, stack.resolve(logins)));
  });

  test('the period can be another', () => {
    const { template } = made({ passwordRotationPeriod: Duration.days(7) });
    template.allResourcesProperties(SCHEDULE, { RotationRules: { ScheduleExpression: 'rate(7 days)' } });
  });

  test('the hour can be another, for all logins', () => {
    const { template } = made({ passwordRotationWindow: { hour: 3, duration: Duration.hours(2) } });
    template.allResourcesProperties(SCHEDULE, {
      RotationRules: { ScheduleExpression: 'cron(0 3 1 * ? *)', Duration: '2h' },
    });
  });

  test('can be turned off', () => {
    const { database, template } = made({ passwordRotation: PasswordRotation.OFF });
    template.resourceCountIs(SCHEDULE, 0);
    expect(database.rotationFunctions).toEqual([]);
  });
});

describe('a database that exists already', () => {
  const stack = testStack();
  const vpc = network(stack);
  const instance = new DatabaseInstance(stack, 'Own', {
    engine: DatabaseInstanceEngine.postgres({ version: PostgresEngineVersion.VER_16 }),
    vpc,
  });
  const applicationSecret = new Secret(stack, 'OwnSecret');
  const brought = PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Database', {
    instance,
    applicationSecret,
    port: 7000,
    variables: DatabaseVariables.LIBPQ,
    caBundlePath: '/ca.pem',
    maxConnections: 50,
    burstable: true,
  });

  test('keeps to the same contract', () => {
    expect(brought.containerEnvironment).toEqual({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/ca.pem' });
    expect(stack.resolve(brought.containerSecrets.PGPASSWORD.arn)).toEqual(
      stack.resolve(`${applicationSecret.secretArn}:password::`),
    );
    expect([brought.maxConnections, brought.burstable]).toEqual([50, true]);
    expect(brought.instance).toBe(instance);
    expect(brought.connections.defaultPort).toEqual(Port.tcp(7000));
  });

  test('can be waited for, read and measured', () => {
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    brought.grantRead(role);
    role.node.addDependency(brought.ready);
    expect(stack.resolve(brought.metricDatabaseConnections().dimensions)).toEqual({
      DBInstanceIdentifier: stack.resolve(instance.instanceIdentifier),
    });
    const template = templateOf(stack);
    expect(typesBefore(template, only(template, 'AWS::IAM::Policy').id)).toContain(INSTANCE);
  });

  test('has the port of its instance and default names where nothing is said', () => {
    const plain = PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Plain', { instance, applicationSecret });
    expect(plain.connections).toBe(instance.connections);
    expect(Object.keys(plain.containerSecrets)[0]).toBe('DATABASE_HOST');
    expect(plain.containerEnvironment.PGSSLROOTCERT).toBe('/etc/ssl/certs/rds-global-bundle.pem');
    expect([plain.maxConnections, plain.burstable]).toEqual([undefined, undefined]);
    expect(plain.ownerSecret).toBe(applicationSecret);
    expect(plain.ownerContainerSecrets.DATABASE_USER.arn).toBe(plain.containerSecrets.DATABASE_USER.arn);
  });

  test('can have a login of its own for migrations', () => {
    const ownerSecret = new Secret(stack, 'OwnersSecret');
    const both = PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Both', {
      instance,
      applicationSecret,
      ownerSecret,
    });
    expect(both.applicationSecret).toBe(applicationSecret);
    expect(stack.resolve(both.ownerContainerSecrets.DATABASE_USER.arn)).toEqual(
      stack.resolve(`${ownerSecret.secretArn}:username::`),
    );
  });
});

test('replicas of a database that is brought are reached through their own security groups', () => {
  const stack = testStack();
  const [instance, replica] = ['shop', 'replica'].map((name, index) =>
    DatabaseInstance.fromDatabaseInstanceAttributes(stack, name, {
      instanceIdentifier: name,
      instanceEndpointAddress: `${name}.example.com`,
      port: 7000,
      securityGroups: [SecurityGroup.fromSecurityGroupId(stack, `Group${index}`, `sg-0123456789abcdef${index}`)],
    }),
  );
  const attributes = { instance, applicationSecret: new Secret(stack, 'Login'), readReplicas: [replica] };
  const brought = PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Database', attributes);
  expect(brought.readReplicas).toEqual([replica]);
  expect(brought.containerEnvironment.DATABASE_REPLICA_HOST).toBe('replica.example.com');
  const consumer = new SecurityGroup(stack, 'Consumer', { vpc: network(stack) });
  brought.connections.allowDefaultPortFrom(consumer);
  for (const GroupId of ['sg-0123456789abcdef0', 'sg-0123456789abcdef1']) {
    templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId,
      FromPort: 7000,
      SourceSecurityGroupId: stack.resolve(consumer.securityGroupId),
    });
  }
});

test.each([
  ['t4g.micro', true],
  ['t3.large', true],
  ['m7g.large', false],
  ['r6i.2xlarge', false],
])('a database of class %s says whether its CPU credits can run out: %s', (name, burstable) => {
  expect(made({ instanceType: new InstanceType(name) }).database.burstable).toBe(burstable);
});

test.each([
  ['metricCPUUtilization', 'CPUUtilization', 'Average'],
  ['metricFreeStorageSpace', 'FreeStorageSpace', 'Average'],
  ['metricFreeableMemory', 'FreeableMemory', 'Average'],
  ['metricDatabaseConnections', 'DatabaseConnections', 'Average'],
  ['metricCpuCreditBalance', 'CPUCreditBalance', 'Minimum'],
  ['metricMaximumUsedTransactionIDs', 'MaximumUsedTransactionIDs', 'Maximum'],
] as const)('%s is %s of the instance', (method, metricName, statistic) => {
  const { database } = made();
  expect(database[method]()).toMatchObject({ namespace: 'AWS/RDS', metricName, statistic });
  expect(database[method]({ statistic: 'p90' }).statistic).toBe('p90');
  expect(database.metric(metricName).metricName).toBe(metricName);
});

test.each([
  ['t4g.micro', 81],
  ['t4g.small', 185],
  ['m7g.large', 814],
  ['r6g.xlarge', 3328],
  ['r7g.16xlarge', 5000],
  ['x2g.large', undefined],
])('a %s has %s connections', (name, connections) => {
  expect(maxConnectionsOf(new InstanceType(name))).toBe(connections);
});

test.each([
  ['250', 250],
  ['LEAST({DBInstanceClassMemory/9531392},5000)', undefined],
])('max_connections %s decides on the connections', (max_connections, expected) => {
  expect(made({ parameters: { max_connections } }).database.maxConnections).toBe(expected);
});

test.each([
  ['03:00-04:00', 'sun:04:00-sun:05:00', false],
  ['03:00-04:01', 'sun:04:00-sun:05:00', true],
  ['23:30-00:30', 'mon:00:00-mon:01:00', true],
  ['03:00-04:00', 'sun:22:00-mon:02:00', false],
  ['00:30-01:30', 'sun:22:00-mon:01:00', true],
  ['04:00-05:00', 'sat:00:00-sun:00:00', true],
])('backup at %s and maintenance at %s overlap: %s', (backup, maintenance, expected) => {
  expect(windowsOverlap(backup, maintenance)).toBe(expected);
});

test('names of stacks that RDS would not take become names that it takes', () => {
  const stack = testStack({ stackName: `A${'-very-long'.repeat(9)}-Name` });
  new PostgresDatabase(stack, 'My--Database', { vpc: network(stack) });
  const [place] = instanceOf(templateOf(stack)).Properties.DBInstanceIdentifier['Fn::Join'][1];
  expect(place).toMatch(/^[a-z](-?[a-z0-9])+-$/);
  expect(place.length + '123456789012'.length).toBeLessThanOrEqual(53);
});

test('fails when several things are wrong, and names them all before it makes anything', () => {
  const stack = testStack();
  const vpc = network(stack, 0);
  const message = errorOf(
    () => new PostgresDatabase(stack, 'Database', { vpc, port: 5432, masterUsername: 'postgres', readReplicas: 16 }),
  );
  expect(message.split('\n').map((line) => /`(.+?)`/.exec(line)?.[1])).toEqual([
    'masterUsername',
    'secretsManagerEndpoint',
    'port',
    'readReplicas',
  ]);
  expect(message).toContain('Shop/Database: `secretsManagerEndpoint` must be given when the handler');
  expect(stack.node.findChild('Database').node.children).toEqual([]);
});
