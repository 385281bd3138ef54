import { NotRunnableHere } from '../image/not-runnable-here';
import type { Answer, EngineProps } from './engine';
import { NO_EMULATION, sameProcessor, withoutEmulation } from './platform';

/** Lines of a failed build that are shown. */
const SHOWN = 30;
/** Milliseconds that a registry may take to answer. */
const PATIENCE = 10_000;
/** What engines say where the registry of an image does not answer. */
const UNREACHABLE = /(?:Get|Head) "(https?:\/\/[^"/]+)\/v2\/[^"]*": (?:dial |net\/http|context deadline|proxyconnect)/;
/** What podman says where it has no image, whatever the reason: the host of the registry has a dot. */
const NO_IMAGE = /Trying to pull ([^\s/]+\.[^\s/]+)\/\S+\.\.\.[\s\S]*no stage or image found with that name/;

/**
 * What a Dockerfile may have that an old podman does not know, and how it is noticed.
 *
 * Without WORKDIR, podman 5.2 still refuses a relative target; 5.4 takes it.
 *
 * @see https://github.com/containers/buildah/pull/5092
 * @see https://github.com/containers/buildah/issues/5738
 */
const NEWER: readonly { readonly what: string; readonly inFile: RegExp; readonly said: RegExp }[] = [
  {
    what: 'heredocs (RUN <<EOF), which Docker and podman from 4.8 on do',
    inFile: /^\s*(?:RUN|COPY|ADD)\b.*<<-?["']?\w/im,
    said: /Unknown instruction: "/,
  },
  {
    what: 'mounts with a target that is no absolute path, which Docker and podman 5.4 do',
    inFile: /^\s*RUN\b[\s\S]*?--mount=/im,
    said: /invalid container path "[^"/][^"]*", must be an absolute path/,
  },
];

export interface BuildFailureProps {
  readonly answer: Answer;
  /** Name of the Dockerfile, and its text. */
  readonly name: string;
  readonly text: string;
  /** Platform that the image is built for. */
  readonly platform: string;
  readonly engine: Pick<EngineProps, 'program' | 'kind' | 'version' | 'platform'>;
  /** The platform of an image that the engine has; undefined where it has none of the name. */
  readonly platformOf: (image: string) => Promise<string | undefined>;
  /** Whether a registry answers. @default - it is asked */
  readonly reaches?: (registry: string) => Promise<boolean>;
}

/** Why a build has failed; where another machine or engine could build it, it is not runnable here. */
export async function buildFailure(props: BuildFailureProps): Promise<Error> {
  const { answer, name, text, platform, engine, reaches = isReached } = props;
  const said = `${answer.stdout}\n${answer.stderr}`;
  if (NO_EMULATION.test(said)) {
    return new NotRunnableHere(withoutEmulation(platform, engine.platform));
  }
  const newer = NEWER.find((one) => engine.kind === 'podman' && one.inFile.test(text) && one.said.test(said));
  if (newer !== undefined) {
    return new NotRunnableHere(
      `${engine.program} ${engine.version} cannot build ${name}: it does not know ${newer.what}. Install a newer one, or rehearse without the image: --mode processes.`,
    );
  }
  const asked = NO_IMAGE.exec(said)?.[1];
  const silent = asked !== undefined && !(await reaches(`https://${asked}`)) ? `https://${asked}` : undefined;
  const registry = UNREACHABLE.exec(said)?.[1] ?? silent;
  if (registry !== undefined) {
    const here = await otherPlatform(props);
    if (here !== undefined) {
      return new NotRunnableHere(
        `${engine.program} cannot build ${name} for ${platform}: ${registry} cannot be reached from here. The images that it names are here for ${here}: add --platform ${here}; to rehearse without the image: --mode processes.`,
      );
    }
    return new NotRunnableHere(
      `${engine.program} cannot build ${name}: ${registry} cannot be reached from here. Load the images that it names (\`${engine.program} load\`), or let the engine reach the registry; to rehearse without the image: --mode processes.`,
    );
  }
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const shown = lines.slice(-SHOWN).map((line) => `    ${line}`);
  return new Error(`${engine.program} cannot build ${name}:\n${shown.join('\n')}`);
}

/** What the images of a Dockerfile are for, where all are here, and not all for the wanted platform. */
async function otherPlatform({ text, platform, platformOf }: BuildFailureProps): Promise<string | undefined> {
  const platforms = await Promise.all(imagesOf(text).map(platformOf));
  const other = platforms.find((one) => one !== undefined && !sameProcessor(one, platform));
  return platforms.includes(undefined) ? undefined : other;
}

/** The images that FROM and COPY name, without stages and without names that hold a variable. */
function imagesOf(text: string): string[] {
  const froms = [...text.matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim)];
  const copies = [...text.matchAll(/^\s*COPY\s+(?:--\S+\s+)*?--from=(\S+)/gim)];
  const stages = new Set(['scratch', ...froms.flatMap(([, , stage]) => stage?.toLowerCase() ?? [])]);
  const named = [...froms, ...copies].map(([, image]) => image);
  return [...new Set(named)].filter((image) => !/\$|^\d+$/.test(image) && !stages.has(image.toLowerCase()));
}

/** Whatever it answers: most registries want to know who asks. */
async function isReached(registry: string): Promise<boolean> {
  return fetch(`${registry}/v2/`, { method: 'HEAD', signal: AbortSignal.timeout(PATIENCE) }).then(
    () => true,
    () => false,
  );
}
