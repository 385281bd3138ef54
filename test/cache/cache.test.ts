import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  InstanceClass,
  InstanceSize,
  InstanceType,
  type ISubnet,
  type IVpc,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Cache, type CacheAttributes, type CacheProps, type ICache } from '../../constructs/cache/cache';
import { EvictionPolicy } from '../../constructs/cache/eviction-policy';
import { CONTRACT } from '../../constructs/core/contract';
import { Profile } from '../../constructs/core/profile';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { BeatService } from '../../constructs/processes/beat-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { Match, only, templateOf, testStack, testVpc } from '../support';

const GROUP = 'AWS::ElastiCache::ReplicationGroup';
const development = Profile.development();

function made(props: Partial<CacheProps> = {}, stack: Stack = testStack()) {
  const vpc = props.vpc ?? testVpc(stack);
  const cache = new Cache(stack, 'Cache', { vpc, ...props });
  return { stack, vpc, cache, template: templateOf(stack) };
}

function groupOf(props: Partial<CacheProps> = {}, stack?: Stack) {
  return only(made(props, stack).template, GROUP).resource;
}

describe('a cache without anything chosen', () => {
  const { stack, cache, vpc, template } = made();
  const { Properties, ...policies } = only(template, GROUP).resource;

  test('has a primary and a replica that takes over in another zone, and is no cluster', () => {
    expect(Properties).toMatchObject({
      Engine: 'valkey',
      EngineVersion: '8.1',
      CacheNodeType: 'cache.t4g.micro',
      NumCacheClusters: 2,
      AutomaticFailoverEnabled: true,
      MultiAZEnabled: true,
      ClusterMode: 'disabled',
      Port: 6379,
    });
  });

  test('speaks TLS only, and is encrypted', () => {
    expect(Properties).toMatchObject({
      TransitEncryptionEnabled: true,
      TransitEncryptionMode: 'required',
      AtRestEncryptionEnabled: true,
    });
    expect(Properties).not.toHaveProperty('KmsKeyId');
  });

  test('keeps snapshots for 15 days, and takes a last one when it goes', () => {
    expect(Properties).toMatchObject({ SnapshotRetentionLimit: 15, SnapshotWindow: '03:00-04:00' });
    expect(Properties.PreferredMaintenanceWindow).toBe('sun:04:30-sun:05:30');
    expect(policies).toMatchObject({ DeletionPolicy: 'Snapshot', UpdateReplacePolicy: 'Snapshot' });
  });

  test('stands in isolated subnets, or private ones where there are no others', () => {
    const idsOf = (subnets: ISubnet[], of: Stack) => subnets.map(({ subnetId }) => of.resolve(subnetId));
    const { resource } = only(template, 'AWS::ElastiCache::SubnetGroup');
    expect(resource.Properties.SubnetIds).toEqual(idsOf(vpc.privateSubnets, stack));
    const shop = testStack();
    const isolated = new Vpc(shop, 'Isolated', {
      subnetConfiguration: Object.values(SubnetType).map((subnetType) => ({ name: subnetType, subnetType })),
    });
    const { Properties } = only(made({ vpc: isolated }, shop).template, 'AWS::ElastiCache::SubnetGroup').resource;
    expect(Properties.SubnetIds).toEqual(idsOf(isolated.isolatedSubnets, shop));
  });

  test('lets nobody in who is not let in', () => {
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    const [group] = cache.connections.securityGroups;
    expect(Properties.SecurityGroupIds).toEqual([stack.resolve(group.securityGroupId)]);
    expect(JSON.stringify(template.findResources('AWS::EC2::SecurityGroup'))).not.toContain('SecurityGroupIngress');
  });

  test('evicts what expires, and says so in parameters of its own', () => {
    const { id, resource } = only(template, 'AWS::ElastiCache::ParameterGroup');
    expect(resource.Properties).toMatchObject({
      CacheParameterGroupFamily: 'valkey8',
      Properties: { 'maxmemory-policy': 'volatile-lru' },
    });
    expect(Properties.CacheParameterGroupName).toEqual({ Ref: id });
  });

  test('has a name that CloudFormation generates, so that it can be replaced', () => {
    expect(Properties).not.toHaveProperty('ReplicationGroupId');
  });
});

