import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ImageDefaults } from '../image/dockerfile/plan';
import { DEFAULT_PATH } from '../image/dockerfile/plan';
import type { ImagesProps, UsedAsset } from '../image/images';
import type { Sandbox } from '../task/sandbox';
import type { ImageAsset } from '../template/assembly';
import { type BuildOptions, buildCall, buildWords, withoutDownload, writeWithoutDownload } from './build';
import { buildFailure } from './build-failure';
import type { Answer, Engine } from './engine';
import type { BuiltImage } from './engine-host';
import { whyWrongPlatform } from './platform';

/** Milliseconds that a download may take to begin. */
const PATIENCE = 10_000;
/** What podman says where the machine, and not the Dockerfile, keeps a step of RUN from starting. */
const CONFINED = /rlimit|cgroup|OCI permission denied|OCI runtime error|netavark|CNI|iptables|nftables/i;
/** Steps in a chroot, on the network of the machine. */
const UNCONFINED = ['--isolation', 'chroot', '--network', 'host'];

export interface BuilderProps extends Pick<ImagesProps, 'announce'> {
  readonly sandbox: Pick<Sandbox, 'folder'>;
  readonly engine: Engine;
  /** Platform that images are built for, in the place of the template's. */
  readonly platform?: string;
}

/** Builds the image of an asset as the CDK does when it deploys; throws when ECS could not run it. */
export async function buildImage({ asset, platform: wanted }: UsedAsset, props: BuilderProps): Promise<BuiltImage> {
  const { engine, announce, platform } = props;
  const name = asset.dockerFile;
  const expected = platform ?? asset.platform ?? engine.platform;
  const refuse = (built: string): void => {
    const why = whyWrongPlatform({ name, asset, built, wanted: platform ?? wanted, native: engine.platform });
    if (why !== undefined) {
      throw new Error(why);
    }
  };
  const text = readFileSync(path.join(asset.directory, name), 'utf8');
  if (!/^\s*FROM\s+--platform/im.test(text)) {
    refuse(expected); // Before a build that takes minutes.
  }
  announce.progress(
    `${engine.program} builds ${asset.target === undefined ? name : `${asset.target} of ${name}`} for ${expected}`,
  );
  const tag = `cdk-django-fargate-rehearsal:${tagOf(asset, expected)}`;
  const answer = await build(asset, tag, props);
  if (answer.code !== 0) {
    const platformOf = (image: string) => platformHere(image, engine);
    throw await buildFailure({ answer, name, text, platform: expected, engine, platformOf });
  }
  const inspected = await engine.call(['image', 'inspect', tag]);
  const [{ Id, Architecture, Os, Config }] = JSON.parse(inspected.stdout);
  refuse(`${Os}/${Architecture}`);
  return { name: Id, platform: `${Os}/${Architecture}`, defaults: defaultsOf(Config) };
}

/** The platform of an image that the engine has; undefined where it has none. */
async function platformHere(image: string, engine: Engine): Promise<string | undefined> {
  const { code, stdout } = await engine.call(['image', 'inspect', image]);
  const [found] = code === 0 ? JSON.parse(stdout) : [];
  return found === undefined ? undefined : `${found.Os}/${found.Architecture}`;
}

/**
 * One tag for each project and platform, so that images do not pile up. It moves with the next build:
 * containers name the image's id.
 */
function tagOf({ directory, dockerFile, target }: ImageAsset, platform: string): string {
  const key = [path.dirname(directory), dockerFile, target, platform];
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
}

async function build(asset: ImageAsset, tag: string, props: BuilderProps): Promise<Answer> {
  const { engine, announce, platform } = props;
  const options: BuildOptions = { tag, platform, kind: engine.kind, ...(await withoutCertificates(asset, props)) };
  const answer = await engine.call(buildWords(asset, options), buildCall(asset));
  if (answer.code === 0 || engine.kind !== 'podman' || !CONFINED.test(answer.stderr)) {
    return answer;
  }
  announce.substitution(
    'steps of RUN run in a chroot, on the network of this machine: the engine cannot confine them here',
  );
  const [first, ...others] = buildWords({ ...asset, network: undefined }, options);
  return engine.call([first, ...UNCONFINED, ...others], buildCall(asset));
}

/** Options for a Dockerfile that downloads RDS's certificates, where their address does not answer. */
async function withoutCertificates(
  { directory, dockerFile }: ImageAsset,
  { announce, sandbox }: BuilderProps,
): Promise<Pick<BuildOptions, 'file' | 'contexts'>> {
  const own = path.join(directory, dockerFile);
  const changed = withoutDownload(readFileSync(own, 'utf8'));
  if ((await Promise.all(changed.addresses.map(answers))).every(Boolean)) {
    return {};
  }
  announce.substitution(
    `${dockerFile} downloads RDS's certificates, whose address does not answer: an empty file is built in, and each container sees those of the rehearsal`,
  );
  const ignores = [`${own}.dockerignore`, path.join(directory, '.dockerignore')].filter(existsSync);
  const ignored = ignores[0] === undefined ? undefined : readFileSync(ignores[0], 'utf8');
  return writeWithoutDownload(changed, sandbox.folder(`dockerfile-${tagOf({ directory, dockerFile }, '')}`), ignored);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(PATIENCE) })).ok;
  } catch {
    return false;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as the engine has it
function defaultsOf({ Env, WorkingDir, Entrypoint, Cmd, StopSignal }: any): ImageDefaults {
  const variables = (Env ?? []).map((text: string) => {
    const equals = text.indexOf('=');
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
  return {
    workingDirectory: WorkingDir || '/',
    environment: { PATH: DEFAULT_PATH, ...Object.fromEntries(variables) },
    entryPoint: Entrypoint ?? [],
    command: Cmd ?? [],
    stopSignal: signalOf(StopSignal),
  };
}

function signalOf(given: string | undefined): NodeJS.Signals {
  return (given || 'SIGTERM') as NodeJS.Signals;
}
