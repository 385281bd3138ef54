import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { billOf, CEILINGS, priceTable } from '../scripts/cost';
import { type Cost, costsOf, HOURS, PRICES, total } from '../scripts/lib/bill';

const service = (properties: object, taskDefinition: object = {}) => ({
  Task: {
    Type: 'AWS::ECS::TaskDefinition',
    Properties: { Cpu: '256', Memory: '512', RuntimePlatform: { CpuArchitecture: 'ARM64' }, ...taskDefinition },
  },
  AppWebService00000000: {
    Type: 'AWS::ECS::Service',
    Properties: {
      TaskDefinition: { Ref: 'Task' },
      DesiredCount: 1,
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
      ...properties,
    },
  },
});

const database = (properties: object = {}) => ({
  Database: {
    Type: 'AWS::RDS::DBInstance',
    Properties: { DBInstanceClass: 'db.t4g.micro', AllocatedStorage: '20', ...properties },
  },
});

const costOf = (resources: object, item: string) =>
  costsOf({ Resources: { ...database(), ...resources } } as Parameters<typeof costsOf>[0]).find(
    (cost) => cost.item === item,
  ) as Cost;

test('README.md shows the prices that the code gives; otherwise run `npm run docs`', () => {
  const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');
  expect(readme).toContain(priceTable());
}, 60_000);

test.each(CEILINGS)('at most $%d a month: %s, %s', (dollars, profile, application) => {
  expect(total(billOf(profile, application))).toBeLessThanOrEqual(dollars);
});

test('the smallest task on ARM costs what AWS writes for it', () => {
  expect(costOf(service({}), 'Tasks: web').dollars).toBeCloseTo(7.21, 2);
});

test('the smallest task on x86 costs what AWS writes for it', () => {
  const { dollars } = costOf(service({}, { RuntimePlatform: { CpuArchitecture: 'X86_64' } }), 'Tasks: web');
  expect(dollars).toBeCloseTo(9.01, 2);
});

test('a service that scales is priced at its minimum', () => {
  const scaling = {
    Type: 'AWS::ApplicationAutoScaling::ScalableTarget',
    Properties: { MinCapacity: 3, ResourceId: { 'Fn::GetAtt': ['AppWebService00000000', 'Name'] } },
  };
  const { dollars, amount } = costOf({ ...service({ DesiredCount: undefined }), scaling }, 'Tasks: web');
  expect(amount).toBe('3 × 0.25 vCPU, 0.5 GiB');
  expect(dollars).toBeCloseTo(3 * 7.21, 1);
});