describe('what is chosen', () => {
  test('a key encrypts the cache and its secret', () => {
    const stack = testStack();
    const encryptionKey = new Key(stack, 'Key');
    const { template } = made({ encryptionKey }, stack);
    const arn = stack.resolve(encryptionKey.keyArn);
    expect(only(template, GROUP).resource.Properties.KmsKeyId).toEqual(arn);
    expect(only(template, 'AWS::SecretsManager::Secret').resource.Properties.KmsKeyId).toEqual(arn);
  });

  test('development has one small node without a snapshot', () => {
    const { Properties, DeletionPolicy } = groupOf({ profile: development });
    expect(Properties).toMatchObject({
      CacheNodeType: 'cache.t4g.micro',
      NumCacheClusters: 1,
      AutomaticFailoverEnabled: false,
      MultiAZEnabled: false,
      SnapshotRetentionLimit: 0,
    });
    expect(Properties).not.toHaveProperty('SnapshotWindow');
    expect(DeletionPolicy).toBe('Delete');
  });

  test('props reach the resources', () => {
    const stack = testStack();
    const { template } = made(
      {
        nodeType: InstanceType.of(InstanceClass.M7G, InstanceSize.LARGE),
        nodes: 3,
        engineVersion: '8.2',
        evictionPolicy: EvictionPolicy.NOEVICTION,
        snapshotRetention: Duration.days(35),
        snapshotWindow: '01:00-02:00',
        preferredMaintenanceWindow: 'mon:03:00-mon:04:00',
        removalPolicy: RemovalPolicy.DESTROY,
        vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
        passwordRotationPeriod: Duration.days(7),
        passwordRotationWindow: { hour: 20 },
      },
      stack,
    );
    const { Properties, DeletionPolicy } = only(template, GROUP).resource;
    expect(Properties).toMatchObject({
      CacheNodeType: 'cache.m7g.large',
      NumCacheClusters: 3,
      EngineVersion: '8.2',
      SnapshotRetentionLimit: 35,
      SnapshotWindow: '01:00-02:00',
      PreferredMaintenanceWindow: 'mon:03:00-mon:04:00',
    });
    expect(DeletionPolicy).toBe('Delete');
    template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', {
      Properties: { 'maxmemory-policy': 'noeviction' },
    });
    template.hasResourceProperties('AWS::SecretsManager::RotationSchedule', {
      RotationRules: { ScheduleExpression: 'cron(0 20 ? * SUN *)' },
    });
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'cron(0 8 * * ? *)' });
  });

  test('values of the profile are taken where nothing else is said', () => {
    const profile = Profile.production({
      cacheNodes: 4,
      cacheNodeType: InstanceType.of(InstanceClass.T4G, InstanceSize.MEDIUM),
      cacheSnapshotRetention: Duration.days(1),
    });
    expect(groupOf({ profile }).Properties).toMatchObject({
      NumCacheClusters: 4,
      CacheNodeType: 'cache.t4g.medium',
      SnapshotRetentionLimit: 1,
    });
    expect(groupOf({ profile, nodes: 2 }).Properties.NumCacheClusters).toBe(2);
  });
});

