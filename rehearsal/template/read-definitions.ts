import type { Announce } from '../announce';
import { DUMP_KINDS } from '../dumps/dump-task';
import { believing } from '../edge/network';
import type { KnownImage } from '../task/container';
import type { Assembly } from './assembly';
import type { Intrinsics } from './intrinsics';
import { readTaskDefinition, type TaskDefinition } from './task-definition';

/** What task definitions are read from. */
export interface DefinitionSources {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  /** Images that can be made here. */
  readonly images: Pick<ReadonlyMap<string, KnownImage>, 'has'>;
  /** The load balancer's address, if it has its own. */
  readonly localAddress?: string;
  readonly announce: Announce;
}

/** Task definitions whose image can be made here, by ARN. */
export function readDefinitions(sources: DefinitionSources): ReadonlyMap<string, TaskDefinition> {
  const { assembly, intrinsics, images, localAddress, announce } = sources;
  const definitions = new Map<string, TaskDefinition>();
  for (const { id, resource } of intrinsics.created('AWS::ECS::TaskDefinition')) {
    const { Family } = intrinsics.properties(resource);
    const arn = `arn:aws:ecs:${assembly.region}:${assembly.account}:task-definition/${Family ?? id}:1`;
    intrinsics.register(id, { ref: arn, attributes: { TaskDefinitionArn: arn } });
    if (DUMP_KINDS.includes(resource.Metadata?.['cdk-django-fargate']?.process)) {
      announce.substitution('dumps of the database are made and restored by the checks alone, and not by the clock');
      continue;
    }
    const read = readTaskDefinition(arn, resource, intrinsics, (image) => images.has(image));
    const definition = believing(read, assembly.template, localAddress);
    if (definition !== read) {
      announce.substitution(
        'FORWARDED_ALLOW_IPS reads the address of the local load balancer, whose network no stack has',
      );
    }
    if (definition.sidecars.length > 0) {
      announce.substitution(`containers beside the application stay paper: ${definition.sidecars.join(', ')}`);
    }
    if (images.has(definition.image)) {
      definitions.set(arn, definition);
    }
  }
  return definitions;
}
