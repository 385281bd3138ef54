import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { InstanceClass, InstanceSize, InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage, CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Profile, type ProfileOptions } from '../constructs/core/profile';
import { DjangoStack, type DjangoStackProps } from '../lib/django-stack';

/**
 * What an application costs a month, counted from its template. `tsx scripts/cost.ts` prints the tables of
 * docs/cost.md, with `--write` it puts them there.
 */

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
  cacheHour: { 'cache.t4g.micro': 0.0128, 'cache.t4g.small': 0.0256, 'cache.t4g.medium': 0.052 } as {
    [type: string]: number;
  },
  secretMonth: 0.4,
  keyMonth: 1,
  aclMonth: 5,
  aclRuleMonth: 1,
  alarmMetricMonth: 0.1,
};
export const HOURS = 730;

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of every type of resource, as CloudFormation has them.
  readonly Properties: any;
}
interface TemplateOf {
  readonly Resources: { [id: string]: Resource };
}

/** One item of the bill. */
export interface Cost {
  readonly item: string;
  readonly amount: string;
  readonly dollars: number;
}

/**
 * The bill for what a template holds and nobody uses: traffic, logs and storage beyond the first come on top.
 */
export function costsOf({ Resources }: TemplateOf): Cost[] {
  const all = Object.entries(Resources);
  const of = (type: string) =>
    all.filter(([, { Type }]) => Type === type).map(([id, { Properties }]) => ({ id, ...Properties }));
  const natGateways = of('AWS::EC2::NatGateway').length;
  const loadBalancers = of('AWS::ElasticLoadBalancingV2::LoadBalancer');
  const endpoints = of('AWS::EC2::VPCEndpoint').flatMap(({ SubnetIds }) => SubnetIds ?? []).length;
  const tasks = of('AWS::ECS::Service').map((service) => taskOf(Resources, service));
  const addresses =
    natGateways +
    loadBalancers.flatMap(({ Scheme, Subnets }) => (Scheme === 'internal' ? [] : Subnets)).length +
    sum(tasks.map(({ count, isPublic }) => (isPublic ? count : 0)));
  const [database] = of('AWS::RDS::DBInstance');
  const copies = database.MultiAZ ? 2 : 1;
  const rules = of('AWS::WAFv2::WebACL').flatMap(({ Rules }) => Rules).length;
  const metrics = sum(of('AWS::CloudWatch::Alarm').map(alarmMetrics));

  return [
    { item: 'NAT gateways', amount: `${natGateways}`, dollars: natGateways * PRICES.natGatewayHour * HOURS },
    {
      item: 'Load balancer',
      amount: `${loadBalancers.length}`,
      dollars: loadBalancers.length * PRICES.loadBalancerHour * HOURS,
    },
    { item: 'Public IPv4 addresses', amount: `${addresses}`, dollars: addresses * PRICES.publicAddressHour * HOURS },
    {
      item: 'Interface endpoints',
      amount: `${endpoints} in a zone`,
      dollars: endpoints * PRICES.endpointZoneHour * HOURS,
    },
    ...tasks.map(({ item, amount, dollars }) => ({ item, amount, dollars })),
    {
      item: 'Database',
      amount: `${database.DBInstanceClass}${copies > 1 ? ', with standby' : ''}`,
      dollars: copies * priceIn(PRICES.databaseHour, database.DBInstanceClass) * HOURS,
    },
    {
      item: 'Storage of the database',
      amount: `${database.AllocatedStorage} GiB${copies > 1 ? ', twice' : ''}`,
      dollars: copies * Number(database.AllocatedStorage) * PRICES.databaseGibMonth,
    },
    ...of('AWS::ElastiCache::ReplicationGroup').map(({ CacheNodeType, NumCacheClusters }) => ({
      item: 'Cache',
      amount: `${NumCacheClusters} × ${CacheNodeType}`,
      dollars: NumCacheClusters * priceIn(PRICES.cacheHour, CacheNodeType) * HOURS,
    })),
    counted('Secrets', of('AWS::SecretsManager::Secret').length, PRICES.secretMonth),
    counted('Keys', of('AWS::KMS::Key').length, PRICES.keyMonth),
    {
      item: 'Web application firewall',
      amount: rules === 0 ? 'none' : `${rules} rules`,
      dollars: of('AWS::WAFv2::WebACL').length * PRICES.aclMonth + rules * PRICES.aclRuleMonth,
    },
    { item: 'Alarms', amount: `on ${metrics} metrics`, dollars: metrics * PRICES.alarmMetricMonth },
  ];
}

