import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { STRUCTS } from '../../constructs/core/private/kind-table';
import { Profile } from '../../constructs/core/profile';
import { type InvalidCase, MESSAGE_FORM } from '../invalid/case';
import { errorOf, testStack } from '../support';

const rooms = join(__dirname, '..', '..', 'constructs');
const invalid = join(__dirname, '..', 'invalid');

/** What the user of an application can write for the parts of a room. */
const WRITTEN_FOR: { readonly [room: string]: readonly (keyof typeof STRUCTS)[] } = {
  application: [],
  backup: ['DatabaseBackupOptions'],
  database: ['PostgresDatabaseOptions', 'AuroraPostgresDatabaseOptions', 'ServerlessCapacity'],
  dumps: ['DatabaseDumpOptions', 'RestoreDrillOptions'],
  edge: ['CdnOptions', 'HttpsLoadBalancerOptions', 'WebFirewallOptions'],
  monitoring: [],
  network: ['NetworkOptions'],
  notifications: [],
  processes: [
    'WebServiceOptions',
    'AsgiServiceOptions',
    'WorkerServiceOptions',
    'BeatServiceOptions',
    'ReleaseCommandOptions',
    'ScheduledCommandOptions',
  ],
  mail: ['MailOptions'],
  queues: ['TaskQueueOptions'],
  secrets: ['SecretKeyOptions'],
  storage: ['MediaStorageOptions', 'StaticFilesOptions'],
  cache: ['CacheOptions'],
};

/** Props of parts that messages call by another name, by a case below. */
const RENAMED = ['emailAddresses', 'thresholds'];

/** Names that only somebody can meet who wrote them: the application does not hand them on, or hands on what holds. */
const OF_PARTS_ALONE: { readonly [name: string]: string } = {
  securityGroupId: 'an attribute of a load balancer that the user imports',
  loadBalancerArn: 'an attribute of a load balancer that the user imports',
  listenerArn: 'an attribute of a load balancer that the user imports',
  loadBalancerDnsName: 'an attribute of a load balancer that the user imports',
  loadBalancerCanonicalHostedZoneId: 'an attribute of a load balancer that the user imports',
  applicationImage: 'of dumps that the user makes: the application gives its own its image',
  maxConnections: 'an attribute of a database that the user brings',
  host: 'an attribute of a cache that the user brings',
  longestLifetime: 'of keys for signed URLs that the user makes',
  port: 'of a health check or an Egress that the user makes',
  queue: 'an attribute of a queue that the user imports',
  existingQueues: 'of a broker that the user makes',
  queueNames: 'an argument of grantConsume(), and a prop of a worker',
  path: 'of a health check that the user makes',
  maxAge: 'of a health check that the user makes',
  startPeriod: 'of a health check that the user makes',
  maxRequests: 'of a server that the user makes',
  maxRequestsJitter: 'of a server that the user makes',
  workerConnections: 'of a server that the user makes',
  scope: 'of a firewall that the user makes: the application knows where its own stands',
  allowedHosts: 'of a service that the user makes: the application tells its own the name of the distribution',
  services: 'the application divides them between refreshes, so that each has as many as fit',
};

