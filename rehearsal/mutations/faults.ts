import {
  BOMBS,
  CACHE_LOGIN,
  CACHE_SHARED,
  CLAIMED_PROTOCOL,
  DONE,
  DRAINING,
  ECHO,
  FORGED,
  HEALTHY,
  HOSTS,
  KEEP_ALIVE,
  KEPT_FILES,
  KEPT_PAGES,
  KEY_ROTATED,
  LIMIT,
  MAIL_FORGED,
  MAIL_SENT,
  MEDIA_HARMLESS,
  MEDIA_PUBLIC,
  MEDIA_SIGNED,
  MEDIA_STORED,
  ONE_BEAT,
  PAGES,
  PAST_DISTRIBUTION,
  POISON,
  READ_ONLY,
  REDIRECTED,
  RELEASED,
  SOCKETS,
  STARTED,
  STARTS_READ_ONLY,
  STRANGERS,
} from '../checks/names';
import { SILENT } from '../load/silence';
import { SUITES, type Suite } from '../load/suites';
import { UPLOADED } from '../load/uploads';
import { Entrance, TEMPORARY_FOLDERS } from '../processes/entrance';
import type { Faults } from '../provision';
import { CDN, CLUB, type Example, ROOT, HOSTS as TWO_HOSTS, UPLOADS } from '../synth';
import { resourcesOfType, type Template } from '../template/assembly';
import type { TaskDefinition } from '../template/task-definition';

/** A fault, and the one check that must notice it. */
export interface Mutation {
  readonly name: string;
  readonly check: string;
  readonly template?: (template: Template) => void;
  readonly faults?: Faults;
  /** What it is shown with. @default - the example of this repository */
  readonly example?: Example;
  /** Checks that need a rehearsal of their own, in place of those of the rehearsal. */
  readonly suite?: Suite;
  /** Why it cannot be shown here. */
  readonly notHere?: () => string | undefined;
  /** The checks that run, by the beginning of their names. @default - every check of the proof */
  readonly checks?: RegExp;
  /** Whether the example is looked at as any other project, by each of the `checks`. */
  readonly isAnyProject?: boolean;
}

/** What is asked of two services with host names of their own. */
const ABOUT_HOSTS = /^(start|asgi|hosts): |^web: pages/;

/** Everything but what a stack with one host name has nothing for. */
const OF_ONE_NAME = /^(?!hosts: a redirected name)/;

/** How far a project starts, what it writes, and which of its pages and WebSockets answer. */
const ABOUT_ANY_PROJECT = /^(start|files|hosts): |^web: pages|^project: WebSockets/;

/** How far a project starts, and what it does with media, cache and mail; no copy of it is made. */
const ABOUT_PARTS = /^(start|media|mail): |^web: pages|^cache: (only TLS|what one)/;

/** How far a project starts, and what gets past a distribution. */
const ABOUT_DISTRIBUTION = /^start: |^web: (pages|what does not come|a client that claims|the distribution keeps)/;

/** A fault behind a distribution. */
const ofDistribution = { example: CDN, isAnyProject: true, checks: ABOUT_DISTRIBUTION };

/** A fault of the layout that has them. */
const ofParts = { example: CLUB, isAnyProject: true, checks: ABOUT_PARTS };

