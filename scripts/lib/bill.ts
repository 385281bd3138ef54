/**
 * List prices in US dollars, us-east-1, November 2026, from secondary sources: check them before you rely on
 * them.
 */
export const PRICES = {
  natGatewayHour: 0.045,
  loadBalancerHour: 0.0225,
  publicAddressHour: 0.005,
  endpointZoneHour: 0.01,
  arm: { cpuHour: 0.03238, gibHour: 0.00356 },
  x86: { cpuHour: 0.04048, gibHour: 0.004445 },
  /** What is left of the price on Spot. */
  spotShare: 0.32,
  databaseHour: { 'db.t4g.micro': 0.016, 'db.t4g.small': 0.032, 'db.t4g.medium': 0.065 } as { [type: string]: number },
  databaseGibMonth: 0.115,
  /** Of Aurora: instances by class, a capacity unit, and storage, which is that of the cluster. */
  auroraHour: { 'db.t4g.medium': 0.073, 'db.t4g.large': 0.146, 'db.r7g.large': 0.276 } as { [type: string]: number },
  auroraUnitHour: 0.12,
  auroraGibMonth: 0.1,
  cacheHour: { 'cache.t4g.micro': 0.0128, 'cache.t4g.small': 0.0256, 'cache.t4g.medium': 0.052 } as {
    [type: string]: number;
  },
  secretMonth: 0.4,
  keyMonth: 1,
  aclMonth: 5,
  aclRuleMonth: 1,
  alarmMetricMonth: 0.1,
  dashboardMonth: 3,
  /** A metric of Container Insights, by their level. */
  insightsMetricMonth: { enabled: 0.3, enhanced: 0.07 } as { [level: string]: number },
  queueRequest: 0.4e-6,
  ownMetricMonth: 0.3,
};
export const HOURS = 730;

/** Seconds after which a worker asks an empty queue again, see `CeleryBroker`. */
const POLL_SECONDS = 20;
/** Metrics of a dump, see `DatabaseDump`. */
const DUMP_METRICS = 4;
/** Hours that the instance of a monthly test restore is paid for: more than it lives. */
const RESTORE_HOURS = 24;
/** As much storage as an instance begins with. */
const AURORA_GIB = 20;

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of every type of resource, as CloudFormation has them.
  readonly Properties: any;
}
/** As much of a template as is priced. */
export interface TemplateOf {
  readonly Resources: { [id: string]: Resource };
}

/** One item of the bill. */
export interface Cost {
  readonly item: string;
  readonly amount: string;
  readonly dollars: number;
}

/** The properties of all resources of a type, each with its logical id. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
type Of = (type: string) => any[];

/**
 * The bill for what a template holds and nobody uses: traffic, logs and storage beyond the first come on top.
 */
export function costsOf({ Resources }: TemplateOf): Cost[] {
  const all = Object.entries(Resources);
  const of: Of = (type) =>
    all.filter(([, { Type }]) => Type === type).map(([id, { Properties }]) => ({ id, ...Properties }));
  const tasks = of('AWS::ECS::Service').map((service) => taskOf(Resources, service));
  return [
    ...networkCosts(of, sum(tasks.map(({ count, isPublic }) => (isPublic ? count : 0)))),
    ...tasks.map(({ item, amount, dollars }) => ({ item, amount, dollars })),
    ...storeCosts(of),
    counted('Secrets', of('AWS::SecretsManager::Secret').length, PRICES.secretMonth),
    counted('Keys', of('AWS::KMS::Key').length, PRICES.keyMonth),
    firewallCost(of),
    ...watchingCosts(of, tasks),
    ...dumpCosts(of),
  ];
}

export function total(costs: Cost[]): number {
  return sum(costs.map(({ dollars }) => dollars));
}

function networkCosts(of: Of, publicTasks: number): Cost[] {
  const natGateways = of('AWS::EC2::NatGateway').length;
  const loadBalancers = of('AWS::ElasticLoadBalancingV2::LoadBalancer');
  const endpoints = of('AWS::EC2::VPCEndpoint').flatMap(({ SubnetIds }) => SubnetIds ?? []).length;
  const addresses =
    natGateways +
    loadBalancers.flatMap(({ Scheme, Subnets }) => (Scheme === 'internal' ? [] : Subnets)).length +
    publicTasks;
  return [
    counted('NAT gateways', natGateways, PRICES.natGatewayHour * HOURS),
    counted('Load balancer', loadBalancers.length, PRICES.loadBalancerHour * HOURS),
    counted('Public IPv4 addresses', addresses, PRICES.publicAddressHour * HOURS),
    { ...counted('Interface endpoints', endpoints, PRICES.endpointZoneHour * HOURS), amount: `${endpoints} in a zone` },
  ];
}