describe('the login', () => {
  const { stack, cache, template } = made({}, testStack({ env: { account: '111122223333', region: 'eu-central-1' } }));
  const user = only(template, 'Custom::CacheUser').resource;
  const address = only(template, 'Custom::CacheAddress').resource;

  test('is of one user, in a group without the user that needs no password', () => {
    const { UserId } = user.Properties;
    template.hasResourceProperties('AWS::ElastiCache::UserGroup', { Engine: 'valkey', UserIds: [UserId] });
    template.resourceCountIs('AWS::ElastiCache::User', 0);
    const { id } = only(template, 'AWS::ElastiCache::UserGroup');
    expect(only(template, GROUP).resource.Properties.UserGroupIds).toEqual([{ Ref: id }]);
  });

  test('may do nothing that administers the server', () => {
    expect(user.Properties.AccessString.split(' ')).toEqual(
      expect.arrayContaining(['on', '~*', '&*', '-@admin', '-@dangerous']),
    );
  });

  test('is made again by the runbook with the same permissions', () => {
    const runbooks = readFileSync(join(__dirname, '..', '..', 'docs', 'runbooks.md'), 'utf8');
    expect(runbooks).toContain(`--access-string '${user.Properties.AccessString}'`);
  });

  test('is the one that the tests of runtime/ connect as', () => {
    const server = readFileSync(join(__dirname, '..', '..', 'runtime', 'tests', 'valkey_server.py'), 'utf8');
    expect(server).toContain(`ACCESS = "${user.Properties.AccessString}"`);
  });

  test('has an id that ElastiCache takes, however long the path is', () => {
    const long = new Stack(new App(), `A${'Very'.repeat(20)}LongName`);
    const { UserId } = only(made({}, long).template, 'Custom::CacheUser').resource.Properties;
    const [, [place]] = UserId['Fn::Join'];
    expect(place).toMatch(/^[a-z][a-z0-9-]{0,26}-$/);
  });

  test('has no password in the template, which no update could reset', () => {
    const { resource } = only(template, 'AWS::SecretsManager::Secret');
    expect(resource.Properties.GenerateSecretString).toMatchObject({
      SecretStringTemplate: '{"username":"django"}',
      GenerateStringKey: 'password',
    });
    expect(JSON.stringify(template.toJSON())).not.toContain('resolve:secretsmanager');
    expect(Object.keys(user.Properties).sort()).toEqual([
      'AccessString',
      'SecretArn',
      'ServiceTimeout',
      'ServiceToken',
      'UserId',
    ]);
  });

  test('is there before the cache, and complete after it, and rotates only then', () => {
    const group = only(template, 'AWS::ElastiCache::UserGroup').resource;
    expect(group.DependsOn).toContain(only(template, 'Custom::CacheUser').id);
    const { id } = only(template, GROUP);
    expect(address.Properties).toMatchObject({
      Host: { 'Fn::GetAtt': [id, 'PrimaryEndPoint.Address'] },
      Port: { 'Fn::GetAtt': [id, 'PrimaryEndPoint.Port'] },
    });
    expect(only(template, 'AWS::SecretsManager::RotationSchedule').resource.DependsOn).toContain(
      only(template, 'Custom::CacheAddress').id,
    );
  });

  test('is the function’s alone: it may change this user, and read and store this secret', () => {
    const statements = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    const users = statements.filter(({ Action }) => `${Action}`.includes('elasticache:'));
    expect(users).toEqual([
      {
        Effect: 'Allow',
        Action: ['CreateUser', 'DeleteUser', 'DescribeUsers', 'ModifyUser'].map((name) => `elasticache:${name}`),
        Resource: {
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              expect.stringMatching(/^:elasticache:eu-central-1:111122223333:user:shop-cache-/),
              user.Properties.UserId['Fn::Join'][1][1],
            ],
          ],
        },
      },
    ]);
    const secrets = statements.filter(({ Action }) => `${Action}`.includes('secretsmanager:'));
    expect(secrets.map(({ Resource }) => Resource)).toEqual([
      { Ref: only(template, 'AWS::SecretsManager::Secret').id },
    ]);
  });

  test('loses the password of before half a day after the hour of rotations, by a daily schedule', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'cron(0 12 * * ? *)',
      Targets: [Match.objectLike({ Input: '{"retire":true}' })],
    });
    expect(cache.changingSecrets).toEqual([cache.secret]);
    expect(stack.resolve(cache.rotationFunction?.functionArn)).toEqual(user.Properties.ServiceToken);
  });
});

function beatWith(
  cacheStore: ICache,
  stack: Stack,
  { vpc = testVpc(stack), ...props }: { vpc?: IVpc; environment?: { [name: string]: string } } = {},
) {
  return new BeatService(stack, 'Beat', {
    cluster: new Cluster(stack, 'Cluster', { vpc }),
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    broker: new CeleryBroker(stack, 'Broker'),
    cacheStore,
    ...props,
  });
}

function containerOf(stack: Stack) {
  const [container] = only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions;
  return container as {
    Environment: { Name: string; Value: unknown }[];
    Secrets: { Name: string; ValueFrom: { 'Fn::Join': [string, unknown[]] } }[];
  };
}

