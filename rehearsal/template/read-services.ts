import type { Announce } from '../announce';
import { created } from '../aws/provision';
import type { TargetGroup } from '../edge/target-group';
import type { ServiceProps } from '../task/services';
import { placeOf, type Template } from './assembly';
import type { Intrinsics } from './intrinsics';
import type { TaskDefinition } from './task-definition';

type Read = Omit<ServiceProps, 'launch' | 'order'>;

/** The services of the template whose image can be built here; the others are announced. */
export function readServices(
  template: Template,
  intrinsics: Intrinsics,
  definitions: Map<string, TaskDefinition>,
  groups: Map<string, TargetGroup>,
  announce: Announce,
): Read[] {
  const minimums = minimumTasks(template, intrinsics);
  return created(template, 'AWS::ECS::Service', intrinsics).flatMap(({ id, resource }) => {
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
      minimumHealthyPercent: Number(properties.DeploymentConfiguration?.MinimumHealthyPercent ?? 100),
      maximumPercent: Number(properties.DeploymentConfiguration?.MaximumPercent ?? 200),
      gracePeriod: Number(properties.HealthCheckGracePeriodSeconds ?? 0),
      group: groups.get(properties.LoadBalancers?.[0]?.TargetGroupArn),
      announce,
    };
  });
}

/** Where scaling decides the number of tasks, it starts at the fewest. */
function minimumTasks(template: Template, intrinsics: Intrinsics): Map<string | undefined, number> {
  return new Map(
    created(template, 'AWS::ApplicationAutoScaling::ScalableTarget', intrinsics).map(({ resource }) => {
      const properties = intrinsics.properties(resource);
      return [String(properties.ResourceId).split('/').pop(), Number(properties.MinCapacity)];
    }),
  );
}
