import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication } from '../constructs/application/django-application';
import type { DjangoApplicationProps } from '../constructs/application/django-application-props';
import { Profile } from '../constructs/core/profile';
import { productionExample } from '../scripts/production-example';
import { only, type Template, templateOf, testStack } from './support';
import { Graph } from './wiring/graph';

/** An application with every kind of process. */
function shop(profile: Profile, props: Partial<DjangoApplicationProps> = {}): Template {
  const stack = testStack();
  new DjangoApplication(stack, 'App', {
    profile,
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    domainNames: profile.name === 'production' ? ['shop.example.com'] : undefined,
    certificate: profile.name === 'production' ? certificate(stack) : undefined,
    asgi: { paths: ['/ws/*'] },
    queues: { default: {} },
    beat: {},
    scheduledCommands: {
      clear: { command: ['./clear'], schedule: ScheduleExpression.expression('rate(1 day)') },
    },
    ...props,
  });
  return templateOf(stack);
}

function certificate(stack: ReturnType<typeof testStack>) {
  return Certificate.fromCertificateArn(stack, 'Certificate', 'arn:aws:acm:eu-west-1:111122223333:certificate/1');
}

/** What CloudFormation compares to find out whether the release has changed: its own properties, and those of what they refer to. */
function releaseOf(template: Template) {
  const { resource } = only(template, 'Custom::ReleaseCommand');
  const graph = new Graph(template.toJSON().Resources);
  const definitions = graph
    .mentions(resource.Properties)
    .filter((id) => graph.resources[id].Type === 'AWS::ECS::TaskDefinition');
  return { properties: resource.Properties, definitions: definitions.map((id) => graph.properties(id)) };
}

describe.each([
  ['production', Profile.production()],
  ['development', Profile.development()],
])('a deployment in %s', (_, profile) => {
  const template = shop(profile);
  const before = releaseOf(template);

  test('releases before any service or schedule changes', () => {
    const graph = new Graph(template.toJSON().Resources);
    const { id } = only(template, 'Custom::ReleaseCommand');
    const runners = graph.ofType('AWS::ECS::Service', 'AWS::Scheduler::Schedule');
    expect(runners).toHaveLength(5);
    for (const runner of runners) {
      expect([graph.resources[runner].DependsOn].flat()).toContain(id);
    }
  });

  test('has one task definition that the release runs', () => {
    expect(before.definitions).toHaveLength(1);
  });

  test('does not release because the sizes of services change', () => {
    const changed = shop(profile, {
      web: { cpu: 2048, memoryLimitMiB: 4096, minCapacity: 1, maxCapacity: 1 },
      asgi: { paths: ['/ws/*'], cpu: 2048, memoryLimitMiB: 5120, maxCapacity: 1 },
      workers: { worker: { queueNames: ['default'], cpu: 2048, memoryLimitMiB: 6144, maxCapacity: 1 } },
      beat: { cpu: 2048, memoryLimitMiB: 7168 },
    });
    const sizes = Object.values(changed.findResources('AWS::ECS::TaskDefinition', { Properties: { Cpu: '2048' } }));
    expect(sizes.map(({ Properties }) => Properties.Memory).sort()).toEqual(['4096', '5120', '6144', '7168']);
    expect(releaseOf(changed)).toEqual(before);
  });

  test.each<[string, Partial<DjangoApplicationProps>]>([
    ['the image', { image: ContainerImage.fromRegistry('shop:2') }],
    ['the environment', { environment: { FLAG: '1' } }],
    ['the command', { releaseOptions: { command: ['./release.sh'] } }],
  ])('releases when %s changes', (_, props) => {
    const after = releaseOf(shop(profile, props));
    expect(after.properties).toEqual(before.properties); // The reference stays, and resolves to another revision:
    expect(after.definitions).not.toEqual(before.definitions);
  });

  test('releases when the instance is another one, as after a restore', () => {
    const { id } = only(template, 'AWS::RDS::DBInstance');
    expect(before.properties.Database).toEqual({ 'Fn::GetAtt': [id, 'DbiResourceId'] });
  });

  test('releases when the revision changes, whatever the image', () => {
    const after = releaseOf(shop(profile, { releaseOptions: { revision: '2' } }));
    expect(after.properties).toEqual({ ...before.properties, Revision: '2' });
  });
});

test('the handlers of releases are told that notifications and reserved concurrency are for them too', () => {
  const template = templateOf(productionExample().stack);
  const functions = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([id]) =>
    id.startsWith('AppRelease'),
  );
  expect(functions).toHaveLength(5);
  const topic = { Ref: only(template, 'AWS::SNS::Topic').id };
  for (const [, { Properties }] of functions) {
    expect(Properties).toMatchObject({ ReservedConcurrentExecutions: 1, DeadLetterConfig: { TargetArn: topic } });
  }
});
