import { serving } from '../../../rehearsal/load/template';

function template() {
  const service = (kind: string) => ({
    Type: 'AWS::ECS::Service',
    Properties: {
      TaskDefinition: { Ref: `Task${kind}` } as { Ref: string },
      DesiredCount: undefined as number | undefined,
    },
  });
  const task = (process: string) => ({
    Type: 'AWS::ECS::TaskDefinition',
    Metadata: { 'cdk-django-fargate': { process } },
    Properties: {},
  });
  return {
    Resources: {
      Taskweb: task('web'),
      Taskasgi: task('asgi'),
      Taskworker: task('worker'),
      web: service('web'),
      asgi: service('asgi'),
      worker: service('worker'),
      Rule: {
        Type: 'AWS::ElasticLoadBalancingV2::ListenerRule',
        Properties: {
          Conditions: [
            { Field: 'host-header', HostHeaderConfig: { Values: ['a.example'] } },
            { Field: 'path-pattern', PathPatternConfig: { Values: ['/ws/*'] } },
          ],
        },
      },
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
const counts = ({ Resources }: any) => ['web', 'asgi', 'worker'].map((kind) => Resources[kind].Properties.DesiredCount);

test('one service answers every path, no other runs, and the template stays as it was', () => {
  const given = template();
  const web = serving(given, 'web');
  const asgi = serving(given, 'asgi');
  expect([counts(web), counts(asgi)]).toEqual([
    [undefined, 0, 0],
    [0, undefined, 0],
  ]);
  const [, path] = asgi.Resources.Rule.Properties?.Conditions ?? [];
  expect(path.PathPatternConfig.Values).toEqual(['/*']);
  expect(web.Resources.Rule.Properties?.Conditions[1].PathPatternConfig.Values).toEqual(['/nowhere/*']);
  expect(given).toEqual(template());
});