describe('a process that is given it', () => {
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
  const encryptionKey = new Key(stack, 'Key');
  const vpc = testVpc(stack);
  const cache = new Cache(stack, 'Cache', { vpc, encryptionKey });
  const beat = beatWith(cache, stack, { vpc });
  const { Environment, Secrets } = containerOf(stack);

  test('gets address and login in the words of the contract, and the login from the secret', () => {
    const named = Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value]));
    expect(named).toMatchObject(stack.resolve(cache.containerEnvironment));
    expect(Object.keys(cache.containerEnvironment)).toEqual(['CACHE_HOST', 'CACHE_PORT']);
    const secret = only(templateOf(stack), 'AWS::SecretsManager::Secret').id;
    const fields = Secrets.map(({ Name, ValueFrom }) => [Name, ValueFrom['Fn::Join'][1]]);
    expect(Object.fromEntries(fields)).toEqual({
      CACHE_USERNAME: [{ Ref: secret }, ':username::'],
      CACHE_PASSWORD: [{ Ref: secret }, ':password::'],
      CACHE_URL: [{ Ref: secret }, ':url::'],
      REDIS_URL: [{ Ref: secret }, ':url::'],
    });
    const all = [...Object.keys(cache.containerEnvironment), ...Object.keys(cache.containerSecrets)];
    expect(Object.keys(CONTRACT)).toEqual(expect.arrayContaining(all));
  });

  test('is let in on the port, and nobody else', () => {
    const ingress = only(templateOf(stack), 'AWS::EC2::SecurityGroupIngress').resource.Properties;
    const [group] = cache.connections.securityGroups;
    expect(ingress).toMatchObject({
      FromPort: 6379,
      ToPort: 6379,
      IpProtocol: 'tcp',
      GroupId: stack.resolve(group.securityGroupId),
      SourceSecurityGroupId: stack.resolve(beat.service.connections.securityGroups[0].securityGroupId),
    });
  });

  test('starts when the secret is complete, and is replaced when it changes', () => {
    const { DependsOn } = only(templateOf(stack), 'AWS::ECS::Service').resource;
    expect(DependsOn).toContain(only(templateOf(stack), 'Custom::CacheAddress').id);
    expect(beat.changingSecrets).toEqual([cache.secret]);
  });

  test('lets ECS read the secret through the key, by the role that starts it', () => {
    const policies = Object.values(templateOf(stack).findResources('AWS::IAM::ManagedPolicy'));
    const decrypting = policies
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(
        ({ Action, Condition }) =>
          `${Action}` === 'kms:Decrypt' && `${Condition.StringEquals['kms:ViaService']}`.startsWith('secretsmanager'),
      );
    expect(decrypting.map(({ Resource }) => Resource)).toContainEqual(stack.resolve(encryptionKey.keyArn));
  });

  test.each(['CACHE_URL', 'CACHE_HOST', 'REDIS_URL'])('may not be given another %s', (name) => {
    const shop = testStack();
    const vpc = testVpc(shop);
    const cacheStore = new Cache(shop, 'Cache', { vpc });
    expect(() => beatWith(cacheStore, shop, { vpc, environment: { [name]: 'x' } })).toThrow(
      `Shop/Beat: \`environment.${name}\` must not be named like a variable that the process gets`,
    );
  });
});

describe('a cache that exists', () => {
  const bring = (stack: Stack, attrs: Partial<CacheAttributes> = {}) =>
    Cache.fromCacheAttributes(stack, 'Company', {
      host: 'master.company.abc123.euc1.cache.amazonaws.com',
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
      secret: Secret.fromSecretCompleteArn(
        stack,
        'Login',
        'arn:aws:secretsmanager:eu-central-1:111122223333:secret:company-AbCdEf',
      ),
      ...attrs,
    });

  test('is used at its address, with its secret, and its security group lets the process in', () => {
    const stack = testStack();
    const cacheStore = bring(stack, { port: 6380 });
    beatWith(cacheStore, stack);
    expect(containerOf(stack).Environment).toEqual(
      expect.arrayContaining([
        { Name: 'CACHE_HOST', Value: 'master.company.abc123.euc1.cache.amazonaws.com' },
        { Name: 'CACHE_PORT', Value: '6380' },
      ]),
    );
    expect(containerOf(stack).Secrets).toContainEqual({
      Name: 'CACHE_URL',
      ValueFrom: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:company-AbCdEf:url::',
    });
    templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-0123456789abcdef0',
      FromPort: 6380,
    });
    templateOf(stack).resourceCountIs(GROUP, 0);
    expect(cacheStore.changingSecrets).toEqual([cacheStore.secret]);
    expect(cacheStore.rotationFunction).toBeUndefined();
  });

  test('has no change that anybody could notice, if its secret is known by name only', () => {
    const stack = testStack();
    const secret = Secret.fromSecretNameV2(stack, 'ByName', 'company');
    expect(bring(stack, { secret }).changingSecrets).toEqual([]);
  });

  test('is watched where its nodes are known', () => {
    const stack = testStack();
    const cacheStore = bring(stack, { replicationGroupId: 'company', nodes: 2 });
    expect(cacheStore.nodeIds).toEqual(['company-001', 'company-002']);
    const { alarms } = new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), cacheStore });
    expect(alarms).toHaveLength(5);
    const without = new ApplicationAlarms(stack, 'None', {
      topic: new Topic(stack, 'Other'),
      cacheStore: bring(new Stack(stack, 'Two')),
    });
    expect(without.alarms).toEqual([]);
  });
});

