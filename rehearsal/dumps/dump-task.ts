import type { Intrinsics } from '../template/intrinsics';
import { roleOf } from '../template/task-definition';

/** What marks the task definition of a dump in its metadata. */
export const DUMP_KIND = 'dump';

/** A container of a dump, in the order in which they run. */
export interface DumpContainer {
  readonly name: string;
  readonly image: string;
  /** Entry point and command. */
  readonly words: readonly string[];
  /** Variable to `ValueFrom`. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly user?: string;
  /** Where the volume of the dump is mounted. */
  readonly folder: string;
}

/** A task that dumps the database and uploads the dump, as the template has it. */
export interface DumpTask {
  /** ARN of its task definition. */
  readonly id: string;
  readonly family: string;
  readonly containers: readonly DumpContainer[];
  /** Logical id of its role. */
  readonly taskRole?: string;
  /** When it runs. */
  readonly schedules: readonly string[];
  readonly clusterArn?: string;
}

/** The dumps of a template, whose references are known by now. */
export function readDumps(intrinsics: Intrinsics): DumpTask[] {
  return intrinsics
    .created('AWS::ECS::TaskDefinition')
    .filter(({ resource }) => resource.Metadata?.['cdk-django-fargate']?.process === DUMP_KIND)
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
    secrets: Object.fromEntries(
      (container.Secrets ?? []).map(({ Name, ValueFrom }: { Name: string; ValueFrom: string }) => [Name, ValueFrom]),
    ),
    user: container.User,
    folder: container.MountPoints?.[0]?.ContainerPath ?? '',
  };
}
