import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cost, costsOf, HOURS, PRICES, priceTable, total } from '../scripts/cost';

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

test('a cache costs by its nodes, and an application without one has no such item', () => {
  const group = { CacheNodeType: 'cache.t4g.micro', NumCacheClusters: 2 };
  const resources = { cache: { Type: 'AWS::ElastiCache::ReplicationGroup', Properties: group } };
  expect(costOf(resources, 'Cache')).toMatchObject({ amount: '2 × cache.t4g.micro' });
  expect(costOf(resources, 'Cache').dollars).toBeCloseTo(18.69, 2);
  expect(costOf({}, 'Cache')).toBeUndefined();
});

test('a class without a price is refused rather than left out', () => {
  expect(() => costOf(database({ DBInstanceClass: 'db.r8g.24xlarge' }), 'Database')).toThrow(
    'the price of db.r8g.24xlarge is not in the table',
  );
});

test('the total is the sum of the items', () => {
  expect(total([1, 2].map((dollars) => ({ item: '', amount: '', dollars })))).toBe(3);
});
