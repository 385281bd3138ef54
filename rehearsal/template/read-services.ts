import type { Announce } from '../announce';
import type { TargetGroup } from '../edge/target-group';
import type { ServiceProps } from '../task/services';
import { placeOf } from './assembly';
import type { Intrinsics } from './intrinsics';
import type { TaskDefinition } from './task-definition';

type Read = Omit<ServiceProps, 'launch' | 'order'>;

/** What services are read from. */
export interface ServiceSources {
  readonly intrinsics: Intrinsics;
  readonly definitions: ReadonlyMap<string, TaskDefinition>;
  readonly groups: ReadonlyMap<string, TargetGroup>;
  readonly announce: Announce;
}

/** The services of the template whose image can be built here; the others are announced. */
export function readServices({ intrinsics, definitions, groups, announce }: ServiceSources): Read[] {
  const minimums = minimumTasks(intrinsics);
  const services = intrinsics.created('AWS::ECS::Service').flatMap(({ id, resource }) => {
    const properties = intrinsics.properties(resource);
    const definition = definitions.get(properties.TaskDefinition);
    if (definition === undefined) {
      announce.substitution(`service ${id} stays paper: its image is not in the assembly`);
      return [];
    }
    return {
      id,
      name: placeOf(resource) ?? definition.kind ?? id,
      definition,
      desiredCount: Number(properties.DesiredCount ?? minimums.get(id) ?? 1),
      maximumPercent: Number(properties.DeploymentConfiguration?.MaximumPercent ?? 200),
      gracePeriod: Number(properties.HealthCheckGracePeriodSeconds ?? 0),
      group: groups.get(properties.LoadBalancers?.[0]?.TargetGroupArn),
      announce,
    };
  });
  return services.map((service) => (isAlone(service, services) ? service : { ...service, name: service.id }));
}

/** Templates that the CDK's command line has not made name no places: all workers are `worker` there. */
function isAlone({ name }: Read, services: readonly Read[]): boolean {
  return services.filter((other) => other.name === name).length === 1;
}

/** Where scaling decides the number of tasks, it starts at the fewest. */
function minimumTasks(intrinsics: Intrinsics): Map<string | undefined, number> {
  return new Map(
    intrinsics.created('AWS::ApplicationAutoScaling::ScalableTarget').map(({ resource }) => {
      const properties = intrinsics.properties(resource);
      return [String(properties.ResourceId).split('/').pop(), Number(properties.MinCapacity)];
    }),
  );
}
