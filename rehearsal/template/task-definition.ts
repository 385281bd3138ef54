import type { Resource } from './assembly';
import type { Intrinsics } from './intrinsics';

export interface HealthCheck {
  readonly command: string[];
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly startPeriod: number;
}

/** What the rehearsal needs of an AWS::ECS::TaskDefinition. */
export interface TaskDefinition {
  readonly id: string;
  readonly family: string;
  /** `web`, `asgi`, `worker`, `beat`, `release` or `scheduled`, if a construct of this library made it. */
  readonly kind?: string;
  readonly name: string;
  readonly image: string;
  readonly entryPoint?: string[];
  readonly command?: string[];
  readonly workingDirectory?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Variable to `ValueFrom`. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly healthCheck?: HealthCheck;
  readonly stopTimeout: number;
  readonly user?: string;
  /** Memory of the task in MiB, for all its containers. */
  readonly memory?: number;
  /** Containers beside the application's: they stay paper. */
  readonly sidecars: string[];
}

export function readTaskDefinition(
  id: string,
  resource: Resource,
  intrinsics: Intrinsics,
  isKnownImage: (image: string) => boolean,
): TaskDefinition {
  const properties = intrinsics.properties(resource);
  // biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
  const containers: any[] = properties.ContainerDefinitions ?? [];
  const main = containers.find((container) => isKnownImage(container.Image)) ?? containers[0];
  return {
    id,
    family: properties.Family ?? id,
    kind: resource.Metadata?.['cdk-django-fargate']?.process,
    name: main.Name,
    image: main.Image,
    entryPoint: main.EntryPoint,
    command: main.Command,
    workingDirectory: main.WorkingDirectory,
    environment: pairs(main.Environment, 'Value'),
    secrets: pairs(main.Secrets, 'ValueFrom'),
    port: main.PortMappings?.[0]?.ContainerPort,
    healthCheck: healthCheck(main.HealthCheck),
    stopTimeout: Number(main.StopTimeout ?? 30),
    user: main.User,
    memory: properties.Memory === undefined ? undefined : Number(properties.Memory),
    sidecars: containers.filter((container) => container !== main).map((container) => container.Name),
  };
}

/** The same definition with what RunTask's or a schedule's `containerOverrides` change. */
export function withOverrides(
  definition: TaskDefinition,
  // biome-ignore lint/suspicious/noExplicitAny: as ECS has it
  overrides: any[] | undefined,
): TaskDefinition {
  const override = overrides?.find((one) => (one.name ?? one.Name) === definition.name);
  if (override === undefined) {
    return definition;
  }
  const environment = pairs(override.environment ?? override.Environment, 'value', 'name');
  return {
    ...definition,
    command: override.command ?? override.Command ?? definition.command,
    environment: { ...definition.environment, ...environment },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function pairs(list: any[] | undefined, value: string, name = 'Name'): Record<string, string> {
  return Object.fromEntries((list ?? []).map((item) => [item[name], String(item[value])]));
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function healthCheck(check: any): HealthCheck | undefined {
  if (check === undefined || check.Command?.[0] === 'NONE') {
    return undefined;
  }
  const [form, ...rest] = check.Command as string[];
  return {
    command: form === 'CMD' ? rest : ['/bin/sh', '-c', form === 'CMD-SHELL' ? rest.join(' ') : check.Command.join(' ')],
    interval: Number(check.Interval ?? 30),
    timeout: Number(check.Timeout ?? 5),
    retries: Number(check.Retries ?? 3),
    startPeriod: Number(check.StartPeriod ?? 0),
  };
}
