import type { Resource } from './assembly';
import type { Intrinsics } from './intrinsics';

export interface HealthCheck {
  readonly command: string[];
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly startPeriod: number;
}

/** A file system in memory. */
export interface Tmpfs {
  readonly path: string;
  /** In MiB. */
  readonly size: number;
  /** As mount(8) takes them. */
  readonly options: readonly string[];
}

/** A volume of the task in a container. */
export interface MountPoint {
  readonly volume: string;
  readonly path: string;
}

/** A limit of a process, as setrlimit(2) takes it. */
export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** What Linux lets a container do. */
export interface Confinement {
  readonly isReadOnly: boolean;
  /** Whether an init process forwards signals and reaps processes. */
  readonly hasInit: boolean;
  readonly droppedCapabilities: readonly string[];
  readonly addedCapabilities: readonly string[];
  readonly ulimits: readonly Ulimit[];
  /** Memory of this container alone, in MiB. @default - that of the task */
  readonly memory?: number;
}

/** A container of the same image that must end with 0 before the application starts. */
export interface InitContainer {
  readonly name: string;
  /** Entry point and command of the template; those of the image where it has none. */
  readonly entryPoint?: string[];
  readonly command?: string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly mountPoints: readonly MountPoint[];
  readonly confinement: Confinement;
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
  /**
   * Whether a person typed the command, so that its words stay as they are.
   *
   * @default - the template has it
   */
  readonly isTyped?: boolean;
  readonly workingDirectory?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Variable to `ValueFrom`. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly healthCheck?: HealthCheck;
  readonly stopTimeout: number;
  readonly user?: string;
  /** Logical id of its role, if the template makes it. @default - somebody else has made it */
  readonly taskRole?: string;
  /** Memory of the task in MiB, for all its containers. */
  readonly memory?: number;
  /** CPU units of the task: 1024 are a processor. */
  readonly cpu?: number;
  /** What its images must be built for: `linux/arm64`. */
  readonly platform: string;
  readonly confinement: Confinement;
  readonly tmpfs: readonly Tmpfs[];
  readonly mountPoints: readonly MountPoint[];
  readonly initContainers: readonly InitContainer[];
  /** Other containers beside the application's: they stay paper. */
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
  const known = containers.filter((container) => isKnownImage(container.Image));
  const main = known.find((container) => !known.some((other) => waitsFor(other, container))) ?? containers[0];
  const first = known.filter((container) => waitsFor(main, container));
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
    taskRole: roleOf(resource.Properties?.TaskRoleArn),
    memory: numberOf(properties.Memory),
    cpu: numberOf(properties.Cpu),
    platform: platformOf(properties.RuntimePlatform),
    confinement: confinement(main),
    tmpfs: (main.LinuxParameters?.Tmpfs ?? []).map(tmpfs),
    mountPoints: mountPoints(main.MountPoints),
    initContainers: first.map(initContainer),
    sidecars: containers
      .filter((container) => container !== main && !first.includes(container))
      .map((container) => container.Name),
  };
}

/** What `taskRole` is for a task without a role, which may do nothing. */
export const WITHOUT_ROLE = '(no task role)';

/** Logical id of a role that the template makes; undefined for one that somebody else has made. */
export function roleOf(
  reference: { readonly 'Fn::GetAtt'?: string[] | string } | string | undefined,
): string | undefined {
  if (reference === undefined) {
    return WITHOUT_ROLE;
  }
  return typeof reference === 'string' ? undefined : [reference['Fn::GetAtt'] ?? []].flat()[0]?.split('.')[0];
}

/** Whether a container starts only when another one has ended. */
// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function waitsFor(container: any, other: any): boolean {
  // biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
  return (container.DependsOn ?? []).some(({ ContainerName, Condition }: any) => {
    return ContainerName === other.Name && ['SUCCESS', 'COMPLETE'].includes(Condition);
  });
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function initContainer(container: any): InitContainer {
  return {
    name: container.Name,
    entryPoint: container.EntryPoint,
    command: container.Command,
    environment: pairs(container.Environment, 'Value'),
    user: container.User,
    mountPoints: mountPoints(container.MountPoints),
    confinement: confinement(container),
  };
}

/** The processor of a task definition, in the words of container engines. */
export function platformOf(runtimePlatform: { readonly CpuArchitecture?: string } | undefined): string {
  return runtimePlatform?.CpuArchitecture === 'ARM64' ? 'linux/arm64' : 'linux/amd64';
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function confinement({ LinuxParameters = {}, ReadonlyRootFilesystem, Ulimits = [], Memory }: any): Confinement {
  const { InitProcessEnabled, Capabilities = {} } = LinuxParameters;
  return {
    isReadOnly: isTrue(ReadonlyRootFilesystem),
    hasInit: isTrue(InitProcessEnabled),
    droppedCapabilities: Capabilities.Drop ?? [],
    addedCapabilities: Capabilities.Add ?? [],
    // biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
    ulimits: Ulimits.map(({ Name, SoftLimit, HardLimit }: any) => ({
      name: Name,
      soft: Number(SoftLimit),
      hard: Number(HardLimit),
    })),
    memory: numberOf(Memory),
  };
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

function numberOf(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function tmpfs({ ContainerPath, Size, MountOptions }: any): Tmpfs {
  return { path: ContainerPath, size: Number(Size), options: MountOptions ?? [] };
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function mountPoints(list: any[] | undefined): MountPoint[] {
  return (list ?? []).map(({ SourceVolume, ContainerPath }) => ({ volume: SourceVolume, path: ContainerPath }));
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
