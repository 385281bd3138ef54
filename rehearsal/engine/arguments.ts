import type { Confinement, MountPoint, Tmpfs, Ulimit } from '../template/task-definition';
import { type Abilities, FARGATE_FILES, ulimitWords } from './abilities';
import { PROXIES } from './variables';

/** As containerd and docker make it, 64 MiB. Fargate has no property for it. */
const SHARED_MEMORY: Tmpfs = { path: '/dev/shm', size: 64, options: ['rw', 'nosuid', 'nodev', 'noexec'] };

/** What a container is made of, in the words of its task definition. */
export interface Wanted {
  readonly name: string;
  /** Of the run, so that its containers can be found. */
  readonly labels: readonly string[];
  readonly image: string;
  readonly words: readonly string[];
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly confinement: Confinement;
  /** Memory of the task, in MiB. */
  readonly memory?: number;
  /** CPU units of the task. */
  readonly cpu?: number;
  readonly tmpfs: readonly Tmpfs[];
  readonly mountPoints: readonly MountPoint[];
  /** Variables by name: their values are the client's, and no process title has them. */
  readonly variables: readonly string[];
  /** A file with variables that mean something to the client itself. */
  readonly variablesFile?: string;
  /** Files of this machine, and their paths in the container, where nobody can write to them. */
  readonly files: readonly { readonly path: string; readonly local: string }[];
}

/** What makes engines differ. */
export interface Machine extends Abilities {
  readonly kind: 'docker' | 'podman';
  readonly processors: number;
}

/**
 * The words after the name of the engine that make a container as its task definition says, on the network of
 * this machine.
 *
 * What the engine cannot do here is left out; `probe` has said so.
 */
export function createWords(wanted: Wanted, machine: Machine): string[] {
  const [entryPoint, ...command] = wanted.words;
  const has = (property: Parameters<Abilities['properties']['has']>[0]) => machine.properties.has(property);
  return [
    ...['create', '--name', wanted.name, ...wanted.labels.flatMap((label) => ['--label', label])],
    ...['--pull', 'never', '--network', 'host'],
    // Output is read while it is written, and ECS does not know a HEALTHCHECK of the image.
    ...['--log-driver', 'none', '--no-healthcheck', '--security-opt', 'label=disable'],
    ...(machine.kind === 'podman' ? ['--http-proxy=false'] : []),
    ...optional('--user', wanted.user),
    ...optional('--workdir', wanted.workingDirectory),
    ...(has('read-only') ? readOnlyWords(wanted, machine) : []),
    ...(has('capabilities') ? capabilityWords(wanted.confinement) : []),
    ...(has('init') && wanted.confinement.hasInit ? ['--init'] : []),
    ...limitsOf(wanted.confinement.ulimits, machine.ceilings).flatMap(ulimitWords),
    ...memoryWords(wanted, machine),
    ...(has('processor') ? processorWords(wanted.cpu, machine.processors) : []),
    ...(has('tmpfs') ? wanted.tmpfs.flatMap(tmpfsWords) : []),
    ...wanted.mountPoints.flatMap(({ volume, path }) => ['--volume', `${volume}:${path}`]),
    ...wanted.files.flatMap(({ path, local }) => ['--volume', `${local}:${path}:ro`]),
    ...wanted.variables.flatMap((name) => ['--env', name]),
    ...(machine.kind === 'docker' ? withoutProxies(wanted.variables) : []),
    ...optional('--env-file', wanted.variablesFile),
    ...['--entrypoint', entryPoint, wanted.image, ...command],
  ];
}

function optional(option: string, value: string | undefined): string[] {
  return value === undefined ? [] : [option, value];
}

/**
 * Docker adds the proxies of its client's configuration (`proxies` in config.json) to each container; on AWS
 * a task has none but its own.
 */
function withoutProxies(variables: readonly string[]): string[] {
  return PROXIES.filter((name) => !variables.includes(name)).flatMap((name) => ['--env', `${name}=`]);
}

/**
 * Podman adds file systems in memory to a read-only container unless it is told not to. Then podman 5 makes
 * /dev/shm read-only as well, in which Celery's prefork pool has its locks; on Fargate it can be written to.
 */
function readOnlyWords({ confinement, tmpfs, mountPoints }: Wanted, { kind }: Machine): string[] {
  if (!confinement.isReadOnly) {
    return [];
  }
  const hasOwn = [...tmpfs, ...mountPoints].some(({ path }) => path.replace(/\/$/, '') === SHARED_MEMORY.path);
  const podman = ['--read-only-tmpfs=false', ...(hasOwn ? [] : tmpfsWords(SHARED_MEMORY))];
  return ['--read-only', ...(kind === 'podman' ? podman : [])];
}

function capabilityWords({ droppedCapabilities, addedCapabilities }: Confinement): string[] {
  return [
    ...droppedCapabilities.flatMap((name) => ['--cap-drop', name]),
    ...addedCapabilities.flatMap((name) => ['--cap-add', name]),
  ];
}

/** Limits of the task definition, and Fargate's where it has none, within what this machine grants. */
function limitsOf(asked: readonly Ulimit[], ceilings: readonly Ulimit[] = []): Ulimit[] {
  const all = new Map<string, Ulimit>();
  for (const limit of [...ceilings, FARGATE_FILES, ...asked]) {
    const most = ceilings.find(({ name }) => name === limit.name)?.hard ?? Number.POSITIVE_INFINITY;
    all.set(limit.name, { ...limit, soft: Math.min(limit.soft, most), hard: Math.min(limit.hard, most) });
  }
  return [...all.values()];
}

function memoryWords({ confinement, memory }: Wanted, { properties }: Machine): string[] {
  const limit = Math.min(confinement.memory ?? Number.POSITIVE_INFINITY, memory ?? Number.POSITIVE_INFINITY);
  if (!Number.isFinite(limit)) {
    return [];
  }
  return [
    ...(properties.has('memory') ? ['--memory', `${limit}m`] : []),
    ...(properties.has('swap') ? ['--memory-swap', `${limit}m`] : []),
  ];
}

function processorWords(units: number | undefined, processors: number): string[] {
  return units === undefined ? [] : ['--cpus', String(Math.min(units / 1024, processors))];
}

function tmpfsWords({ path, size, options }: Tmpfs): string[] {
  return ['--tmpfs', `${path}:${[...options, `size=${size}m`, 'mode=1777'].join(',')}`];
}
