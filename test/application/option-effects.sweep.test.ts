import { join } from 'node:path';
import { Annotations as Acknowledged, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { SslPolicy } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { OPTION_EFFECTS } from '../../constructs/application/private/option-effects';
import { Profile } from '../../constructs/core/profile';
import { cases as refused } from '../invalid/without-effect';
import { Annotations, Match, testStack } from '../support';
import { interfacesOf } from './interfaces';

/** Options that only a default leaves without effect: where it stands, which prop, and the reason that is given. */
const WARNED: [at: string, prop: string, reason: string, props: Partial<DjangoApplicationProps>][] = [
  ['', 'backupOptions', '`databaseBackup` of Profile.development() is false', { backupOptions: {} }],
  ['', 'firewallOptions', '`webFirewall` of Profile.development() is false', { firewallOptions: { rateLimit: 100 } }],
  [
    '',
    'backupOptions',
    '`databaseBackup` of Profile.development() is false',
    { profile: Profile.development({ databaseBackup: false }), backupOptions: {} },
  ],
  [
    '',
    'alarmThresholds.certificateDays',
    'without `domainNames` there is no certificate',
    { alarmThresholds: { certificateDays: 20 } },
  ],
  [
    '/Network',
    'logRetention',
    '`flowLogs` of the profile is false',
    { networkOptions: { logRetention: RetentionDays.ONE_WEEK } },
  ],
  [
    '/Network',
    'removalPolicy',
    '`flowLogs` of the profile is false',
    { networkOptions: { removalPolicy: RemovalPolicy.RETAIN } },
  ],
  [
    '/LoadBalancer',
    'sslPolicy',
    'without `domainNames` the load balancer speaks plain HTTP',
    { loadBalancerOptions: { sslPolicy: SslPolicy.TLS13_RES } },
  ],
  [
    '/LoadBalancer',
    'strictTransportSecurity',
    'without `domainNames` the load balancer speaks plain HTTP',
    { loadBalancerOptions: { strictTransportSecurity: 'max-age=60' } },
  ],
  [
    '/Web',
    'targetCpuPercent',
    'with `maxCapacity` from the profile the service always runs 2',
    { web: { minCapacity: 2, targetCpuPercent: 50 } },
  ],
  [
    '/Asgi',
    'requestsPerTarget',
    'with `minCapacity` from the profile the service always runs 1',
    { asgi: { maxCapacity: 1, requestsPerTarget: 50 } },
  ],
  [
    '/Workers/all',
    'taskDuration',
    'with `minCapacity` from the profile the service always runs 1',
    { queues: { default: {} }, workers: { all: { maxCapacity: 1, taskDuration: Duration.seconds(1) } } },
  ],
];

function application(props: Partial<DjangoApplicationProps>) {
  const stack = testStack();
  const made = new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    ...props,
  });
  return { stack, made };
}

describe('the table of what has an effect', () => {
  test('has every prop of the application, and no other', () => {
    const { DjangoApplicationProps: declared } = interfacesOf('application/django-application-props.ts');
    expect(Object.keys(declared.props).length).toBeGreaterThan(30);
    expect(Object.keys(OPTION_EFFECTS).sort()).toEqual(Object.keys(declared.props).sort());
  });

  test('is proven by at least 40 options that are refused or warned of', () => {
    expect(refused.length + WARNED.length).toBeGreaterThanOrEqual(40);
  });

  test('every way in which it refuses a prop is tried', () => {
    for (const [prop, { refused: ways = [] }] of Object.entries(OPTION_EFFECTS)) {
      const tried = refused.filter(({ name, prop: named }) => name.includes('DjangoApplication') && named === prop);
      expect({ prop, tried: tried.length >= ways.length }).toEqual({ prop, tried: true });
    }
  });
});

describe('an option that only a default leaves without effect', () => {
  test.each(WARNED)('is warned of at App%s: %s, %s', (at, prop, reason, props) => {
    const { stack } = application(props);
    const text = `\`${prop}\` has no effect: ${reason}`.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    Annotations.fromStack(stack).hasWarning(`/Shop/App${at}`, Match.stringLikeRegexp(text));
  });

  test.each(WARNED)('the warning at App%s can be acknowledged: %s, %s', (at, prop, _, props) => {
    const { stack, made } = application(props);
    const id = prop.replace(/\.(\w)/g, (_match, letter: string) => letter.toUpperCase());
    Acknowledged.of(stack.node.findChild('App')).acknowledgeWarning(`cdk-django-fargate:${id}WithoutEffect`);
    expect(made.node.path).toBe('Shop/App');
    Annotations.fromStack(stack).hasNoWarning(`/Shop/App${at}`, Match.stringLikeRegexp('has no effect'));
  });

  test('says nothing where the option has one', () => {
    const { stack } = application({
      profile: Profile.development({ databaseBackup: true, webFirewall: true, flowLogs: true, webMaxCapacity: 2 }),
      backupOptions: {},
      firewallOptions: {},
      networkOptions: { logRetention: RetentionDays.ONE_WEEK },
      web: { targetCpuPercent: 50 },
    });
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('has no effect'));
  });
});
