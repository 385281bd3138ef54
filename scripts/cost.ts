import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { InstanceClass, InstanceSize, InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage, ContainerInsights, CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Profile, type ProfileOptions } from '../constructs/core/profile';
import { ShopStack } from '../examples/django-app/shop-stack';
import { DjangoStack, type DjangoStackProps } from '../lib/django-stack';
import { type Cost, costsOf, type TemplateOf, total } from './lib/bill';

/**
 * What an application costs a month, counted from its template. `tsx scripts/cost.ts` prints the tables of
 * docs/cost.md, with `--write` it puts them there.
 */

/**
 * The application that is priced: one of each kind of process, a second worker, one scheduled command.
 *
 * All templates of the app count: nested ones, and those of stacks in other regions.
 */
function templateOf(profile: Profile, props: Partial<DjangoStackProps> = {}): TemplateOf {
  const app = emptyApp();
  new DjangoStack(app, 'Shop', {
    image: ContainerImage.fromRegistry('shop'),
    settingsModule: 'config.settings',
    ...DOMAIN,
    profile,
    asgi: { paths: ['/ws/*'] },
    queues: { default: {}, express: {} },
    workers: { general: { queueNames: ['default'] }, express: { queueNames: ['express'] } },
    beat: {},
    scheduledCommands: {
      nightly: {
        command: ['python', 'manage.py', 'clearsessions'],
        schedule: ScheduleExpression.cron({ hour: '3', minute: '0' }),
      },
    },
    ...props,
  });
  return templatesOf(app);
}

/** The example of this repository, with a domain. */
function exampleOf(profile: Profile): TemplateOf {
  const app = emptyApp();
  new ShopStack(app, 'Shop', { ...DOMAIN, profile });
  return templatesOf(app);
}

/** Only the numbers in a template count: no copies of assets, no traces. */
function emptyApp(): App {
  return new App({
    stackTraces: false,
    treeMetadata: false,
    analyticsReporting: false,
    context: { 'aws:cdk:disable-asset-staging': true },
  });
}

function templatesOf(app: App): TemplateOf {
  const { directory } = app.synth();
  const files = readdirSync(directory).filter((file) => file.endsWith('.template.json'));
  const all = files.flatMap((file) =>
    Object.entries((JSON.parse(readFileSync(join(directory, file), 'utf8')) as TemplateOf).Resources),
  );
  const Resources = Object.fromEntries(all);
  if (Object.keys(Resources).length < all.length) {
    throw new Error('two templates have the same logical id: count them one by one');
  }
  return { Resources };
}

const DOMAIN = { domainName: 'shop.example.com', hostedZoneId: 'Z0123456789ABCDEFGHIJ' };
const SMALL = InstanceType.of(InstanceClass.T4G, InstanceSize.SMALL);
const CDN = { cdn: {}, domainName: undefined, hostedZoneId: undefined };
const environmentIn = (region: string) => ({ account: '111122223333', region });
type Switch = [text: string, options: ProfileOptions, props?: Partial<DjangoStackProps>];

