import type { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { readServices } from '../../../rehearsal/template/read-services';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

/** Names of services, given what each runs and where the CDK's command line says that it is. */
function namesOf(services: { [id: string]: { kind?: string; path?: string } }): string[] {
  const resources = Object.entries(services).map(([id, { path }]) => ({
    id,
    resource: {
      Type: 'AWS::ECS::Service',
      Metadata: path === undefined ? undefined : { 'aws:cdk:path': path },
      Properties: { TaskDefinition: id },
    },
  }));
  const created = (type: string) => (type === 'AWS::ECS::Service' ? resources : []);
  const properties = ({ Properties }: { Properties: object }) => Properties;
  const definitions = new Map(Object.entries(services).map(([id, { kind }]) => [id, { kind } as TaskDefinition]));
  const read = readServices({
    intrinsics: { created, properties } as unknown as Intrinsics,
    definitions,
    groups: new Map(),
    announce: { progress: () => undefined, substitution: () => undefined, event: () => undefined },
  });
  return read.map(({ name }) => name);
}

test('a service is called by its place in the construct tree', () => {
  const path = 'Shop/App/Workers/general/Service/Service';
  expect(namesOf({ AppWorkersGeneral1A: { kind: 'worker', path } })).toEqual(['workers-general']);
});

test('without places, by what it runs; two that run the same, by their logical ids', () => {
  expect(
    namesOf({ Web1A: { kind: 'web' }, Mail2B: { kind: 'worker' }, Rest3C: { kind: 'worker' }, Own4D: {} }),
  ).toEqual(['web', 'Mail2B', 'Rest3C', 'Own4D']);
});