test('Spot takes two thirds off', () => {
  const spot = service({ CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE_SPOT' }] });
  expect(costOf(spot, 'Tasks: web').dollars / costOf(service({}), 'Tasks: web').dollars).toBeCloseTo(PRICES.spotShare);
});

test('a standby doubles instance and storage', () => {
  for (const item of ['Database', 'Storage of the database']) {
    expect(costOf(database({ MultiAZ: true }), item).dollars).toBeCloseTo(2 * costOf({}, item).dollars);
  }
});

test('every public address costs: of tasks, of NAT gateways, of the load balancer in each of its subnets', () => {
  const resources = {
    ...service({ NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'ENABLED' } } }),
    nat: { Type: 'AWS::EC2::NatGateway', Properties: {} },
    balancer: { Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer', Properties: { Subnets: ['a', 'b'] } },
  };
  expect(costOf(resources, 'Public IPv4 addresses').dollars).toBeCloseTo(4 * PRICES.publicAddressHour * HOURS);
});

test('a load balancer behind a distribution has no public address to pay for', () => {
  const balancer = {
    Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
    Properties: { Scheme: 'internal', Subnets: ['a', 'b'] },
  };
  expect(costOf({ balancer }, 'Public IPv4 addresses').dollars).toBe(0);
});

test('an alarm costs by the metrics that it looks at', () => {
  const alarm = (Properties: object) => ({ Type: 'AWS::CloudWatch::Alarm', Properties });
  const resources = {
    one: alarm({ MetricName: 'Errors' }),
    three: alarm({ Metrics: [{ Expression: 'a + b' }, { MetricStat: {} }, { MetricStat: {} }] }),
  };
  expect(costOf(resources, 'Alarms').amount).toBe('on 3 metrics');
});

test('a policy that tracks a target has two alarms on its metrics, and one with steps has those of the template', () => {
  const policy = (PolicyType: string, TargetTrackingScalingPolicyConfiguration?: object) => ({
    Type: 'AWS::ApplicationAutoScaling::ScalingPolicy',
    Properties: { PolicyType, TargetTrackingScalingPolicyConfiguration },
  });
  const Metrics = [{ MetricStat: {} }, { MetricStat: {} }, { Expression: 'a * b' }];
  const resources = {
    cpu: policy('TargetTrackingScaling', { PredefinedMetricSpecification: {} }),
    threads: policy('TargetTrackingScaling', { CustomizedMetricSpecification: { Metrics } }),
    backlog: policy('StepScaling'),
  };
  expect(costOf(resources, 'Alarms of target tracking')).toMatchObject({ amount: 'on 6 metrics' });
  expect(costOf(resources, 'Alarms of target tracking').dollars).toBeCloseTo(0.6);
});

test.each([
  ['enabled', 38, 11.4],
  ['enhanced', 27 + 53 + 2 * 48, 12.32],
  ['disabled', 0, 0],
])('Container Insights that are %s cost by the metrics of cluster, services and tasks', (Value, metrics, dollars) => {
  const cluster = {
    Type: 'AWS::ECS::Cluster',
    Properties: { ClusterSettings: [{ Name: 'containerInsights', Value }] },
  };
  const cost = costOf({ cluster, ...service({ DesiredCount: 2 }) }, 'Container Insights');
  expect(cost.amount).toBe(`${Value}, ${metrics} metrics`);
  expect(cost.dollars).toBeCloseTo(dollars);
});

test('a dashboard, a monthly test restore and the polls of idle workers cost, too', () => {
  const resources = {
    dashboard: { Type: 'AWS::CloudWatch::Dashboard', Properties: {} },
    plan: { Type: 'AWS::Backup::RestoreTestingPlan', Properties: {} },
    ...service({ DesiredCount: 2 }, { ContainerDefinitions: [{ Command: ['celery', '--queues', 'default,express'] }] }),
  };
  expect(costOf(resources, 'Dashboard').dollars).toBe(3);
  expect(costOf(resources, 'Test restore').dollars).toBeCloseTo(24 * 0.016 + (24 / 730) * 2.3);
  expect(costOf(resources, 'Polls of empty queues')).toMatchObject({ amount: '525,600' });
  expect(costOf(resources, 'Polls of empty queues').dollars).toBeCloseTo(0.21);
});

test('a cache costs by its nodes, and an application without one has no such item', () => {
  const group = { CacheNodeType: 'cache.t4g.micro', NumCacheClusters: 2 };
  const resources = { cache: { Type: 'AWS::ElastiCache::ReplicationGroup', Properties: group } };
  expect(costOf(resources, 'Cache')).toMatchObject({ amount: '2 × cache.t4g.micro' });
  expect(costOf(resources, 'Cache').dollars).toBeCloseTo(18.69, 2);
  expect(costOf({}, 'Cache')).toBeUndefined();
});

test('a dump costs its metrics, and an application without one has no such item', () => {
  const containers = ['prepare', 'dump', 'upload'].map((Name) => ({ Name }));
  const resources = { dump: { Type: 'AWS::ECS::TaskDefinition', Properties: { ContainerDefinitions: containers } } };
  expect(costOf(resources, 'Metrics of dumps')).toMatchObject({ amount: '4', dollars: 1.2 });
  expect(costOf({}, 'Metrics of dumps')).toBeUndefined();
});

test('a class without a price is refused rather than left out', () => {
  expect(() => costOf(database({ DBInstanceClass: 'db.r8g.24xlarge' }), 'Database')).toThrow(
    'the price of db.r8g.24xlarge is not in the table',
  );
});

test('the total is the sum of the items', () => {
  expect(total([1, 2].map((dollars) => ({ item: '', amount: '', dollars })))).toBe(3);
});
