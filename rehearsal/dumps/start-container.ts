import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Rehearsal } from '../rehearsal';
import { type Identity, identity, YOURSELF } from '../task/identity';
import { isRoot } from '../task/sandbox';
import type { DumpContainer, DumpTask } from './dump-task';

/** Who a container's user is on this machine: root of a container is another one without any power. */
export const ROOT_OF_CONTAINER = 10_002;
/** Who stands for users that images know by name: `nobody` for one that initdb must find by its id. */
const USERS: Readonly<Record<string, number>> = { postgres: 65_534 };
/** Programs of the images beside those that matter: a shell, compressors, and what POSIX has. */
const SYSTEM = ['/usr/local/bin', '/usr/bin', '/bin'];

/** What a container is started with. */
export interface StartProps {
  readonly rehearsal: Rehearsal;
  readonly dump: DumpTask;
  /** Name of the run. */
  readonly id: string;
  /** The folder that stands for the volume of the task. */
  readonly volume: string;
  /** Folders with the programs of the images. */
  readonly programs: readonly string[];
  /** Variables in the place of others, by container. */
  readonly environment?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Ports on which the containers of a task meet, and those that stand for them here. */
  readonly ports: ReadonlyMap<string, number>;
}

/** A container that runs. */
export interface Started {
  readonly pid?: number;
  readonly outputs: readonly Readable[];
  readonly ended: Promise<number>;
  /** Asks it to end, and makes it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/**
 * Starts a container: the application's in its own image, others with programs of this machine.
 *
 * Images are run as the user of the application alone: root of one needs nothing of it but Python.
 */
export async function startContainer(props: StartProps, container: DumpContainer): Promise<Started> {
  const { rehearsal } = props;
  const isRoots = Number(container.user?.split(':')[0]) === 0;
  const isOfApplication = !isRoots && rehearsal.props.engine === undefined && rehearsal.images.has(container.image);
  return isOfApplication ? inImage(props, container) : asProgram(props, container);
}

/** Runs words with the programs of this machine, as a user who is asked for by the template. */
export async function asProgram(props: StartProps, container: DumpContainer): Promise<Started> {
  const { rehearsal, programs, volume } = props;
  const env = { ...(await environmentOf(props, container)), PATH: [...programs, ...SYSTEM].join(path.delimiter) };
  const { prefix, ...user } = userOf(container, programs, volume);
  const [first, ...rest] = [...prefix, ...localized(props, container)];
  const child = rehearsal.sandbox.spawn(first, rest, { ...user, cwd: volume, env, stdio: ['ignore', 'pipe', 'pipe'] });
  return {
    pid: child.pid,
    outputs: [child.stdout, child.stderr].filter((each) => each !== null),
    ended: new Promise((resolve) => {
      child.once('error', () => resolve(127));
      child.once('close', (code) => resolve(code ?? 137));
    }),
    end: (signal) => void child.kill(signal),
  };
}

/** Runs words in the image of the application, beside the volume of the task. */
async function inImage(props: StartProps, container: DumpContainer): Promise<Started> {
  const { rehearsal, dump, id, volume } = props;
  const { name, image, secrets, user, folder } = container;
  const [entryPoint, ...command] = container.words.map((word) => onPorts(word, props.ports));
  const volumeName = 'shared';
  const started = await rehearsal.host.start({
    id: `${id}/${name}`,
    definition: {
      ...{ id: dump.id, family: dump.family, name, image, secrets, user },
      ...{ entryPoint: [entryPoint], command, environment: container.environment },
      ...{ taskRole: dump.taskRole, stopTimeout: 30, platform: '' },
      confinement: { isReadOnly: true, hasInit: true, droppedCapabilities: [], addedCapabilities: [], ulimits: [] },
      ...{ tmpfs: [], mountPoints: [{ volume: volumeName, path: folder }], initContainers: [], sidecars: [] },
    },
    // By this variable the bundle of RDS in the image is found here.
    environment: { ...(await environmentOf(props, container)), ...bundleOf(container) },
    volumes: new Map([[volumeName, volume]]),
  });
  return {
    pid: started.pid,
    outputs: started.outputs,
    ended: started.ended.then(({ code }) => code ?? 137),
    end: (signal) => (signal === 'SIGKILL' ? started.kill() : started.interrupt()),
  };
}

function bundleOf({ words, folder }: DumpContainer): Record<string, string> {
  const found = words.flatMap((word) => word.match(/(?<![\w.-])\/[\w./-]+\.pem/g) ?? []);
  const bundle = found.find((file) => !file.startsWith(`${folder}/`));
  return bundle === undefined ? {} : { PGSSLROOTCERT: bundle };
}

/** The words of a container's health check, as they must read here. */
export function localizedCheck(props: StartProps, container: DumpContainer): string[] {
  return localized(props, { ...container, words: container.healthCheck ?? [] });
}

/** Words on this machine: the volume is a folder, the authorities and the ports are those of this run. */
function localized({ rehearsal, volume, ports }: StartProps, { words, folder }: DumpContainer): string[] {
  return words.map((word) => {
    if (word.endsWith('.pem') && !word.startsWith(folder)) {
      return rehearsal.caBundle;
    }
    const here = onPorts(word, ports);
    return here === folder || here.startsWith(`${folder}/`) ? volume + here.slice(folder.length) : here;
  });
}

function onPorts(word: string, ports: ReadonlyMap<string, number>): string {
  return [...ports].reduce(
    (text, [port, here]) => text.replace(new RegExp(`(?<![\\w.])${port}(?![\\w.])`, 'g'), String(here)),
    word,
  );
}

async function environmentOf(
  { rehearsal, dump, environment = {} }: StartProps,
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
    ...container.environment,
    ...Object.fromEntries(injected),
    ...environment[container.name],
  };
}

/** The user of the template, where this machine can become it. */
function userOf({ user }: DumpContainer, programs: readonly string[], cwd: string): Identity {
  const name = user?.split(':')[0] ?? '';
  const uid = USERS[name] ?? (name === '' ? Number.NaN : Number(name));
  const [python] = programs.slice(-1).map((folder) => path.join(folder, 'python'));
  if (!isRoot() || !Number.isInteger(uid)) {
    return YOURSELF;
  }
  const probe = { program: python, args: ['-c', 'import os'], cwd };
  return identity(uid === 0 ? ROOT_OF_CONTAINER : uid, probe) ?? YOURSELF;
}
