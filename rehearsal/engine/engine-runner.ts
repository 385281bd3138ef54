import { createServer, type Server } from 'node:net';
import { availableParallelism } from 'node:os';
import { type ImagesProps, usedAssets } from '../image/images';
import { NotRunnableHere } from '../image/not-runnable-here';
import type { KnownImage, Runner } from '../task/container';
import type { TaskDefinition } from '../template/task-definition';
import { type Abilities, leastWords, probe } from './abilities';
import { buildImage } from './builder';
import { type Answer, complaint, type Engine } from './engine';
import { type BuiltImage, EngineHost } from './engine-host';
import { sweepLeftovers } from './leftovers';
import { NO_EMULATION, withoutEmulation } from './platform';
import { firstLineOf, healthPrograms, questionOf, surveyOf, whyUnhealthy } from './survey';

/** Open files where Node does not say what this machine grants. */
const FEW_FILES = 1024;
const REACHES = 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)';
/** Codes of a container whose program is not in the image. */
const NO_PROGRAM = [126, 127];

export interface EngineRunnerProps extends ImagesProps {
  readonly engine: Engine;
  /** Platform that images are built for, in the place of the template's. */
  readonly platform?: string;
}

/** Builds the images of a stack with a container engine, which runs them. */
export async function engineRunner(props: EngineRunnerProps): Promise<Runner> {
  const { announce, sandbox, platform, patches = [] } = props;
  if (patches.length > 0) {
    throw new Error('what changes files of the application needs --mode processes.');
  }
  const { containers, volumes } = await sweepLeftovers(props.engine);
  if (containers.length + volumes.length > 0) {
    announce.progress(
      `removed ${containers.length} containers and ${volumes.length} volumes of a rehearsal that was killed`,
    );
  }
  const built = new Map<string, BuiltImage>();
  for (const [uri, used] of usedAssets(props)) {
    if (platform !== undefined && platform !== used.platform) {
      announce.substitution(`tasks run on ${platform}, and on ${used.platform} in the template`);
    }
    built.set(uri, await buildImage(used, props));
  }
  const [first] = built.values();
  const abilities = await abilitiesOf(props, first);
  const engine = props.engine.with(abilities.globals);
  await reachLoopback(engine, abilities, first);
  return {
    images: await known(engine, abilities, built),
    host: async (definitions, caBundle) => {
      await refuseUnhealthy({ engine, abilities, built, definitions });
      const machine = { ...abilities, kind: engine.kind, processors: availableParallelism() };
      return new EngineHost({ engine, machine, sandbox, images: built, caBundle });
    },
  };
}

/** Runs a container that ends by itself. */
export function run(
  engine: Engine,
  options: readonly string[],
  image: BuiltImage,
  words: readonly string[],
): Promise<Answer> {
  const [program, ...args] = words;
  return engine.call(['run', '--rm', '--pull', 'never', ...options, '--entrypoint', program, image.name, ...args]);
}

/** Finds what the engine can do here, with containers of an image. */
export async function abilitiesOf(
  { engine, announce }: Pick<EngineRunnerProps, 'engine' | 'announce'>,
  image: BuiltImage,
): Promise<Abilities> {
  const { userLimits } = (process.report?.getReport() ?? {}) as { userLimits?: { open_files?: { hard: unknown } } };
  const { hard } = userLimits?.open_files ?? { hard: FEW_FILES };
  return probe({
    kind: engine.kind,
    files: typeof hard === 'number' ? hard : Number.POSITIVE_INFINITY,
    substitution: (text) => announce.substitution(text),
    trial: async (globals, options) => {
      const answer = await run(engine.with(globals), options, image, ['/bin/sh', '-c', ':']);
      if (NO_EMULATION.test(answer.stderr)) {
        throw new NotRunnableHere(withoutEmulation(image.platform, engine.platform));
      }
      return answer;
    },
  });
}

/** Throws where the network of containers is not the one of this machine. */
export async function reachLoopback(engine: Engine, abilities: Abilities, image: BuiltImage): Promise<void> {
  const server = await new Promise<Server>((resolve) => {
    const listening = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1', () => resolve(listening));
  });
  const { port } = server.address() as { port: number };
  const answer = await run(engine, leastWords(abilities), image, ['python', '-c', REACHES, String(port)]);
  server.close();
  if (answer.code !== 0 && !NO_PROGRAM.includes(answer.code)) {
    throw new NotRunnableHere(
      `containers of ${engine} do not reach this machine by --network host (${complaint(answer)}). In Docker Desktop switch on "Enable host networking" (Settings, Resources, Network), or rehearse with --mode processes.`,
    );
  }
}

async function known(
  engine: Engine,
  abilities: Abilities,
  built: ReadonlyMap<string, BuiltImage>,
): Promise<ReadonlyMap<string, KnownImage>> {
  const images = new Map<string, KnownImage>();
  for (const [uri, image] of built) {
    const { stdout } = await run(engine, leastWords(abilities), image, questionOf([]));
    const { files } = surveyOf(stdout);
    images.set(uri, {
      defaults: image.defaults,
      has: (file) => files.includes(file),
      firstLine: async (program) => {
        const answer = await run(engine, leastWords(abilities), image, firstLineOf(program));
        return answer.code === 0 ? answer.stdout : undefined;
      },
    });
  }
  return images;
}

/** What health checks are looked for in. */
interface Examined {
  readonly engine: Engine;
  readonly abilities: Abilities;
  readonly built: ReadonlyMap<string, BuiltImage>;
  readonly definitions: ReadonlyMap<string, TaskDefinition>;
}

/** Throws where an image lacks the program of a container health check. */
async function refuseUnhealthy({ engine, abilities, built, definitions }: Examined): Promise<void> {
  for (const [uri, image] of built) {
    const own = [...definitions.values()].filter((definition) => definition.image === uri);
    const programs = healthPrograms(own);
    const answer = await run(engine, leastWords(abilities), image, questionOf(programs.keys()));
    const why = whyUnhealthy(programs, surveyOf(answer.stdout));
    if (why !== undefined) {
      throw new Error(why);
    }
  }
}
