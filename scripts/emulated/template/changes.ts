import { dependenciesOf, type Resource, type Template } from './template';

type Change = (template: Template) => Template;

/** Another tag for the image, as a change of the application gives it one. */
export function newImage(tag: string): Change {
  return (template) =>
    JSON.parse(
      JSON.stringify(template).replaceAll(
        /(container-assets-[^"]*?:)[0-9a-f]{64}/g,
        `$1${tag.repeat(64).slice(0, 64)}`,
      ),
    );
}

/** The name of a parameter that is in the way of the stack's own. */
export const IN_THE_WAY = '/emulated/in-the-way';

/** A resource that fails once everything else is there: somebody has a parameter of its name already. */
export const failingLast: Change = (template) => {
  const blocked: Resource = {
    Type: 'AWS::SSM::Parameter',
    Properties: { Name: IN_THE_WAY, Type: 'String', Value: 'ours' },
    DependsOn: Object.keys(template.Resources),
  };
  return { ...template, Resources: { ...template.Resources, InTheWay: blocked } };
};

/** Another port of the database: what the guard refuses, since RDS would make an empty instance. */
export const otherPort: Change = (template) =>
  withEach(template, (resource) => {
    switch (resource.Type) {
      case 'Custom::ChangeGuard':
        return changed(resource, { Database: { ...resource.Properties.Database, 'databaseOptions.port': '15433' } });
      case 'AWS::RDS::DBInstance':
        return changed(resource, { Port: '15433' });
      default:
        return resource;
    }
  });

/** An identifier of a hosted zone with a slip in it. */
export function wrongZone(zone: string): Change {
  return (template) =>
    JSON.parse(JSON.stringify(template).replaceAll(zone, `${zone.slice(0, -1)}_`.replace('_', 'X9')));
}

/** Services that do not wait for the release any more: a fault. */
export const impatientServices: Change = (template) => {
  const releases = Object.keys(template.Resources).filter(
    (id) => template.Resources[id].Type === 'Custom::ReleaseCommand',
  );
  return withEach(template, (resource) =>
    resource.Type === 'AWS::ECS::Service'
      ? { ...resource, DependsOn: dependenciesOf(resource).filter((id) => !releases.includes(id)) }
      : resource,
  );
};

/** One change after the other. */
export function both(one: Change, other: Change): Change {
  return (template) => other(one(template));
}

function changed(resource: Resource, properties: object): Resource {
  return { ...resource, Properties: { ...resource.Properties, ...properties } };
}

function withEach(template: Template, change: (resource: Resource) => Resource): Template {
  const entries = Object.entries(template.Resources).map(([id, resource]) => [id, change(resource)]);
  return { ...template, Resources: Object.fromEntries(entries) };
}