export function total(costs: Cost[]): number {
  return sum(costs.map(({ dollars }) => dollars));
}

/** The application that is priced: one of each kind of process, a second worker, one scheduled command. */
function templateOf(profile: Profile, props: Partial<DjangoStackProps> = {}): TemplateOf {
  // Only the numbers in the template count: no copies of assets, no traces.
  const app = new App({
    stackTraces: false,
    treeMetadata: false,
    analyticsReporting: false,
    context: { 'aws:cdk:disable-asset-staging': true },
  });
  const stack = new DjangoStack(app, 'Shop', {
    image: ContainerImage.fromRegistry('shop'),
    settingsModule: 'config.settings',
    domainName: 'shop.example.com',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    profile,
    asgi: { paths: ['/ws/*'] },
    queues: { default: {}, express: {} },
    workers: { general: { queueNames: ['default'] }, express: { queueNames: ['express'] } },
    beat: {},
    scheduledCommands: {
      nightly: { command: ['python', 'manage.py', 'clearsessions'], schedule: ScheduleExpression.cron({ hour: '3' }) },
    },
    ...props,
  });
  return app.synth().getStackByName(stack.stackName).template;
}

const SMALL = InstanceType.of(InstanceClass.T4G, InstanceSize.SMALL);
const CDN = { cdn: {}, domainName: undefined, hostedZoneId: undefined };
type Switch = [text: string, options: ProfileOptions, props?: Partial<DjangoStackProps>];

const SWITCHES: { [profile: string]: Switch[] } = {
  production: [
    ['`natGateways: 1`', { natGateways: 1 }],
    ['`natGateways: 0`: tasks in public subnets', { natGateways: 0 }],
    ['`multiAz: false`', { multiAz: false }],
    ['`databaseInstanceType`: db.t4g.small', { databaseInstanceType: SMALL }],
    ['`workerSpot: true`', { workerSpot: true }],
    ['`webMinCapacity: 1`', { webMinCapacity: 1 }],
    ['`webFirewall: false`', { webFirewall: false }],
    ['`databaseBackup: false`', { databaseBackup: false }],
    ['no ASGI service', {}, { asgi: undefined }],
    ['one worker for both queues', {}, { workers: undefined }],
    ['`cache: {}`: two nodes, their secret and their alarms', {}, { cache: {} }],
    ['`cpuArchitecture`: X86_64', {}, { cpuArchitecture: CpuArchitecture.X86_64 }],
  ],
  development: [
    ['`natGateways: 1`', { natGateways: 1 }],
    ['`multiAz: true`', { multiAz: true }],
    ['`databaseInstanceType`: db.t4g.small', { databaseInstanceType: SMALL }],
    ['`workerSpot: false`', { workerSpot: false }],
    ['`webFirewall: true`', { webFirewall: true }],
    ['no ASGI service', {}, { asgi: undefined }],
    ['`cache: {}`: one node, its secret and its alarms', {}, { cache: {} }],
    ['`cdn: {}` in the place of a domain: no public address of the load balancer', {}, CDN],
    ['web alone: no ASGI, no queues', {}, { asgi: undefined, queues: undefined, workers: undefined, beat: undefined }],
  ],
};

