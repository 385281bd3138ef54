import type { Intrinsics } from '../template/intrinsics';
import { roleOf } from '../template/task-definition';

/** What marks the task definition of a dump in its metadata. */
export const DUMP_KIND = 'dump';
/** That of a drill, which restores a dump and has the application look at it. */
export const DRILL_KIND = 'drill';
/** That of a task that somebody starts, to copy a table from a dump. */
export const RESTORE_KIND = 'restore';
/** What runs several containers of different images, and is not started by the clock here. */
export const DUMP_KINDS: readonly (string | undefined)[] = [DUMP_KIND, DRILL_KIND, RESTORE_KIND];

/** What a container waits for. */
export interface Dependency {
  readonly name: string;
  /** `SUCCESS` or `HEALTHY`. */
  readonly condition: string;
}

/** A container of a dump or of a drill. */
export interface DumpContainer {
  readonly name: string;
  readonly image: string;
  /** Entry point and command. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Variable to `ValueFrom`. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly user?: string;
  /** Where the volume of the task is mounted. */
  readonly folder: string;
  readonly waitsFor: readonly Dependency[];
  /** Whether the task ends with it. */
  readonly isEssential: boolean;
  /** What tells whether it is healthy. */
  readonly healthCheck?: readonly string[];
}

/** A task that dumps the database and uploads the dump, or restores one, as the template has it. */
export interface DumpTask {
  /** ARN of its task definition. */
  readonly id: string;
  readonly family: string;
  /** In an order in which they may start. */
  readonly containers: readonly DumpContainer[];
  /** Logical id of its role. */
  readonly taskRole?: string;
  /** Its place in the construct tree. */
  readonly place: string;
  /** When it runs. */
  readonly schedules: readonly string[];
  readonly clusterArn?: string;
}

/** The tasks of a kind in a template, whose references are known by now. */
export function readDumps(intrinsics: Intrinsics, kind: string = DUMP_KIND): DumpTask[] {
  return intrinsics
    .created('AWS::ECS::TaskDefinition')
    .filter(({ resource }) => resource.Metadata?.['cdk-django-fargate']?.process === kind)
    .map(({ id, resource }) => {
      const properties = intrinsics.properties(resource);
      const arn = intrinsics.resolve({ Ref: id }) as string;
      const schedules = intrinsics
        .created('AWS::Scheduler::Schedule')
        .map((schedule) => intrinsics.properties(schedule.resource))
        .filter(({ Target }) => Target?.EcsParameters?.TaskDefinitionArn === arn);
      return {
        id: arn,
        family: properties.Family ?? id,
        containers: inOrder(properties.ContainerDefinitions ?? []).map(containerOf),
        taskRole: roleOf(resource.Properties?.TaskRoleArn),
        place: String(resource.Metadata?.['aws:cdk:path'] ?? id),
        schedules: schedules.map(({ ScheduleExpression }) => ScheduleExpression),
        clusterArn: schedules[0]?.Target?.Arn,
      };
    });
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
type Definition = any;

/** Each after the one that it waits for. */
function inOrder(containers: readonly Definition[]): Definition[] {
  const depth = (container: Definition): number =>
    Math.max(
      0,
      ...(container.DependsOn ?? []).map(
        ({ ContainerName }: { ContainerName: string }) =>
          1 + depth(containers.find(({ Name }) => Name === ContainerName)),
      ),
    );
  return [...containers].sort((one, other) => depth(one) - depth(other));
}

function containerOf(container: Definition): DumpContainer {
  return {
    name: container.Name,
    image: container.Image,
    words: [...(container.EntryPoint ?? []), ...(container.Command ?? [])],
    environment: pairs(container.Environment, 'Value'),
    secrets: pairs(container.Secrets, 'ValueFrom'),
    user: container.User,
    folder: container.MountPoints?.[0]?.ContainerPath ?? '',
    waitsFor: (container.DependsOn ?? []).map(
      ({ ContainerName, Condition }: { ContainerName: string; Condition: string }) => ({
        name: ContainerName,
        condition: Condition,
      }),
    ),
    isEssential: container.Essential !== false,
    healthCheck: container.HealthCheck?.Command?.slice(1),
  };
}

function pairs(list: readonly Record<string, string>[] | undefined, value: string): Record<string, string> {
  return Object.fromEntries((list ?? []).map((each) => [each.Name, each[value]]));
}