const SWITCHES: { [profile: string]: Switch[] } = {
  production: [
    ['`natGateways: 2`: one for each zone', { natGateways: 2 }],
    ['`natGateways: 0`: tasks in public subnets', { natGateways: 0 }],
    ['`containerInsights`: ENABLED', { containerInsights: ContainerInsights.ENABLED }],
    ['`containerInsights`: ENHANCED', { containerInsights: ContainerInsights.ENHANCED }],
    ['`dashboard: false`', { dashboard: false }],
    ['`multiAz: false`', { multiAz: false }],
    ['`databaseInstanceType`: db.t4g.small', { databaseInstanceType: SMALL }],
    ['`databaseOptions: { readReplicas: 1 }`: another instance', {}, { databaseOptions: { readReplicas: 1 } }],
    ['`aurora: {}`: a writer and a reader in place of instance and standby', {}, { aurora: {} }],
    ['`aurora`, serverless from 0.5 ACUs: while nothing happens', {}, { aurora: { serverless: { minCapacity: 0.5 } } }],
    ['`workerSpot: true`', { workerSpot: true }],
    ['`webMinCapacity: 1`', { webMinCapacity: 1 }],
    ['`webFirewall: false`', { webFirewall: false }],
    ['`databaseBackup: false`', { databaseBackup: false }],
    ['no ASGI service', {}, { asgi: undefined }],
    ['one worker for both queues', {}, { workers: undefined }],
    ['`cache: {}`: two nodes, their secret and their alarms', {}, { cache: {} }],
    ['`databaseDump: {}`: a key, four metrics and their alarms', {}, { databaseDump: {} }],
    ['`cpuArchitecture`: X86_64', {}, { cpuArchitecture: CpuArchitecture.X86_64 }],
    [
      '`cdn: {}` in us-east-1: no public address of the load balancer',
      {},
      { cdn: {}, env: environmentIn('us-east-1') },
    ],
    ['`cdn: {}` in another Region: a key in us-east-1, too', {}, { cdn: {}, env: environmentIn('eu-central-1') }],
  ],
  development: [
    ['`natGateways: 1`', { natGateways: 1 }],
    ['`multiAz: true`', { multiAz: true }],
    ['`databaseInstanceType`: db.t4g.small', { databaseInstanceType: SMALL }],
    ['`aurora: {}`: serverless, while it is paused; each ACU costs $0.12 an hour', {}, { aurora: {} }],
    ['`webSpot: false`', { webSpot: false }],
    ['`workerSpot: false`', { workerSpot: false }],
    ['`webMaxCapacity: 2, workerMaxCapacity: 4`: services scale', { webMaxCapacity: 2, workerMaxCapacity: 4 }],
    ['`containerInsights`: ENABLED', { containerInsights: ContainerInsights.ENABLED }],
    ['`dashboard: true`', { dashboard: true }],
    ['`webFirewall: true`', { webFirewall: true }],
    ['no ASGI service', {}, { asgi: undefined }],
    ['`cache: {}`: one node, its secret and its alarms', {}, { cache: {} }],
    ['`databaseDump: {}`: a key, four metrics and their alarms', {}, { databaseDump: {} }],
    ['`cdn: {}` in the place of a domain: no public address of the load balancer', {}, CDN],
    ['web alone: no ASGI, no queues', {}, { asgi: undefined, queues: undefined, workers: undefined, beat: undefined }],
  ],
};

type ProfileOf = (options?: ProfileOptions) => Profile;
const PROFILES: [name: 'production' | 'development', make: ProfileOf][] = [
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

/** What is priced with everything left as the profile has it. */
const APPLICATIONS = {
  'all processes': {},
  'web alone': WEB_ALONE,
  'all processes, media, cache and mail': { media: {}, cache: {}, mail: {} },
  'every part, with a distribution': {
    media: {},
    cache: {},
    mail: {},
    staticFiles: {},
    cdn: { publicMediaPaths: ['/public/*'], signedMediaPaths: ['/media/*'] },
    env: environmentIn('eu-central-1'), // What stands in us-east-1 then is dearer than beside the application.
  },
} satisfies { [name: string]: Partial<DjangoStackProps> };
const EXAMPLE = 'the example of this repository';
type Application = keyof typeof APPLICATIONS | typeof EXAMPLE;

const made = new Map<string, Cost[]>();

/** The bill of an application in a profile, made once: documents and tests ask for the same ones. */
export function billOf(profile: 'production' | 'development', application: Application): Cost[] {
  const key = `${profile} ${application}`;
  const of = Profile[profile]();
  const bill =
    made.get(key) ?? costsOf(application === EXAMPLE ? exampleOf(of) : templateOf(of, APPLICATIONS[application]));
  made.set(key, bill);
  return bill;
}

/** What may be paid in a month in which nobody comes; `npm test` fails when the code computes more. */
export const CEILINGS: [dollars: number, profile: 'production' | 'development', application: Application][] = [
  [60, 'development', 'web alone'],
  [100, 'development', 'all processes, media, cache and mail'],
  [100, 'development', 'every part, with a distribution'],
  [100, 'development', EXAMPLE],
  [300, 'production', 'all processes'],
  [330, 'production', 'all processes, media, cache and mail'],
  [330, 'production', 'every part, with a distribution'],
  [330, 'production', EXAMPLE],
];

/** The bill of the whole application in each profile. */
function wholeBills() {
  return PROFILES.map(([name, make]) => ({ name, make, bill: billOf(name, 'all processes') }));
}

/** The table of README.md: the whole application and the smallest one, in whole dollars a month. */
export function priceTable(): string {
  const priced = (application: Application) =>
    PROFILES.map(([name]) => `$${Math.round(total(billOf(name, application)))}`);
  return [
    row([
      'List price a month, us-east-1',
      '`Profile.production()`: redundant, protected',
      '`Profile.development()`: small, disposable',
    ]),
    '|---|---:|---:|',
    row(['gunicorn, uvicorn, two Celery workers, beat, PostgreSQL', ...priced('all processes')]),
    row(['gunicorn and PostgreSQL alone', ...priced('web alone')]),
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
    '',
    '| In a month in which nobody comes | $ a month | at most |',
    '|---|---:|---:|',
    ...CEILINGS.map(([most, profile, application]) =>
      row([`${profile}, ${application}`, dollars(total(billOf(profile, application))), String(most)]),
    ),
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