type ProfileOf = (options?: ProfileOptions) => Profile;
const PROFILES: [name: string, make: ProfileOf][] = [
  ['production', Profile.production],
  ['development', Profile.development],
];
const WEB_ALONE = {
  asgi: undefined,
  queues: undefined,
  workers: undefined,
  beat: undefined,
  scheduledCommands: undefined,
};

let whole: { name: string; make: ProfileOf; bill: Cost[] }[] | undefined;

/** The bill of the whole application in each profile. Both documents print it, so it is made once. */
function wholeBills() {
  whole ??= PROFILES.map(([name, make]) => ({ name, make, bill: costsOf(templateOf(make())) }));
  return whole;
}

/** The table of README.md: the whole application and the smallest one, in whole dollars a month. */
export function priceTable(): string {
  const all = wholeBills().map(({ bill }) => `$${Math.round(total(bill))}`);
  const small = PROFILES.map(([, make]) => `$${Math.round(total(costsOf(templateOf(make(), WEB_ALONE))))}`);
  return [
    row([
      'List price a month, us-east-1',
      '`Profile.production()`: redundant, protected',
      '`Profile.development()`: small, disposable',
    ]),
    '|---|---:|---:|',
    row(['gunicorn, uvicorn, two Celery workers, beat, PostgreSQL', ...all]),
    row(['gunicorn and PostgreSQL alone', ...small]),
  ].join('\n');
}

/** The generated part of docs/cost.md. */
export function costTables(): string {
  const bills = wholeBills();
  const items = [...new Set(bills.flatMap(({ bill }) => bill.map(({ item }) => item)))];
  const cell = (bill: Cost[], item: string) => {
    const cost = bill.find((other) => other.item === item);
    return cost === undefined || cost.dollars === 0 ? ['–', '–'] : [cost.amount, dollars(cost.dollars)];
  };
  return [
    '| Item | production | $ a month | development | $ a month |',
    '|---|---|---:|---|---:|',
    ...items.map((item) => row([item, ...bills.flatMap(({ bill }) => cell(bill, item))])),
    row(['**Together**', ...bills.flatMap(({ bill }) => ['', `**${dollars(total(bill))}**`])]),
    ...bills.flatMap(({ name, make, bill }) => [
      '',
      `What a switch changes in **${name}**, each by itself:`,
      '',
      '| Switch | $ a month |',
      '|---|---:|',
      ...SWITCHES[name].map(([text, options, props]) =>
        row([text, signed(total(costsOf(templateOf(make(options), props))) - total(bill))]),
      ),
    ]),
  ].join('\n');
}

function taskOf(resources: TemplateOf['Resources'], service: { id: string } & Resource['Properties']) {
  const { Cpu, Memory, RuntimePlatform } = resources[service.TaskDefinition.Ref].Properties;
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
  };
}

/** CloudWatch charges an alarm by the metrics that it looks at. */
function alarmMetrics({ Metrics }: { Metrics?: { MetricStat?: unknown }[] }): number {
  return Metrics === undefined ? 1 : Metrics.filter(({ MetricStat }) => MetricStat !== undefined).length;
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

function row(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function dollars(value: number): string {
  return value.toFixed(2);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}

export const DOCUMENT = join(__dirname, '..', 'docs', 'cost.md');
/** The lines between which the tables stand. */
export const GENERATED =
  /(?<begin><!-- generated by scripts\/cost\.ts -->)(?<tables>[\s\S]*)(?<end><!-- end of what is generated -->)/;

if (require.main === module) {
  process.env.CDK_VALIDATION ??= 'false';
  const tables = costTables();
  if (process.argv.includes('--write')) {
    const document = readFileSync(DOCUMENT, 'utf8');
    writeFileSync(
      DOCUMENT,
      document.replace(GENERATED, (_all, begin, _tables, end) => `${begin}\n\n${tables}\n\n${end}`),
    );
  } else {
    process.stdout.write(`${tables}\n`);
  }
}
