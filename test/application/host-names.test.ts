import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { WebService } from '../../constructs/processes/web-service';
import { type Template, templateOf, testStack, testVpc } from '../support';

const BACKGROUND = ['release', 'worker', 'beat', 'scheduled'];

const image = () => ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image'));

/** An application with every kind of process, on the host names given. */
function application(props: Partial<DjangoApplicationProps>): Template {
  const stack = testStack();
  new DjangoApplication(stack, 'App', {
    image: image(),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    domainNames: ['example.com', 'www.example.com'],
    certificate: Certificate.fromCertificateArn(
      stack,
      'Wildcard',
      'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
    ),
    queues: { default: {} },
    beat: {},
    scheduledCommands: {
      digest: { command: ['python', 'manage.py', 'digest'], schedule: ScheduleExpression.rate(Duration.hours(1)) },
    },
    ...props,
  });
  return templateOf(stack);
}

/** What each process is told: the hosts and the origins that it allows. */
function allowedBy(template: Template): { [process: string]: { hosts: string[]; origins: string[] } } {
  return Object.fromEntries(
    Object.values(template.findResources('AWS::ECS::TaskDefinition')).map(({ Properties }) => {
      const [container] = Properties.ContainerDefinitions;
      const list = (name: string): string[] =>
        container.Environment.find(({ Name }: { Name: string }) => Name === name).Value.split(',');
      return [container.Name, { hosts: list('DJANGO_ALLOWED_HOSTS'), origins: list('DJANGO_CSRF_TRUSTED_ORIGINS') }];
    }),
  );
}

/** The hosts of the listener rule with this priority. */
function hostsOfRule(template: Template, priority: number): string[] {
  const rules = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
  const rule = rules.find(({ Properties }) => Properties.Priority === priority);
  return rule?.Properties.Conditions[0].HostHeaderConfig.Values;
}

describe('web and ASGI on different host names', () => {
  const template = application({
    web: { hostNames: ['shop.example.com'] },
    asgi: { hostNames: ['live.example.com'] },
  });
  const allowed = allowedBy(template);

  test('each allows what its own rule sends it, and nothing else', () => {
    expect(hostsOfRule(template, 200)).toEqual(['shop.example.com']);
    expect(hostsOfRule(template, 100)).toEqual(['live.example.com']);
    expect(allowed.web).toEqual({ hosts: ['shop.example.com'], origins: ['https://shop.example.com'] });
    expect(allowed.asgi).toEqual({ hosts: ['live.example.com'], origins: ['https://live.example.com'] });
  });

  test.each(BACKGROUND)('a process without a door, %s, builds links to either', (process) => {
    expect(allowed[process]).toEqual({
      hosts: ['shop.example.com', 'live.example.com'],
      origins: ['https://shop.example.com', 'https://live.example.com'],
    });
  });
});

describe('one of the two on names of its own', () => {
  const allowed = allowedBy(application({ asgi: { hostNames: ['live.example.com'] } }));

  test('leaves the other on the domain names of the load balancer', () => {
    expect(allowed.web.hosts).toEqual(['example.com', 'www.example.com']);
    expect(allowed.asgi.hosts).toEqual(['live.example.com']);
    expect(allowed.release.hosts).toEqual(['example.com', 'www.example.com', 'live.example.com']);
  });
});

describe('a wildcard host', () => {
  const template = application({
    web: { hostNames: ['example.com', '*.example.com'] },
    asgi: { hostNames: ['*.live.example.com'] },
  });
  const allowed = allowedBy(template);

  test('is one to the load balancer, and a domain with a leading dot to ALLOWED_HOSTS', () => {
    expect(hostsOfRule(template, 200)).toEqual(['example.com', '*.example.com']);
    expect(allowed.web.hosts).toEqual(['example.com', '.example.com']);
    expect(allowed.asgi.hosts).toEqual(['.live.example.com']);
    expect(allowed.worker.hosts).toEqual(['example.com', '.example.com', '.live.example.com']);
  });

  test('keeps its asterisk in CSRF_TRUSTED_ORIGINS, as Django writes it there', () => {
    expect(allowed.web.origins).toEqual(['https://example.com', 'https://*.example.com']);
    expect(allowed.asgi.origins).toEqual(['https://*.live.example.com']);
  });
});

describe('three host names each', () => {
  const web = ['a.example.com', 'b.example.com', 'shared.example.com'];
  const asgi = ['c.example.com', 'd.example.com', 'shared.example.com'];
  const allowed = allowedBy(application({ web: { hostNames: web }, asgi: { hostNames: asgi } }));

  test('stay apart where there is a door, and come together once where there is none', () => {
    expect(allowed.web.hosts).toEqual(web);
    expect(allowed.asgi.hosts).toEqual(asgi);
    for (const process of BACKGROUND) {
      expect(allowed[process].hosts).toEqual([...web, 'c.example.com', 'd.example.com']);
    }
  });
});

describe('an ASGI service that takes every path', () => {
  test('is the only door: its names are those of every process', () => {
    const allowed = allowedBy(application({ asgi: { paths: ['/*'], hostNames: ['live.example.com'] } }));
    for (const process of ['asgi', ...BACKGROUND]) {
      expect(allowed[process].hosts).toEqual(['live.example.com']);
    }
  });
});

describe('allowedHosts that are brought', () => {
  test('win for that process, and for no other', () => {
    const stack = testStack();
    const vpc = testVpc(stack);
    const shared = {
      cluster: new Cluster(stack, 'Cluster', { vpc }),
      loadBalancer: new HttpsLoadBalancer(stack, 'Balancer', { vpc, profile: Profile.development() }),
      image: image(),
      settingsModule: 'config.settings',
    };
    new WebService(stack, 'Own', {
      ...shared,
      hostNames: ['a.example.com'],
      allowedHosts: ['.internal'],
      csrfTrustedOrigins: ['https://partner.example'],
    });
    new WebService(stack, 'Other', { ...shared, hostNames: ['b.example.com'], priority: 201 });
    const values = Object.values(templateOf(stack).findResources('AWS::ECS::TaskDefinition')).map(({ Properties }) =>
      Properties.ContainerDefinitions[0].Environment.filter(({ Name }: { Name: string }) =>
        /ALLOWED_HOSTS|CSRF/.test(Name),
      ).map(({ Value }: { Value: string }) => Value),
    );
    expect(values).toEqual(
      expect.arrayContaining([
        ['.internal', 'https://partner.example'],
        ['b.example.com', 'http://b.example.com'],
      ]),
    );
  });
});