/** A prop that a check names; where a variable stands instead, the props themselves supply the name. */
const NAMED = /\.(?:that|refuse|optional|integer|number|duration|matches)\(\s*['`]([A-Za-z]\w*)/g;

function sources(folder: string): string[] {
  return readdirSync(join(rooms, folder), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? sources(join(folder, entry.name)) : [join(folder, entry.name)]))
    .filter((file) => file.endsWith('.ts'));
}

function propsOf(...structs: (keyof typeof STRUCTS)[]): string[] {
  return structs.flatMap((struct) => Object.keys(STRUCTS[struct]));
}

function namedIn(room: string): string[] {
  const texts = sources(room).map((file) => readFileSync(join(rooms, file), 'utf8'));
  return [...new Set(texts.flatMap((text) => [...text.matchAll(NAMED)].map(([, name]) => name)))];
}

test.each(Object.entries(WRITTEN_FOR))(
  'checks of %s name what a user of the application can write',
  (room, structs) => {
    const written = [...propsOf('DjangoApplicationProps', ...structs), ...RENAMED];
    const strange = namedIn(room).filter((name) => !written.includes(name));
    expect(strange.filter((name) => OF_PARTS_ALONE[name] === undefined)).toEqual([]);
  },
);

test('no room of checks and no excused name is left out of these lists', () => {
  const withChecks = readdirSync(rooms, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['core', 'handlers'].includes(entry.name))
    .map(({ name }) => name);
  expect(withChecks.filter((room) => WRITTEN_FOR[room] === undefined)).toEqual([]);
  const named = Object.keys(WRITTEN_FOR).flatMap(namedIn);
  expect([...Object.keys(OF_PARTS_ALONE), ...RENAMED].filter((name) => !named.includes(name))).toEqual([]);
});

/** What the user can write for the part at a path below the application. */
function writtenAt(path: string): string[] {
  const part = path.split('/')[2];
  const options: { readonly [part: string]: keyof typeof STRUCTS } = {
    Asgi: 'AsgiServiceOptions',
    Backup: 'DatabaseBackupOptions',
    Beat: 'BeatServiceOptions',
    Broker: 'TaskQueueOptions',
    Cache: 'CacheOptions',
    Cdn: 'CdnOptions',
    Database: 'PostgresDatabaseOptions',
    LoadBalancer: 'HttpsLoadBalancerOptions',
    Mail: 'MailOptions',
    Media: 'MediaStorageOptions',
    Network: 'NetworkOptions',
    Release: 'ReleaseCommandOptions',
    Schedules: 'ScheduledCommandOptions',
    SecretKey: 'SecretKeyOptions',
    StaticFiles: 'StaticFilesOptions',
    Web: 'WebServiceOptions',
    WebFirewall: 'WebFirewallOptions',
    Workers: 'WorkerServiceOptions',
  };
  return ['profile', ...propsOf('DjangoApplicationProps'), ...(options[part] ? propsOf(options[part]) : [])];
}

test('every message of every wrong application names what the user wrote', () => {
  const cases: InvalidCase[] = readdirSync(invalid)
    .filter((file) => file.endsWith('.ts') && file !== 'case.ts')
    .flatMap((file) => require(join(invalid, file)).cases)
    .filter(({ name }) => /application/i.test(name));
  expect(cases.length).toBeGreaterThan(60);
  const strange = cases.flatMap(({ name, make }) =>
    errorOf(() => make(testStack()))
      .split('\n')
      .filter((line) => line.startsWith('Shop/App'))
      .filter((line) => {
        const prop = MESSAGE_FORM.exec(line)?.groups?.prop.split(/[.[]/)[0] ?? '';
        return !writtenAt(line.split(':')[0]).includes(prop);
      })
      .map((line) => `${name}: ${line}`),
  );
  expect(strange).toEqual([]);
});

function messageOf(props: Partial<DjangoApplicationProps>): string {
  const image = ContainerImage.fromRegistry('registry.example.com/shop');
  const common = { image, settingsModule: 'config.settings', profile: Profile.development() };
  return errorOf(() => new DjangoApplication(testStack(), 'App', { ...common, ...props }));
}

const hourly = { schedule: ScheduleExpression.rate(Duration.hours(1)), command: ['python', 'manage.py', 'x'] };
const small = Profile.development({ databaseInstanceType: new InstanceType('t4g.micro') });

test.each<[string, Partial<DjangoApplicationProps>, string]>([
  ['an address for mail', { notificationEmails: ['nobody'] }, 'Shop/App/Notifications: `notificationEmails[0]` must'],
  ['a threshold', { alarmThresholds: { cpuPercent: 200 } }, 'Shop/App/Alarms: `alarmThresholds.cpuPercent` must'],
  [
    'a size in the profile',
    { profile: Profile.development({ webCpu: 300 }) },
    'Shop/App/Web: `profile.webCpu` must be one of',
  ],
  [
    'a size in the profile beside one of a worker',
    {
      queues: { default: {} },
      workers: { w: { cpu: 512 } },
      profile: Profile.development({ workerMemoryLimitMiB: 512 }),
    },
    'Shop/App/Workers/w: `profile.workerMemoryLimitMiB` must be from 1024 to 4096 MiB in steps of 1024 with `cpu` 512',
  ],
  [
    'a size of a worker beside the default of the other',
    { queues: { default: {} }, workers: { w: { cpu: 512 } } },
    'Shop/App/Workers/w: `memoryLimitMiB` must be from 1024',
  ],
  [
    'the size of a schedule in the profile',
    {
      scheduledCommands: { s: hourly },
      web: { cpu: 256, memoryLimitMiB: 512 },
      profile: Profile.development({ workerCpu: 300 }),
    },
    'Shop/App/Release: `profile.workerCpu` must',
  ],
  [
    'the zones of the profile',
    { profile: Profile.development({ maxAzs: 4 }) },
    'Shop/App/Network: `profile.maxAzs` must',
  ],
  [
    'the storage of the profile',
    { profile: Profile.development({ databaseStorageGiB: 5 }) },
    'Shop/App/Database: `profile.databaseStorageGiB` must',
  ],
  [
    'tasks in the profile that need too many connections',
    { profile: Profile.development({ webMaxCapacity: 90 }) },
    'Shop/App: `profile.webMaxCapacity` must add up',
  ],
  [
    'a class in the profile that has too few connections',
    { profile: small, web: { processes: 2, threads: 40, connectionsPerProcess: 40 } },
    'Shop/App: `profile.databaseInstanceType` must add up',
  ],
  [
    'a worker that needs too many connections',
    { queues: { default: {} }, workers: { w: { maxCapacity: 100 } } },
    'Shop/App: `workers.w.maxCapacity` must add up',
  ],
  [
    'a class that has too few connections',
    {
      databaseOptions: { instanceType: new InstanceType('t4g.micro') },
      web: { processes: 2, threads: 40, connectionsPerProcess: 40 },
    },
    'Shop/App: `databaseOptions.instanceType` must add up',
  ],
  [
    'processes that need too many connections',
    { web: { processes: 2, threads: 40, connectionsPerProcess: 40 } },
    'Shop/App: `web` must add up',
  ],
])('the message about %s names it', (_, props, start) => {
  expect(messageOf(props).slice(0, start.length)).toBe(start);
});
