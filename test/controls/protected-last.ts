import type { Graph } from '../wiring/graph';
import type { Mutant } from './control';

const RESOURCE = 'Custom::DeletionProtection';

/** Parts of a type that nothing protects against deletion once the application is there, or that are protected too early. */
export function unprotected(template: Graph, type: string): string[] {
  const [last] = template.ofType(RESOURCE);
  if (last === undefined) {
    return [`no ${RESOURCE}`];
  }
  const { Instances, KeptInstances, Clusters, KeptClusters, LoadBalancers } = template.properties(last);
  const protectedLast = template.mentions([Instances, KeptInstances, Clusters, KeptClusters, LoadBalancers]);
  const isEarly = (id: string) =>
    /DeletionProtection|deletion_protection/.test(JSON.stringify(template.properties(id)));
  const everything = Object.keys(template.resources).filter((id) => id.startsWith('App') && id !== last);
  return [
    ...template.ofType(type).filter((id) => isEarly(id) || !protectedLast.includes(id)),
    ...everything.filter((id) => !template.waitsFor(last, id)),
  ];
}

/** Faults that `unprotected` must notice, for a property of the last resource. */
export function unprotectedMutants(property: string): { readonly [name: string]: Mutant } {
  const change = (act: (resource: { [key: string]: unknown }) => void): Mutant => {
    return (resources) => {
      const [resource] = Object.values(resources).filter(({ Type }) => Type === RESOURCE);
      act(resource as unknown as { [key: string]: unknown });
    };
  };
  return {
    'no protection': change((resource) => {
      (resource.Properties as { [name: string]: unknown })[property] = [];
    }),
    'protection before everything is there': change((resource) => {
      resource.DependsOn = [];
    }),
  };
}

/** Whether a resource must exist before anything can switch termination protection off in a rollback. */
export function isOfTheGuard(template: Graph, id: string): boolean {
  return template.ofType('Custom::TerminationProtection').some((guard) => template.waitsFor(guard, id));
}
