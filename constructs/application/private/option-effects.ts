import type { Construct } from 'constructs';
import type { Checks } from '../../core/checks';
import { checkEffects, type NoEffect, needsOneOf, voidBeside, voidWith, warnOfNoEffect } from '../../core/effects';
import { Profile, type ProfileOptions, profileValues } from '../../core/profile';
import type { AsgiServiceOptions } from '../../processes/asgi-service';
import type { DjangoApplicationProps } from '../django-application-props';

type Props = DjangoApplicationProps;

/** What a prop needs to have an effect. */
interface OptionEffect {
  /** What leaves it without effect: beside that, it is refused. */
  readonly refused?: readonly NoEffect<Props>[];
  /** The value of the profile that makes what it tunes: where that is false, a warning says so. */
  readonly needsProfile?: keyof ProfileOptions;
}

const ALWAYS: OptionEffect = {};
const brought = (other: keyof Props & string) => voidBeside<Props>(other, `\`${other}\` is used as you bring it`);

/** A bucket of static files is of use to a distribution alone. */
const withCdn = (prop: keyof Props & string): readonly NoEffect<Props>[] => [
  needsOneOf(
    ['cdn'],
    `Add \`cdn: {}\`, or take \`${prop}\` out: without a distribution the image serves its static files.`,
  ),
  {
    when: ({ cdn }) => cdn?.staticPaths?.length === 0,
    must: 'come with `cdn.staticPaths`',
    remedy: 'Name the paths of the files that it holds, or leave `cdn.staticPaths` out for "/static/*".',
  },
];

/**
 * For every prop of the application what it needs to have an effect.
 *
 * A prop that is not here does not compile.
 */
export const OPTION_EFFECTS: { readonly [Prop in keyof Required<Props>]: OptionEffect } = {
  image: ALWAYS,
  settingsModule: ALWAYS,
  profile: ALWAYS,

  domainNames: { refused: [brought('loadBalancer')] },
  redirectedDomainNames: { refused: [brought('loadBalancer')] },
  hostedZone: { refused: [brought('loadBalancer')] },
  certificate: { refused: [brought('loadBalancer')] },
  cdn: {
    refused: [
      brought('loadBalancer'),
      {
        when: (props) => servesMedia(props) && props.media === undefined && props.mediaStorage === undefined,
        must: 'name paths of media files beside `media` or `mediaStorage` alone',
        remedy: 'Add `media: {}`, or take `publicMediaPaths` and `signedMediaPaths` out.',
      },
      {
        when: (props) => sharesAccessLogs(props) && (props.cdn?.logRetention ?? props.cdn?.removalPolicy) !== undefined,
        must: 'come without `logRetention` and `removalPolicy`',
        remedy:
          'Its access logs are in one bucket with those of the load balancer: give both in `loadBalancerOptions`.',
      },
    ],
  },
  notificationEmails: { refused: [brought('notifications')] },

  web: {
    refused: [
      {
        when: ({ asgi }) => takesEveryPath(asgi),
        must: 'be left out when ASGI takes every path',
        remedy: 'Narrow `asgi.paths`, for example to ["/ws/*"], or drop `web`.',
      },
    ],
  },
  asgi: ALWAYS,
  queues: { refused: [brought('broker')] },
  defaultQueueName: {
    refused: [brought('broker'), needsOneOf(['queues', 'broker'], 'Add `queues` with a queue of that name.')],
  },
  workers: { refused: [needsOneOf(['queues', 'broker'], 'Add `queues: { default: {} }`.')] },
  beat: {
    refused: [
      needsOneOf(
        ['queues', 'broker'],
        'Add `queues: { default: {} }`, or use `scheduledCommands`, which need no broker.',
      ),
    ],
  },
  scheduledCommands: ALWAYS,
  databaseDump: ALWAYS,
  restoreDrill: { refused: [needsOneOf(['databaseDump'], 'Add `databaseDump: {}`: a drill proves its dumps.')] },
  media: { refused: [brought('mediaStorage')] },
  staticFiles: { refused: [brought('staticFilesStorage'), ...withCdn('staticFiles')] },
  cache: { refused: [brought('cacheStore')] },
  aurora: { refused: [brought('database')] },
  mail: { refused: [brought('outgoingMail')] },
  environment: ALWAYS,
  variableAliases: ALWAYS,
  secrets: ALWAYS,
  cpuArchitecture: ALWAYS,
  egress: ALWAYS,

  releaseOptions: ALWAYS,
  secretKeyOptions: { refused: [brought('secretKey')] },
  databaseOptions: {
    refused: [brought('database'), voidBeside('aurora', 'the database is a cluster, and `aurora` has its options')],
  },
  backupOptions: { needsProfile: 'databaseBackup' },
  loadBalancerOptions: { refused: [brought('loadBalancer')] },
  firewallOptions: {
    refused: [
      brought('loadBalancer'),
      voidWith('cdn.webAclArn', ({ cdn }) => cdn?.webAclArn !== undefined, 'that firewall is used as you bring it'),
    ],
    needsProfile: 'webFirewall',
  },
  urlSigningKeysOptions: {
    refused: [
      brought('urlSigningKeys'),
      {
        when: ({ cdn }) => cdn?.signedMediaPaths === undefined,
        must: 'come with `cdn.signedMediaPaths`',
        remedy: 'Name the paths that the keys open, or make `UrlSigningKeys` of your own.',
      },
    ],
  },
  networkOptions: { refused: [brought('vpc'), brought('cluster')] },
  alarmThresholds: ALWAYS, // Each of them: see below.
  heartbeat: ALWAYS,
  runbookBase: ALWAYS,
  handlerReservedConcurrency: ALWAYS,
  allowedChanges: ALWAYS,

  vpc: { refused: [voidBeside('cluster', 'the cluster has a VPC, and everything is made in that one')] },
  cluster: ALWAYS,
  database: ALWAYS,
  secretKey: ALWAYS,
  broker: ALWAYS,
  mediaStorage: ALWAYS,
  urlSigningKeys: ALWAYS,
  staticFilesStorage: { refused: withCdn('staticFilesStorage') },
  cacheStore: ALWAYS,
  outgoingMail: ALWAYS,
  loadBalancer: ALWAYS,
  notifications: ALWAYS,
  encryptionKey: ALWAYS,
};

