import { NotRunnableHere } from '../image/not-runnable-here';
import type { Ulimit } from '../template/task-definition';
import type { Answer } from './engine';
import { complaint } from './engine';

/** What a task definition asks of an engine, and not every engine on every machine can give. */
export type Property = 'read-only' | 'tmpfs' | 'capabilities' | 'init' | 'memory' | 'swap' | 'processor';

/** What an engine can do on this machine. */
export interface Abilities {
  /** Options before the subcommand. */
  readonly globals: readonly string[];
  readonly properties: ReadonlySet<Property>;
  /** The most that this machine grants, where it grants less than a task definition may ask. */
  readonly ceilings?: readonly Ulimit[];
}

/** Options of a trial, and what is said where the engine refuses them. */
const TRIALS: Readonly<Record<Property, { readonly options: readonly string[]; readonly without: string }>> = {
  'read-only': { options: ['--read-only'], without: 'the file system of an image is not read-only' },
  tmpfs: {
    options: ['--tmpfs', '/tmp:rw,nosuid,nodev,noexec,size=16m,mode=1777'],
    without: 'no file system in memory has the size and the options of the template',
  },
  capabilities: { options: ['--cap-drop', 'ALL'], without: 'capabilities are those that the engine leaves' },
  init: { options: ['--init'], without: 'no init process forwards signals and reaps processes' },
  memory: { options: ['--memory', '256m'], without: 'no memory limit ends a container' },
  swap: { options: ['--memory-swap', '256m'], without: 'what exceeds the memory of a container is swapped' },
  processor: { options: ['--cpus', '0.5'], without: 'a container may take every processor of this machine' },
};

const PROPERTIES = Object.keys(TRIALS) as Property[];
/** Open files that Fargate lets a process have, where the task definition says nothing. */
export const FARGATE_FILES: Ulimit = { name: 'nofile', soft: 65_535, hard: 65_535 };
/** Processes that even a small machine grants, the most first. */
const PROCESSES = [16_384, 4096, 1024];
/** Options by which podman takes another runtime, or another way to cgroups, than it would by itself. */
const GLOBALS = [
  [],
  ['--runtime', 'runc'],
  ['--cgroup-manager', 'cgroupfs'],
  ['--cgroup-manager', 'cgroupfs', '--runtime', 'runc'],
];

/** Runs a container that ends at once, with options before and after the subcommand. */
export type Trial = (globals: readonly string[], options: readonly string[]) => Promise<Answer>;

export interface ProbeProps {
  readonly kind: 'docker' | 'podman';
  readonly trial: Trial;
  /** Open files that this machine grants a process of the rehearsal. */
  readonly files: number;
  /** Says what a property of the template cannot be here. */
  readonly substitution: (text: string) => void;
}

/**
 * Finds the options with which an engine runs containers on this machine, by running some.
 *
 * Each property that cannot be had is said in a line; throws where no container runs at all.
 */
export async function probe({ kind, trial, files, substitution }: ProbeProps): Promise<Abilities> {
  const whole = new Set(PROPERTIES);
  if ((await trial([], options(whole, undefined))).code === 0) {
    return { globals: [], properties: whole };
  }
  const { globals, ceilings } = await base(kind, trial, files);
  const properties = new Set<Property>();
  for (const property of PROPERTIES) {
    const { code } = await trial(globals, options([...properties, property], ceilings));
    if (code === 0) {
      properties.add(property);
    } else {
      substitution(`the engine cannot do it here: ${TRIALS[property].without}`);
    }
  }
  if (ceilings !== undefined) {
    substitution(`this machine grants a container at most ${ceilings.map(spoken).join(' and ')}`);
  }
  return { globals, properties, ceilings };
}

/** The options without which nothing runs. */
async function base(kind: ProbeProps['kind'], trial: Trial, files: number): Promise<Omit<Abilities, 'properties'>> {
  const own = { name: 'nofile', soft: Math.min(files, FARGATE_FILES.soft), hard: Math.min(files, FARGATE_FILES.hard) };
  const ceilings = [undefined, [own], ...PROCESSES.map((count) => [own, { name: 'nproc', soft: count, hard: count }])];
  let last: Answer | undefined;
  for (const globals of kind === 'podman' ? GLOBALS : [[]]) {
    for (const ceiling of ceilings) {
      last = await trial(globals, options([], ceiling));
      if (last.code === 0) {
        return { globals, ceilings: ceiling };
      }
    }
  }
  throw new NotRunnableHere(
    `the container engine runs no container: ${last && complaint(last)}. Mend it, or rehearse with --mode processes.`,
  );
}

/** The options of any container here. */
export function leastWords({ ceilings = [FARGATE_FILES] }: Pick<Abilities, 'ceilings'>): string[] {
  return ['--network', 'host', ...ceilings.flatMap(ulimitWords)];
}

function options(properties: Iterable<Property>, ceilings: readonly Ulimit[] | undefined): string[] {
  return [...leastWords({ ceilings }), ...[...properties].flatMap((property) => TRIALS[property].options)];
}

/** A limit in the words of engines. */
export function ulimitWords({ name, soft, hard }: Ulimit): string[] {
  return ['--ulimit', `${name}=${soft}:${hard}`];
}

function spoken({ name, hard }: Ulimit): string {
  return `${hard} ${name === 'nofile' ? 'open files' : 'processes'}`;
}
