import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CacheOption, ImageAsset } from '../template/assembly';
import type { CallOptions } from './engine';

/** Where RDS's certificates come from; the rehearsed PostgreSQL has an authority of its own. */
const CERTIFICATES =
  /^([ \t]*)ADD[ \t]+((?:--\S+[ \t]+)*)(https:\/\/truststore\.pki\.rds\.amazonaws\.com\/\S+)[ \t]+(\S+)[ \t]*$/gim;
/** Name of the folder with what stands for those certificates, for COPY --from. */
const CONTEXT = 'rehearsal-certificates';

export interface BuildOptions {
  /** Name of the image that is made. */
  readonly tag: string;
  /** In the place of the asset's platform. */
  readonly platform?: string;
  /** In the place of the asset's Dockerfile. */
  readonly file?: string;
  /** Further folders for COPY --from, by name. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** @default docker */
  readonly kind?: 'docker' | 'podman';
}

/**
 * The words after the name of the engine that build an image, as the CDK says them when it deploys. They are
 * for a client that runs in the build context: files of secrets, keys and contexts may be relative to it.
 *
 * Two things differ. `cacheTo` is left out: a rehearsal writes nothing that other builds read, and has no
 * credentials for where they read it. Podman gets neither `cacheFrom` nor outputs, whose forms it does not
 * know; they change how long a build takes and where a copy goes, not what is in the image.
 */
export function buildWords(asset: ImageAsset, options: BuildOptions): string[] {
  const { tag, platform, file, contexts, kind = 'docker' } = options;
  const { dockerFile, target, buildArgs, secrets, ssh, network, outputs, cacheFrom, cacheDisabled } = asset;
  const isDocker = kind === 'docker';
  return [
    ...['build', '--tag', tag, '--file', file ?? dockerFile],
    ...pairs('--build-arg', buildArgs, '='),
    ...pairs('--secret', secrets, ',', 'id='),
    ...one('--ssh', ssh),
    ...one('--target', target),
    ...one('--network', network),
    ...one('--platform', platform ?? asset.platform),
    ...pairs('--build-context', { ...asset.contexts, ...contexts }, '='),
    ...(isDocker ? (outputs ?? []).map((output) => `--output=${output}`) : []),
    ...(isDocker ? (cacheFrom ?? []).flatMap((option) => ['--cache-from', cacheWord(option)]) : []),
    ...(cacheDisabled ? ['--no-cache'] : []),
    '.',
  ];
}

/** How the client of a build is called. */
export function buildCall({ directory }: Pick<ImageAsset, 'directory'>): CallOptions {
  // Without attestations, as the CDK builds: an image with them is an index, whose id is another one.
  return { cwd: directory, env: { ...process.env, BUILDX_NO_DEFAULT_ATTESTATIONS: '1' } };
}

function cacheWord({ type, params = {} }: CacheOption): string {
  return [`type=${type}`, ...Object.entries(params).map(([name, value]) => `${name}=${value}`)].join(',');
}

function one(option: string, value: string | undefined): string[] {
  return value === undefined ? [] : [option, value];
}

function pairs(option: string, values: Readonly<Record<string, string>> = {}, between = '=', before = ''): string[] {
  return Object.entries(values).flatMap(([name, value]) => [option, `${before}${name}${between}${value}`]);
}

/** A Dockerfile that downloads no certificates of RDS, and the lines that it changes. */
export interface WithoutDownload {
  readonly text: string;
  /** Where the certificates would come from. */
  readonly addresses: readonly string[];
}

/** A Dockerfile with COPY of a stand-in in the place of ADD of RDS's certificates. */
export function withoutDownload(dockerfile: string): WithoutDownload {
  const addresses: string[] = [];
  const text = dockerfile.replaceAll(CERTIFICATES, (...found: string[]) => {
    const [, indent, flags, url, target] = found;
    addresses.push(url);
    const kept = flags.split(/\s+/).filter((flag) => flag !== '' && !flag.startsWith('--checksum'));
    return `${indent}${['COPY', ...kept, `--from=${CONTEXT}`, nameOf(url), target].join(' ')}`;
  });
  return { text, addresses };
}

function nameOf(address: string): string {
  return path.posix.basename(new URL(address).pathname);
}

/** Writes that Dockerfile, with the .dockerignore that belongs to it, and what it copies. */
export function writeWithoutDownload(
  { text, addresses }: WithoutDownload,
  folder: string,
  ignored: string | undefined,
): Required<Pick<BuildOptions, 'file' | 'contexts'>> {
  const context = path.join(folder, 'certificates');
  mkdirSync(context, { recursive: true });
  for (const address of addresses) {
    writeFileSync(
      path.join(context, nameOf(address)),
      'The rehearsal mounts certificates of its own over this file.\n',
    );
  }
  const file = path.join(folder, 'Dockerfile');
  writeFileSync(file, text);
  if (ignored !== undefined) {
    writeFileSync(`${file}.dockerignore`, ignored);
  }
  return { file, contexts: { [CONTEXT]: context } };
}