describe('the alarms', () => {
  const alarmsOf = (nodes: number, thresholds = {}) => {
    const stack = testStack();
    const cacheStore = new Cache(stack, 'Cache', { vpc: testVpc(stack), nodes });
    new ApplicationAlarms(stack, 'Alarms', {
      topic: new Topic(stack, 'Topic'),
      cacheStore,
      thresholds,
      dashboard: false,
    });
    const found = Object.entries(templateOf(stack).findResources('AWS::CloudWatch::Alarm'));
    return Object.fromEntries(
      found.map(([id, { Properties }]) => [id.replace(/^AlarmsCache(\w+?)[0-9A-F]{8}$/, '$1'), Properties]),
    );
  };

  test('look at every node, since any of them may become the primary', () => {
    const alarms = alarmsOf(2);
    expect(Object.keys(alarms).sort()).toEqual([
      'CacheConnections',
      'CacheCpu',
      'CacheEvictions',
      'CacheMemory',
      'CacheReplicationLag',
    ]);
    for (const { Metrics, AlarmDescription, AlarmActions, OKActions } of Object.values(alarms)) {
      expect(Metrics.map(({ Expression }: { Expression?: string }) => Expression)).toEqual([
        'MAX(METRICS())',
        undefined,
        undefined,
      ]);
      expect(AlarmDescription).toContain('runbooks.md#cache-');
      expect([AlarmActions.length, OKActions.length]).toEqual([1, 1]);
    }
  });

  test('of one node are on its metrics, without one on a lag that it cannot have', () => {
    const alarms = alarmsOf(1);
    expect(Object.keys(alarms)).not.toContain('CacheReplicationLag');
    expect(alarms.CacheCpu).toMatchObject({
      Namespace: 'AWS/ElastiCache',
      MetricName: 'EngineCPUUtilization',
      Threshold: 80,
      Dimensions: [{ Name: 'CacheClusterId', Value: { 'Fn::Join': ['', [expect.anything(), '-001']] } }],
    });
    expect(alarms.CacheMemory).toMatchObject({ MetricName: 'DatabaseMemoryUsagePercentage', Threshold: 90 });
    expect(alarms.CacheEvictions).toMatchObject({ MetricName: 'Evictions', Statistic: 'Sum', Threshold: 100 });
    expect(alarms.CacheConnections).toMatchObject({ MetricName: 'CurrConnections', Threshold: 1000 });
  });

  test('have thresholds that can be chosen', () => {
    const alarms = alarmsOf(1, { cacheCpuPercent: 50, cacheMemoryPercent: 70, cacheEvictions: 0, cacheConnections: 9 });
    const thresholds = Object.values(alarms).map(({ Threshold }) => Threshold);
    expect(thresholds.sort((a, b) => a - b)).toEqual([0, 9, 50, 70]);
  });
});

test('two caches of one stack have different users', () => {
  const stack = testStack();
  const vpc = testVpc(stack);
  new Cache(stack, 'Sessions', { vpc });
  new Cache(stack, 'Pages', { vpc });
  const users = Object.values(templateOf(stack).findResources('Custom::CacheUser'));
  expect(new Set(users.map(({ Properties }) => JSON.stringify(Properties.UserId))).size).toBe(2);
});