function storeCosts(of: Of): Cost[] {
  return [...databaseCosts(of), ...cacheCosts(of)];
}

/** Instances for each hour, serverless ones for the least capacity, and the first 20 GiB of storage. */
function clusterCosts(of: Of, { ServerlessV2ScalingConfiguration: capacity }: Resource['Properties']): Cost[] {
  const instances = of('AWS::RDS::DBInstance');
  const [{ DBInstanceClass }] = instances;
  const units = capacity?.MinCapacity ?? 0;
  const isServerless = DBInstanceClass === 'db.serverless';
  const hourly = isServerless ? units * PRICES.auroraUnitHour : priceIn(PRICES.auroraHour, DBInstanceClass);
  const name = isServerless ? `serverless, at rest with ${units} ACUs` : DBInstanceClass;
  return [
    { item: 'Database', amount: `${instances.length} × ${name}`, dollars: instances.length * hourly * HOURS },
    {
      item: 'Storage of the database',
      amount: `${AURORA_GIB} GiB, of the cluster`,
      dollars: AURORA_GIB * PRICES.auroraGibMonth,
    },
    {
      item: 'Test restore',
      amount: `${of('AWS::Backup::RestoreTestingPlan').length} a month, without an instance`,
      dollars: 0,
    },
  ];
}

function databaseCosts(of: Of): Cost[] {
  const [cluster] = of('AWS::RDS::DBCluster');
  if (cluster !== undefined) {
    return clusterCosts(of, cluster);
  }
  const instances = of('AWS::RDS::DBInstance');
  const [database] = instances.filter(({ SourceDBInstanceIdentifier }) => SourceDBInstanceIdentifier === undefined);
  const replicas = instances.length - 1;
  const copies = database.MultiAZ ? 2 : 1;
  const hourly = priceIn(PRICES.databaseHour, database.DBInstanceClass);
  const storage = Number(database.AllocatedStorage) * PRICES.databaseGibMonth;
  const restores = of('AWS::Backup::RestoreTestingPlan').length;
  return [
    {
      item: 'Database',
      amount: `${database.DBInstanceClass}${copies > 1 ? ', with standby' : ''}`,
      dollars: copies * hourly * HOURS,
    },
    {
      item: 'Storage of the database',
      amount: `${database.AllocatedStorage} GiB${copies > 1 ? ', twice' : ''}`,
      dollars: copies * storage,
    },
    ...(replicas === 0
      ? []
      : [
          {
            item: 'Read replicas',
            amount: `${replicas} × ${database.DBInstanceClass}, ${database.AllocatedStorage} GiB`,
            dollars: replicas * (hourly * HOURS + storage),
          },
        ]),
    {
      item: 'Test restore',
      amount: `${restores} a month, a day at most`,
      dollars: restores * RESTORE_HOURS * (hourly + storage / HOURS),
    },
  ];
}

function cacheCosts(of: Of): Cost[] {
  return of('AWS::ElastiCache::ReplicationGroup').map(({ CacheNodeType, NumCacheClusters }) => ({
    item: 'Cache',
    amount: `${NumCacheClusters} × ${CacheNodeType}`,
    dollars: NumCacheClusters * priceIn(PRICES.cacheHour, CacheNodeType) * HOURS,
  }));
}

function firewallCost(of: Of): Cost {
  const acls = of('AWS::WAFv2::WebACL');
  const rules = acls.flatMap(({ Rules }) => Rules).length;
  return {
    item: 'Web application firewall',
    amount: rules === 0 ? 'none' : `${rules} rules`,
    dollars: acls.length * PRICES.aclMonth + rules * PRICES.aclRuleMonth,
  };
}

/** CloudWatch keeps the metrics that the log of a dump has; tables without dumps have no line for them. */
function dumpCosts(of: Of): Cost[] {
  const dumps = of('AWS::ECS::TaskDefinition').filter(({ ContainerDefinitions }) =>
    (ContainerDefinitions ?? []).some(({ Name }: { Name: string }) => Name === 'dump'),
  );
  return dumps.length === 0 ? [] : [counted('Metrics of dumps', DUMP_METRICS * dumps.length, PRICES.ownMetricMonth)];
}