/** In the order in which they run. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a wrong secret key name',
    check: STARTED,
    faults: {
      definition: of('web', (definition) => ({
        secrets: {
          ...definition.secrets,
          DATABASE_PASSWORD: definition.secrets.DATABASE_PASSWORD.replace(':password:', ':passwort:'),
        },
      })),
    },
  },
  {
    name: 'a queue missing from the broker',
    check: DONE,
    faults: {
      definition: of('web', (definition) => ({ environment: withoutQueue(definition.environment, 'express') })),
    },
  },
  {
    name: 'a wrong health check path',
    check: HEALTHY,
    template: each('AWS::ElasticLoadBalancingV2::TargetGroup', (properties) => {
      properties.HealthCheckPath = '/no-such-path';
    }),
  },
  {
    name: 'a visibility timeout below the time limit, forced past validation',
    check: LIMIT,
    template: each('AWS::SQS::Queue', (properties) => {
      if (properties.VisibilityTimeout === 8) {
        properties.VisibilityTimeout = 2;
      }
    }),
  },
  {
    name: 'an empty ALLOWED_HOSTS',
    check: PAGES,
    faults: {
      definition: (definition) => ({
        ...definition,
        environment: { ...definition.environment, DJANGO_ALLOWED_HOSTS: '' },
      }),
    },
  },
  { name: 'a certificate authority that nobody trusts', check: RELEASED, faults: { untrustedCa: true } },
  {
    name: 'the ASGI path not routed',
    check: ECHO,
    template: unrouted,
  },
  {
    name: 'beat started twice',
    check: ONE_BEAT,
    template: (template) => {
      for (const { resource } of resourcesOfType(template, 'AWS::ECS::Service')) {
        const task = template.Resources[resource.Properties?.TaskDefinition.Ref];
        if (task.Metadata?.['cdk-django-fargate']?.process === 'beat' && resource.Properties !== undefined) {
          resource.Properties.DesiredCount = 2;
        }
      }
    },
  },
  {
    name: 'keep-alive below the idle timeout',
    check: KEEP_ALIVE,
    // Long enough that no visitor of another check comes back in the moment in which the server hangs up.
    faults: {
      definition: of('web', ({ command = [] }) => ({
        command: command.map((word, index) => (command[index - 1] === '--keep-alive' ? '20' : word)),
      })),
    },
  },
  {
    name: 'the host names of web and asgi mixed',
    check: HOSTS,
    example: TWO_HOSTS,
    checks: ABOUT_HOSTS,
    template: mixHosts,
  },
  {
    name: 'a redirect that forgets the path',
    check: REDIRECTED,
    example: TWO_HOSTS,
    checks: ABOUT_HOSTS,
    template: each('AWS::ElasticLoadBalancingV2::ListenerRule', ({ Actions: [action] }) => {
      if (action.RedirectConfig?.Host !== undefined) {
        action.RedirectConfig.Path = '/';
      }
    }),
  },
  { name: 'SIGTERM before deregistration', check: DRAINING, faults: { stopOrder: 'sigterm-first' } },
  {
    name: 'Celery acknowledging failed tasks',
    check: POISON,
    faults: {
      patches: [{ file: 'config/settings.py', append: '\nCELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True\n' }],
    },
  },
  {
    name: 'WebSockets without bounds',
    check: BOMBS,
    faults: {
      definition: of('asgi', ({ command = [] }) => ({
        command: command.filter((word, index) => !/^--ws-/.test(word) && !/^--ws-/.test(command[index - 1] ?? '')),
      })),
    },
  },
  {
    name: 'gunicorn that believes headers of its clients',
    check: FORGED,
    faults: {
      definition: of('web', ({ command = [] }) => ({
        command: command.filter((word) => !word.startsWith('--forwarder-headers')),
      })),
    },
  },
  {
    name: 'the router of Channels, which raises an exception for an unknown path',
    check: STRANGERS,
    faults: {
      patches: [
        {
          file: 'config/asgi.py',
          append: `
from channels.routing import URLRouter as RaisingRouter
application.application_mapping["websocket"] = AllowedHostsOriginValidator(
    AuthMiddlewareStack(RaisingRouter(websocket_urlpatterns))
)
`,
        },
      ],
    },
  },
  {
    name: 'the next SECRET_KEY left out of the fallbacks',
    check: KEY_ROTATED,
    faults: {
      patches: [
        {
          file: 'config/settings.py',
          append: `
import json
_next = json.loads(os.environ.get("DJANGO_SECRET_KEYS", "{}")).get("next")
SECRET_KEY_FALLBACKS = [key for key in SECRET_KEY_FALLBACKS if key != _next]
`,
        },
      ],
    },
  },
  {
    name: 'a log file in the folder of the project',
    check: STARTS_READ_ONLY,
    isAnyProject: true,
    checks: ABOUT_ANY_PROJECT,
    faults: { patches: [{ file: 'config/settings.py', append: '\nopen(BASE_DIR / "debug.log", "a")\n' }] },
  },
  {
    name: 'uploads in the folder of the project, with an error that is only logged',
    check: READ_ONLY,
    isAnyProject: true,
    checks: ABOUT_ANY_PROJECT,
    faults: {
      patches: [
        {
          file: 'config/wsgi.py',
          append: `
try:
    open("media.txt", "a")
except OSError as error:
    print("no upload:", error, flush=True)
`,
        },
      ],
    },
  },
  {
    name: 'the ASGI path of any project not routed',
    check: SOCKETS,
    isAnyProject: true,
    checks: ABOUT_ANY_PROJECT,
    template: unrouted,
  },
  {
    name: 'media files in a folder of the task',
    check: MEDIA_STORED,
    ...ofParts,
    faults: {
      patches: [
        {
          file: 'config/settings.py',
          append: `
STORAGES["default"] = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": "/tmp/media"}}
`,
        },
      ],
    },
  },
  {
    name: 'a bucket policy without the statement for the distribution',
    check: MEDIA_PUBLIC,
    ...ofParts,
    template: eachStatement((statement) => !isForDistribution(statement)),
  },
  {
    name: 'a bucket policy for another distribution',
    check: MEDIA_PUBLIC,
    ...ofParts,
    template: eachStatement((statement) => {
      if (isForDistribution(statement)) {
        statement.Condition.StringEquals['aws:SourceArn'] = 'arn:aws:cloudfront::111122223333:distribution/ANOTHER';
      }
      return true;
    }),
  },
  {
    name: 'a path of signed addresses without its key group',
    check: MEDIA_SIGNED,
    ...ofParts,
    template: each('AWS::CloudFront::Distribution', ({ DistributionConfig }) => {
      for (const behavior of DistributionConfig.CacheBehaviors) {
        behavior.TrustedKeyGroups = undefined;
      }
    }),
  },
  {
    name: 'uploaded files without a Content-Security-Policy',
    check: MEDIA_HARMLESS,
    ...ofParts,
    template: each('AWS::CloudFront::ResponseHeadersPolicy', ({ ResponseHeadersPolicyConfig }) => {
      ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy = undefined;
    }),
  },
  {
    name: 'a cache without TLS',
    check: CACHE_LOGIN,
    ...ofParts,
    template: each('AWS::ElastiCache::ReplicationGroup', (properties) => {
      properties.TransitEncryptionEnabled = false;
    }),
  },
  {
    name: 'a user of the cache who may administer it',
    check: CACHE_LOGIN,
    ...ofParts,
    template: each('Custom::CacheUser', (properties) => {
      properties.AccessString = 'on ~* &* +@all';
    }),
  },
  {
    name: 'a cache in the memory of each process',
    check: CACHE_SHARED,
    ...ofParts,
    faults: {
      patches: [
        {
          file: 'config/settings.py',
          append: '\nCACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}\n',
        },
      ],
    },
  },
  {
    name: 'a from-address that the policy does not allow',
    check: MAIL_SENT,
    ...ofParts,
    template: eachStatement((statement) => {
      if (statement.Condition?.StringLike?.['ses:FromAddress'] !== undefined) {
        statement.Condition.StringLike['ses:FromAddress'] = 'another@club.example.com';
      }
      return true;
    }),
  },
  {
    name: 'a policy that allows every from-address',
    check: MAIL_FORGED,
    ...ofParts,
    template: eachStatement((statement) => {
      if (statement.Condition?.StringLike?.['ses:FromAddress'] !== undefined) {
        statement.Condition = undefined;
      }
      return true;
    }),
  },
  {
    name: 'a listener rule that does not ask for the secret of the distribution',
    check: PAST_DISTRIBUTION,
    ...ofDistribution,
    template: each('AWS::ElasticLoadBalancingV2::ListenerRule', (properties) => {
      const isForEveryPath = properties.Conditions.every(({ Field }: { Field: string }) => Field === 'http-header');
      if (isForEveryPath) {
        properties.Conditions = [{ Field: 'path-pattern', PathPatternConfig: { Values: ['*'] } }];
      }
    }),
  },
  {
    name: 'pages kept by the policy of static files, for a minute at least',
    check: KEPT_PAGES,
    ...ofDistribution,
    template: (template) => {
      const [policy] = resourcesOfType(template, 'AWS::CloudFront::CachePolicy').filter(({ resource }) =>
        resource.Properties?.CachePolicyConfig.Comment.startsWith('Static files'),
      );
      Object.assign(policy.resource.Properties?.CachePolicyConfig, { MinTTL: 60, DefaultTTL: 60 });
      each('AWS::CloudFront::Distribution', ({ DistributionConfig }) => {
        DistributionConfig.DefaultCacheBehavior.CachePolicyId = { Ref: policy.id };
      })(template);
    },
  },
  {
    name: 'every cookie in the key of static files',
    check: KEPT_FILES,
    ...ofDistribution,
    template: each('AWS::CloudFront::CachePolicy', ({ CachePolicyConfig }) => {
      CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.CookiesConfig = { CookieBehavior: 'all' };
    }),
  },
  {
    name: 'the protocol of the load balancer taken for that of the visitor',
    check: CLAIMED_PROTOCOL,
    ...ofDistribution,
    faults: {
      patches: [
        {
          file: 'config/settings.py',
          append: '\nSECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")\n',
        },
      ],
    },
  },
  {
    name: 'a volume that nobody makes writable',
    check: UPLOADED,
    example: UPLOADS,
    suite: SUITES.uploads,
    faults: { definition: (definition) => ({ ...definition, initContainers: [] }) },
    notHere: whyNoMounts,
  },
  {
    name: 'the timeouts of botocore itself towards SQS',
    check: SILENT,
    suite: SUITES.silence,
    faults: { definition: of('web', ({ environment }) => ({ environment: withTimeouts(environment, {}) })) },
  },
];

/** Without a fault nothing fails: each example once. */
export const RESTORED: readonly Mutation[] = [
  { name: 'nothing changed: the restored run', check: '', checks: OF_ONE_NAME },
  {
    name: 'nothing changed: the restored run with two host names',
    check: '',
    example: TWO_HOSTS,
    checks: ABOUT_HOSTS,
  },
  { name: 'nothing changed: the restored run with media, cache and mail', check: '', ...ofParts },
  { name: 'nothing changed: the restored run behind a distribution', check: '', ...ofDistribution },
];

