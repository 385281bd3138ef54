import { type ChildProcess, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Rehearsal } from '../rehearsal';
import { type Identity, identity, YOURSELF } from '../task/identity';
import { Logs } from '../task/logs';
import { isRoot } from '../task/sandbox';
import { resourcesOfType } from '../template/assembly';
import { matchesEvent } from '../template/event-pattern';
import type { DumpContainer, DumpTask } from './dump-task';

/** Who a container's user is on this machine: root of a container is another one without any power. */
const ROOT_OF_CONTAINER = 10_002;
/** Programs of the images beside those that matter: a shell, compressors, and what POSIX has. */
const SYSTEM = ['/usr/local/bin', '/usr/bin', '/bin'];
const SAMPLE_MS = 200;

/** What came of a task. */
export interface DumpRun {
  /** Exit codes of the containers that ran. */
  readonly exitCodes: ReadonlyMap<string, number>;
  /** What all of them said. */
  readonly lines: readonly string[];
  /** The most memory that the processes of a container had, in MiB. */
  readonly peakMiB: number;
  /** The most that the volume held, in bytes. */
  readonly volumeBytes: number;
  readonly seconds: number;
}

export interface DumpRunProps {
  readonly rehearsal: Rehearsal;
  readonly dump: DumpTask;
  /** Folders with the programs of the images. */
  readonly programs: readonly string[];
  /** Variables in the place of others, by container. */
  readonly environment?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

let count = 0;

/** Runs the containers of a task one after the other, as long as each ends with 0. */
export async function runDump(props: DumpRunProps): Promise<DumpRun> {
  const { rehearsal, dump, programs } = props;
  const { sandbox } = rehearsal;
  const id = `dump-${++count}`;
  const volume = sandbox.folder(`volume-${id}`, ROOT_OF_CONTAINER);
  const logs = new Logs(path.join(sandbox.folder('logs'), `${id}.log`));
  const exitCodes = new Map<string, number>();
  const started = Date.now();
  let [peakMiB, volumeBytes] = [0, 0];
  try {
    for (const container of dump.containers) {
      const environment = {
        ...(await environmentOf(props, container)),
        PATH: [...programs, ...SYSTEM].join(path.delimiter),
      };
      const [program, ...words] = container.words.map((word) => localized(word, container, volume, rehearsal.caBundle));
      const who = userOf(container, programs, volume);
      const { prefix, ...user } = who;
      const [first, ...rest] = [...prefix, program, ...words];
      const child = sandbox.spawn(first, rest, {
        ...user,
        cwd: volume,
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const timer = setInterval(() => {
        peakMiB = Math.max(peakMiB, residentMiB(child));
      }, SAMPLE_MS);
      const code = await ended(child, logs);
      clearInterval(timer);
      volumeBytes = Math.max(volumeBytes, sizeOf(volume));
      exitCodes.set(container.name, code);
      if (code !== 0) {
        break;
      }
    }
  } finally {
    rmSync(volume, { recursive: true, force: true });
  }
  const seconds = (Date.now() - started) / 1000;
  return { exitCodes, lines: logs.last(), peakMiB, volumeBytes, seconds };
}

/** Runs one command with the credentials of the task. */
export async function runAsTask(props: DumpRunProps, words: readonly string[]): Promise<DumpRun> {
  const { dump } = props;
  const [{ folder }] = dump.containers;
  const container: DumpContainer = { name: 'command', image: '', words, secrets: {}, folder };
  return runDump({ ...props, dump: { ...dump, containers: [container] } });
}

/** Names of the queues that are told of a container that failed, by the rules of the template. */
export function reportedTo(
  { props, intrinsics }: Rehearsal,
  dump: DumpTask,
  exitCodes: DumpRun['exitCodes'],
): string[] {
  const event = {
    source: 'aws.ecs',
    'detail-type': 'ECS Task State Change',
    detail: {
      clusterArn: dump.clusterArn,
      taskDefinitionArn: dump.id,
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      containers: [...exitCodes].map(([name, exitCode]) => ({ name, exitCode, lastStatus: 'STOPPED' })),
    },
  };
  return resourcesOfType(props.assembly.template, 'AWS::Events::Rule')
    .map(({ resource }) => intrinsics.properties(resource))
    .filter(({ EventPattern }) => EventPattern !== undefined && matchesEvent(EventPattern, event as never))
    .flatMap(({ Targets = [] }) => Targets.map(({ Arn }: { Arn: string }) => Arn))
    .filter((arn) => /:sqs:/.test(arn));
}

async function environmentOf(
  { rehearsal, dump, environment = {} }: DumpRunProps,
  container: DumpContainer,
): Promise<Record<string, string>> {
  const { secrets, signed, doubles } = rehearsal;
  const key = signed.roles.keyOf(dump.taskRole);
  const injected = await Promise.all(
    Object.entries(container.secrets).map(async ([name, from]) => [name, await secrets.inject(name, from)]),
  );
  return {
    AWS_REGION: doubles.region, // As Fargate sets it.
    AWS_DEFAULT_REGION: doubles.region,
    AWS_ACCESS_KEY_ID: key.id,
    AWS_SECRET_ACCESS_KEY: key.secret,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...doubles.variables('ofTasks'),
    ...Object.fromEntries(injected),
    ...environment[container.name],
  };
}

/** A word of a command on this machine: the volume is a folder, and the authorities are those of this run. */
function localized(word: string, { folder }: DumpContainer, volume: string, caBundle: string): string {
  if (word.endsWith('.pem') && !word.startsWith(folder)) {
    return caBundle;
  }
  return word === folder || word.startsWith(`${folder}/`) ? volume + word.slice(folder.length) : word;
}

/** The user of the template, where this machine can become it. */
function userOf({ user }: DumpContainer, programs: readonly string[], cwd: string): Identity {
  const uid = Number(user?.split(':')[0] ?? Number.NaN);
  const [python] = programs.slice(-1).map((folder) => path.join(folder, 'python'));
  if (!isRoot() || !Number.isInteger(uid)) {
    return YOURSELF;
  }
  const probe = { program: python, args: ['-c', 'import os'], cwd };
  return identity(uid === 0 ? ROOT_OF_CONTAINER : uid, probe) ?? YOURSELF;
}

function ended(child: ChildProcess, logs: Logs): Promise<number> {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) {
      logs.follow(stream);
    }
  }
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code) => resolve(code ?? 137));
  });
}

/** Memory of all processes of a group. */
function residentMiB({ pid }: ChildProcess): number {
  try {
    const said = execFileSync('ps', ['-A', '-o', 'pgid=', '-o', 'rss='], { encoding: 'utf8' });
    const kibibytes = said
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .reduce((sum, [group, rss]) => (group === pid ? sum + rss : sum), 0);
    return kibibytes / 1024;
  } catch {
    return 0;
  }
}

function sizeOf(folder: string): number {
  try {
    return Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0]);
  } catch {
    return 0; // du of another system knows no -b.
  }
}