function watchingCosts(of: Of, tasks: Task[]): Cost[] {
  const metrics = sum(of('AWS::CloudWatch::Alarm').map(alarmMetrics));
  const tracked = sum(of('AWS::ApplicationAutoScaling::ScalingPolicy').map(trackedMetrics));
  const [level, insights] = insightsMetrics(of, tasks);
  const polls = sum(tasks.map(({ polled }) => polled)) * ((HOURS * 3600) / POLL_SECONDS);
  return [
    { item: 'Alarms', amount: `on ${metrics} metrics`, dollars: metrics * PRICES.alarmMetricMonth },
    {
      item: 'Alarms of target tracking',
      amount: `on ${tracked} metrics`,
      dollars: tracked * PRICES.alarmMetricMonth,
    },
    {
      item: 'Container Insights',
      amount: `${level}, ${insights} metrics`,
      dollars: insights * (PRICES.insightsMetricMonth[level] ?? 0),
    },
    counted('Dashboard', of('AWS::CloudWatch::Dashboard').length, PRICES.dashboardMonth),
    { item: 'Polls of empty queues', amount: polls.toLocaleString('en'), dollars: polls * PRICES.queueRequest },
  ];
}

interface Task extends Cost {
  readonly count: number;
  readonly isPublic: boolean;
  /** Queues that the process asks for messages. */
  readonly polled: number;
}

function taskOf(resources: TemplateOf['Resources'], service: { id: string } & Resource['Properties']): Task {
  const { Cpu, Memory, RuntimePlatform, ContainerDefinitions = [] } = resources[service.TaskDefinition.Ref].Properties;
  const scaling = Object.values(resources).find(
    ({ Type, Properties }) =>
      Type === 'AWS::ApplicationAutoScaling::ScalableTarget' &&
      JSON.stringify(Properties.ResourceId).includes(`"${service.id}"`),
  );
  const count = Number(scaling?.Properties.MinCapacity ?? service.DesiredCount);
  const price = RuntimePlatform.CpuArchitecture === 'ARM64' ? PRICES.arm : PRICES.x86;
  const isSpot = JSON.stringify(service.CapacityProviderStrategy ?? '').includes('SPOT');
  const hourly = (Number(Cpu) / 1024) * price.cpuHour + (Number(Memory) / 1024) * price.gibHour;
  const [, name] = /^App(?:Workers)?([A-Za-z]+?)Service[0-9A-F]{8}$/.exec(service.id) ?? [undefined, service.id];
  return {
    item: `Tasks: ${name.toLowerCase()}`,
    amount: `${count} × ${Number(Cpu) / 1024} vCPU, ${Number(Memory) / 1024} GiB${isSpot ? ', Spot' : ''}`,
    count,
    isPublic: service.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp === 'ENABLED',
    dollars: count * hourly * HOURS * (isSpot ? PRICES.spotShare : 1),
    polled: count * queuesOf(ContainerDefinitions),
  };
}

/** A Celery worker names its queues, separated by commas, after `--queues`. */
function queuesOf(containers: { readonly Command?: string[] }[]): number {
  const command = containers.flatMap(({ Command = [] }) => Command);
  const at = command.indexOf('--queues');
  return at === -1 ? 0 : command[at + 1].split(',').length;
}

/** CloudWatch charges an alarm by the metrics that it looks at. */
function alarmMetrics({ Metrics }: { Metrics?: { MetricStat?: unknown }[] }): number {
  return Metrics === undefined ? 1 : Metrics.filter(({ MetricStat }) => MetricStat !== undefined).length;
}

/** A policy that tracks a target makes two alarms, which are in no template. */
function trackedMetrics({ PolicyType, TargetTrackingScalingPolicyConfiguration }: Resource['Properties']): number {
  const metrics = TargetTrackingScalingPolicyConfiguration?.CustomizedMetricSpecification?.Metrics;
  return PolicyType === 'TargetTrackingScaling' ? 2 * alarmMetrics({ Metrics: metrics }) : 0;
}

/**
 * How many metrics Container Insights publishes for services on Fargate without volumes of EBS or restart
 * policies. What releases and scheduled commands add while they run is left out.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-enhanced-observability-metrics-ECS.html
 */
function insightsMetrics(of: Of, tasks: Task[]): [level: string, metrics: number] {
  const settings = of('AWS::ECS::Cluster').flatMap(({ ClusterSettings = [] }) => ClusterSettings);
  const level = settings.find(({ Name }) => Name === 'containerInsights')?.Value ?? 'disabled';
  const count = sum(tasks.map((task) => task.count));
  // For the cluster, for a service with the family of its task definition, and for a task.
  const published: { [level: string]: number } = {
    enabled: 13 + (15 + 10) * tasks.length,
    enhanced: 27 + (29 + 24) * tasks.length + 48 * count,
  };
  return [level, published[level] ?? 0];
}

function priceIn(prices: { readonly [type: string]: number }, instanceClass: string): number {
  const price = prices[instanceClass];
  if (price === undefined) {
    throw new Error(`the price of ${instanceClass} is not in the table`);
  }
  return price;
}

function counted(item: string, count: number, each: number): Cost {
  return { item, amount: `${count}`, dollars: count * each };
}

function sum(values: number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