/** Why a task is not kept to the file systems of its template here. */
function whyNoMounts(): string | undefined {
  if (!Entrance.covers(ROOT)) {
    return 'mounting needs root on Linux';
  }
  // A task must see its files, and then a folder for temporary files that this machine lets it write to.
  const isBelow = TEMPORARY_FOLDERS.some((folder) => ROOT.startsWith(`${folder}/`));
  return isBelow ? 'the sources lie below a folder for temporary files' : undefined;
}

function of(
  kind: string,
  change: (definition: TaskDefinition) => Partial<TaskDefinition>,
): (definition: TaskDefinition) => TaskDefinition {
  return (definition) => (definition.kind === kind ? { ...definition, ...change(definition) } : definition);
}

// biome-ignore lint/suspicious/noExplicitAny: properties of any CloudFormation type
function each(type: string, change: (properties: Record<string, any>) => void): (template: Template) => void {
  return (template) => {
    for (const { resource } of resourcesOfType(template, type)) {
      change(resource.Properties ?? {});
    }
  };
}

/** Keeps the statements of policies for which `change` says so, when it has changed them. */
// biome-ignore lint/suspicious/noExplicitAny: as IAM has it
function eachStatement(change: (statement: Record<string, any>) => boolean): (template: Template) => void {
  const within = ({ PolicyDocument }: { PolicyDocument?: { Statement: Record<string, unknown>[] } }) => {
    if (PolicyDocument !== undefined) {
      PolicyDocument.Statement = PolicyDocument.Statement.filter(change);
    }
  };
  return (template) => {
    each('AWS::IAM::Policy', within)(template);
    each('AWS::IAM::ManagedPolicy', within)(template);
    each('AWS::S3::BucketPolicy', within)(template);
  };
}

