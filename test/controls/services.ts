import type { Graph } from '../wiring/graph';
import { attribute, type Control, routed, set, setAttribute, unless, without, zones } from './control';
import { unprotected, unprotectedMutants } from './protected-last';

const TASK = 'AWS::ECS::TaskDefinition';
const CONTAINER = 'ContainerDefinitions.0';
const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
type Container = any;

/** The containers, of any task, for which something does not hold. */
function unlessContainers(template: Graph, holds: (container: Container) => boolean): string[] {
  return unless(template, TASK, ({ ContainerDefinitions }) => {
    return ContainerDefinitions.length > 0 && ContainerDefinitions.every(holds);
  });
}

/** What runs tasks: services, and schedules, which carry the same settings deeper. */
function unlessRunners(template: Graph, holds: (settings: Container) => boolean): string[] {
  return [
    ...unless(template, 'AWS::ECS::Service', holds),
    ...unless(template, 'AWS::Scheduler::Schedule', ({ Target }) => holds(Target.EcsParameters)),
  ];
}

/** ECS.8, which is also what protects where AwsSolutions-ECS2 is acknowledged. */
export const NO_SECRETS_IN_THE_CLEAR: Control = {
  ids: 'ECS.8',
  sentence: 'no variable or command carries a secret: those come by reference from Secrets Manager',
  offenders: (template) => {
    const secrets = template.ofType('AWS::SecretsManager::Secret', 'AWS::SecretsManager::SecretTargetAttachment');
    return unlessContainers(template, ({ Environment, Command, Secrets }) => {
      const plain = [...(Environment ?? []).map(({ Value }: { Value: unknown }) => Value), Command];
      const names = (Environment ?? []).map(({ Name }: { Name: string }) => Name);
      return (
        plain.every((value) => !template.mentions(value).some((id) => secrets.includes(id))) &&
        !/\{\{resolve:|AKIA[A-Z0-9]{16}|BEGIN [A-Z ]*PRIVATE KEY|:\/\/[^/\s:@]+:[^/\s:@]+@/.test(
          JSON.stringify(plain),
        ) &&
        !names.some((name: string) => /SECRET|PASSWORD|TOKEN|CREDENTIAL|PRIVATE/i.test(name)) &&
        Secrets?.length > 0 &&
        Secrets.every(({ ValueFrom }: { ValueFrom: unknown }) =>
          template.mentions(ValueFrom).some((id) => secrets.includes(id)),
        )
      );
    });
  },
  mutants: {
    'a password by name': set(TASK, `${CONTAINER}.Environment.0`, { Name: 'DATABASE_PASSWORD', Value: 'hunter2' }),
    'a password in an address': set(TASK, `${CONTAINER}.Environment.0.Value`, 'postgres://django:hunter2@host/db'),
    'a dynamic reference': set(TASK, `${CONTAINER}.Environment.0.Value`, '{{resolve:secretsmanager:key}}'),
    'a secret in the command': set(TASK, `${CONTAINER}.Command.0`, '{{resolve:ssm-secure:key}}'),
    'no secrets at all': set(TASK, `${CONTAINER}.Secrets`, []),
    'a literal for a secret': set(TASK, `${CONTAINER}.Secrets.0.ValueFrom`, 'hunter2'),
  },
};

/** Containers. */
const CONTAINERS: Control[] = [
  {
    ids: 'ECS.2, ECS.16',
    sentence: 'no task has a public address, and all run in subnets behind NAT',
    offenders: (template) =>
      unlessRunners(template, ({ NetworkConfiguration: { AwsvpcConfiguration } }) => {
        const exposed = routed(template, 'GatewayId');
        return (
          AwsvpcConfiguration.AssignPublicIp === 'DISABLED' &&
          template.mentions(AwsvpcConfiguration.Subnets).every((subnet) => !exposed.includes(subnet))
        );
      }),
    mutants: {
      'a service in public': set(
        'AWS::ECS::Service',
        'NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp',
        'ENABLED',
      ),
      'a schedule in public': set(
        'AWS::Scheduler::Schedule',
        'Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp',
        undefined,
      ),
      'a service in the subnets of the load balancer': (resources) => {
        const [balancer] = Object.values(resources).filter(({ Type }) => Type === BALANCER);
        const [service] = Object.values(resources).filter(({ Type }) => Type === 'AWS::ECS::Service');
        service.Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets = balancer.Properties.Subnets;
      },
    },
  },
  {
    ids: 'ECS.3, ECS.4, ECS.17',
    sentence: 'no container shares the host, is privileged or keeps a capability',
    offenders: (template) => [
      ...unless(template, TASK, ({ PidMode, IpcMode, NetworkMode }) => {
        return PidMode === undefined && IpcMode === undefined && NetworkMode === 'awsvpc';
      }),
      ...unlessContainers(template, ({ Privileged, LinuxParameters }) => {
        return (
          Privileged !== true &&
          LinuxParameters?.Capabilities?.Drop?.includes('ALL') &&
          !LinuxParameters.Capabilities.Add
        );
      }),
    ],
    mutants: {
      'the processes of the host': set(TASK, 'PidMode', 'host'),
      'the network of the host': set(TASK, 'NetworkMode', 'host'),
      'a privileged container': set(TASK, `${CONTAINER}.Privileged`, true),
      'all capabilities': set(TASK, `${CONTAINER}.LinuxParameters`, {}),
    },
  },
  {
    ids: 'ECS.5',
    sentence: 'root file systems are read-only, with a /tmp in memory',
    offenders: (template) =>
      unlessContainers(template, ({ ReadonlyRootFilesystem, LinuxParameters }) => {
        const mounts = LinuxParameters?.Tmpfs ?? [];
        return (
          ReadonlyRootFilesystem === true && mounts.some(({ ContainerPath }: Container) => ContainerPath === '/tmp')
        );
      }),
    mutants: {
      'a writable root': set(TASK, `${CONTAINER}.ReadonlyRootFilesystem`, undefined),
      'no /tmp': set(TASK, `${CONTAINER}.LinuxParameters.Tmpfs`, []),
    },
  },
  NO_SECRETS_IN_THE_CLEAR,
  {
    ids: 'ECS.9',
    sentence: 'every container logs to a log group of the template',
    offenders: (template) =>
      unlessContainers(template, ({ LogConfiguration }) => {
        const [group] = template.mentions(LogConfiguration?.Options?.['awslogs-group']);
        return LogConfiguration?.LogDriver === 'awslogs' && template.ofType('AWS::Logs::LogGroup').includes(group);
      }),
    mutants: {
      'no logs': set(TASK, `${CONTAINER}.LogConfiguration`, undefined),
      'a log group that nobody made': set(TASK, `${CONTAINER}.LogConfiguration.Options.awslogs-group`, 'logs'),
    },
  },
  {
    ids: 'ECS.10',
    sentence: 'services and schedules run on the latest platform version',
    offenders: (template) =>
      unlessRunners(template, ({ PlatformVersion }) => ['LATEST', '1.4.0'].includes(PlatformVersion)),
    mutants: {
      'an old service': set('AWS::ECS::Service', 'PlatformVersion', '1.3.0'),
      'an old schedule': set('AWS::Scheduler::Schedule', 'Target.EcsParameters.PlatformVersion', '1.3.0'),
    },
  },
  {
    ids: 'ECS.12',
    sentence: 'the cluster has Container Insights',
    offenders: (template) =>
      unless(template, 'AWS::ECS::Cluster', ({ ClusterSettings }) =>
        (ClusterSettings ?? []).some(
          ({ Name, Value }: { Name: string; Value: string }) =>
            Name === 'containerInsights' && ['enabled', 'enhanced'].includes(Value),
        ),
      ),
    mutants: { 'no insights': set('AWS::ECS::Cluster', 'ClusterSettings.0.Value', 'disabled') },
  },
  {
    ids: 'ECS.20',
    sentence: 'no container runs as root, by number, so that the image cannot say otherwise',
    offenders: (template) => unlessContainers(template, ({ User }) => /^[1-9]\d*(:\d+)?$/.test(User ?? '')),
    mutants: {
      root: set(TASK, `${CONTAINER}.User`, 'root'),
      'the user of the image': set(TASK, `${CONTAINER}.User`, undefined),
      'user 0': set(TASK, `${CONTAINER}.User`, '0'),
    },
  },
];

const NOT_FOUND = 'fixed-response 404';

/** Whether a listener answers host names that it knows with a redirect to HTTPS, and 404 to everything else. */
export function onlyRedirects(template: Graph, listener: string): boolean {
  const [{ Type, FixedResponseConfig }, ...others] = template.properties(listener).DefaultActions;
  const rules = template
    .ofType('AWS::ElasticLoadBalancingV2::ListenerRule')
    .map((id) => template.properties(id))
    .filter(({ ListenerArn }) => template.mentions(ListenerArn).includes(listener));
  return (
    others.length === 0 &&
    `${Type} ${FixedResponseConfig?.StatusCode}` === NOT_FOUND &&
    rules.length > 0 &&
    rules.every(
      (rule) => isRedirect(rule) && rule.Conditions.some(({ Field }: { Field: string }) => Field === 'host-header'),
    )
  );
}

interface ListenerRule {
  readonly Actions?: { readonly RedirectConfig?: { readonly Protocol?: string; readonly StatusCode?: string } }[];
}

/** Whether a rule does nothing but redirect to HTTPS. */
function isRedirect({ Actions = [] }: ListenerRule = {}): boolean {
  const [{ RedirectConfig } = {}, ...others] = Actions;
  return others.length === 0 && RedirectConfig?.Protocol === 'HTTPS' && RedirectConfig.StatusCode === 'HTTP_301';
}

/** The load balancer. */
const BALANCERS: Control[] = [
  {
    ids: 'ELB.1, ELB.18',
    sentence: 'HTTP is only redirected, and HTTPS has a certificate of the template',
    offenders: (template) => [
      ...unless(template, LISTENER, ({ Protocol, Certificates }, id) =>
        Protocol === 'HTTPS' ? template.mentions(Certificates).length > 0 : onlyRedirects(template, id),
      ),
      ...['HTTP', 'HTTPS']
        .filter((wanted) => !template.ofType(LISTENER).some((id) => template.properties(id).Protocol === wanted))
        .map((wanted) => `no listener for ${wanted}`),
    ],
    mutants: {
      'no certificate': set(LISTENER, 'Certificates', []),
      'HTTP alone': without('AWS::CertificateManager::Certificate'),
      'HTTP that answers': (resources) => {
        const [plain] = Object.values(resources).filter(
          ({ Properties }) => Properties?.Protocol === 'HTTP' && Properties.DefaultActions,
        );
        plain.Properties.DefaultActions = [{ Type: 'forward' }];
      },
      'HTTP without a redirect': (resources) => {
        for (const id of Object.keys(resources).filter((each) => isRedirect(resources[each].Properties))) {
          delete resources[id];
        }
      },
      'a redirect for whatever a client says': (resources) => {
        for (const { Properties } of Object.values(resources).filter((each) => isRedirect(each.Properties))) {
          Properties.Conditions = [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }];
        }
      },
    },
  },
  {
    ids: 'ELB.4',
    sentence: 'the load balancer drops invalid headers',
    offenders: (template) => unlessAttribute(template, 'routing.http.drop_invalid_header_fields.enabled', 'true'),
    mutants: { 'headers as they come': setBalancer('routing.http.drop_invalid_header_fields.enabled', 'false') },
  },
  {
    ids: 'ELB.5',
    sentence: 'the load balancer logs to a bucket that lets it',
    offenders: (template) => [
      ...unlessAttribute(template, 'access_logs.s3.enabled', 'true'),
      ...unless(template, BALANCER, ({ LoadBalancerAttributes }) => {
        const [bucket] = template.mentions(attribute(LoadBalancerAttributes, 'access_logs.s3.bucket'));
        return template.ofType('AWS::S3::BucketPolicy').some((id) => {
          const { Bucket, PolicyDocument } = template.properties(id);
          return (
            template.mentions(Bucket)[0] === bucket &&
            JSON.stringify(PolicyDocument).includes('logdelivery.elasticloadbalancing.amazonaws.com')
          );
        });
      }),
    ],
    mutants: {
      'no logs': setBalancer('access_logs.s3.enabled', 'false'),
      'a bucket of somebody': setBalancer('access_logs.s3.bucket', 'bucket'),
      'a bucket without a policy': without('AWS::S3::BucketPolicy'),
    },
  },
  {
    ids: 'ELB.6',
    sentence: 'the load balancer cannot be deleted by accident',
    offenders: (template) => unprotected(template, BALANCER),
    mutants: unprotectedMutants('LoadBalancers'),
  },
  {
    ids: 'ELB.12, ELB.13',
    sentence: 'the load balancer mitigates desync, and stands in two zones',
    offenders: (template) =>
      unless(template, BALANCER, ({ LoadBalancerAttributes, Subnets }) => {
        const mode = attribute(LoadBalancerAttributes, 'routing.http.desync_mitigation_mode');
        return [undefined, 'defensive', 'strictest'].includes(mode as string) && zones(template, Subnets) >= 2;
      }),
    mutants: {
      'only monitoring': setBalancer('routing.http.desync_mitigation_mode', 'monitor'),
      'one zone': (resources) => {
        const [balancer] = Object.values(resources).filter(({ Type }) => Type === BALANCER);
        balancer.Properties.Subnets = balancer.Properties.Subnets.slice(0, 1);
      },
    },
  },
  {
    ids: 'ELB.16',
    sentence: 'a web firewall stands before the load balancer, and logs',
    offenders: (template) => [
      ...unless(template, BALANCER, (_, id) =>
        template.ofType('AWS::WAFv2::WebACLAssociation').some((each) => {
          return template.mentions(template.properties(each).ResourceArn).includes(id);
        }),
      ),
      ...unless(template, 'AWS::WAFv2::WebACL', (_, id) =>
        template.ofType('AWS::WAFv2::LoggingConfiguration').some((each) => {
          return template.mentions(template.properties(each).ResourceArn).includes(id);
        }),
      ),
    ],
    mutants: {
      'no association': without('AWS::WAFv2::WebACLAssociation'),
      'no logs': without('AWS::WAFv2::LoggingConfiguration'),
      'no firewall': without('AWS::WAFv2::WebACL'),
    },
  },
  {
    ids: 'ELB.17',
    sentence: 'TLS is 1.2 or 1.3 with a policy of today',
    offenders: (template) =>
      unless(template, LISTENER, ({ Protocol, SslPolicy }) => {
        return Protocol === 'HTTP' || /^ELBSecurityPolicy-TLS13-1-[23]-(?!Ext1|0-|1-)/.test(SslPolicy ?? '');
      }),
    mutants: {
      'the policy of AWS': set(LISTENER, 'SslPolicy', undefined),
      'TLS 1.0': set(LISTENER, 'SslPolicy', 'ELBSecurityPolicy-2016-08'),
    },
  },
];

export const SERVICES: Control[] = [...CONTAINERS, ...BALANCERS];

function unlessAttribute(template: Graph, key: string, value: string): string[] {
  return unless(template, BALANCER, ({ LoadBalancerAttributes }) => attribute(LoadBalancerAttributes, key) === value);
}

function setBalancer(key: string, value: string) {
  return setAttribute(BALANCER, 'LoadBalancerAttributes', key, value);
}