/** Refuses what another prop leaves without effect. */
export function checkOptionEffects(checks: Checks, props: Props): void {
  const refused = Object.entries(OPTION_EFFECTS).map(([prop, effect]) => [prop, effect.refused ?? []]);
  checkEffects(checks, props, Object.fromEntries(refused));
  const { waitingTime } = props.alarmThresholds ?? {};
  checks.optional(
    'alarmThresholds.waitingTime',
    waitingTime,
    () => props.queues !== undefined || props.broker !== undefined,
    { must: 'come with `queues` or `broker`', remedy: 'Add `queues: { default: {} }`: without one, nothing waits.' },
  );
}

/** Warns of what the profile alone leaves without effect: one code base serves both profiles. */
export function warnOfOptionEffects(scope: Construct, props: Props): void {
  const profile = props.profile ?? Profile.production();
  for (const [prop, { needsProfile }] of Object.entries(OPTION_EFFECTS)) {
    if (needsProfile !== undefined && profileValues(profile)[needsProfile] === false) {
      const reason = `\`${needsProfile}\` of Profile.${profile.name}() is false`;
      warnOfNoEffect(scope, prop, props[prop as keyof Props], reason);
    }
  }
  if (!hasAddress(props)) {
    const reason = 'without `domainNames` there is no certificate';
    warnOfNoEffect(scope, 'alarmThresholds.certificateDays', props.alarmThresholds?.certificateDays, reason);
  }
}

/** Whether the load balancer answers to more than its own name, over HTTP, as a development stack may. */
export function hasAddress({ domainNames = [], loadBalancer }: Props): boolean {
  return domainNames.length > 0 || loadBalancer !== undefined;
}

/** Whether the distribution hands out media files. */
function servesMedia({ cdn }: Props): boolean {
  return cdn?.publicMediaPaths !== undefined || cdn?.signedMediaPaths !== undefined;
}

/** Whether the ASGI service is the only one. */
export function takesEveryPath(asgi: AsgiServiceOptions | undefined): boolean {
  return asgi?.paths?.includes('/*') ?? false;
}

/** Whether load balancer and distribution are both made here, and none of them is brought a bucket. */
export function sharesAccessLogs({ cdn, loadBalancer, loadBalancerOptions }: Props): boolean {
  return (
    cdn !== undefined &&
    loadBalancer === undefined &&
    cdn.accessLogsBucket === undefined &&
    loadBalancerOptions?.accessLogsBucket === undefined
  );
}