/** Whether a statement lets CloudFront in. */
// biome-ignore lint/suspicious/noExplicitAny: as IAM has it
function isForDistribution({ Principal }: Record<string, any>): boolean {
  return Principal?.Service === 'cloudfront.amazonaws.com';
}

/** No path is for the ASGI service. */
function unrouted(template: Template): void {
  each('AWS::ElasticLoadBalancingV2::ListenerRule', (properties) => {
    for (const condition of properties.Conditions) {
      if (condition.Field === 'path-pattern') {
        condition.PathPatternConfig.Values = ['/nowhere/*'];
      }
    }
  })(template);
}

/** Every process allows what any of them allows. */
function mixHosts(template: Template): void {
  const lists = resourcesOfType(template, 'AWS::ECS::TaskDefinition')
    .flatMap(({ resource }) => resource.Properties?.ContainerDefinitions ?? [])
    .flatMap(({ Environment = [] }) => Environment)
    .filter(({ Name }) => Name === 'DJANGO_ALLOWED_HOSTS');
  const all = new Set(lists.flatMap(({ Value }) => String(Value).split(',')));
  for (const list of lists) {
    list.Value = [...all].join();
  }
}

function withTimeouts(environment: Readonly<Record<string, string>>, timeouts: object): Record<string, string> {
  const options = JSON.parse(environment.CELERY_BROKER_TRANSPORT_OPTIONS);
  return { ...environment, CELERY_BROKER_TRANSPORT_OPTIONS: JSON.stringify({ ...options, 'client-config': timeouts }) };
}

function withoutQueue(environment: Readonly<Record<string, string>>, queue: string): Record<string, string> {
  const options = JSON.parse(environment.CELERY_BROKER_TRANSPORT_OPTIONS);
  delete options.predefined_queues[queue];
  return { ...environment, CELERY_BROKER_TRANSPORT_OPTIONS: JSON.stringify(options) };
}
