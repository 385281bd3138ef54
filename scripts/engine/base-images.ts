import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { call, complaint, type Engine } from '../../rehearsal/engine/engine';

/**
 * An image of packages of Debian, for a machine that can pull none: Python of Debian, where the image that it
 * stands for has one that is compiled for it.
 */
export interface Base {
  readonly suite: string;
  readonly packages: readonly string[];
  /** What pip installs into it. */
  readonly pip?: readonly string[];
  /** Programs of what pip installs that lie at the root, too, as in an image that COPY takes them from. */
  readonly atRoot?: readonly string[];
  readonly names: readonly string[];
}

/** Pip of the image that it stands for could replace them; those of Debian's packages it cannot. */
const REPLACEABLE = ['packaging', 'wheel'];
const PYTHON = ['python3', 'python3-venv', 'python3-pip', 'python3-dev', 'python-is-python3', 'ca-certificates'];
/** The same images in two registries; a name with a registry has one. */
const LIBRARIES = ['docker.io/library', 'public.ecr.aws/docker/library'];

export const BASES: readonly Base[] = [
  {
    suite: 'trixie',
    packages: PYTHON,
    names: [
      'python:3.13-slim',
      'python:3.13-slim-trixie',
      'python:3.13',
      'python:3.13-trixie',
      'python:3.13-slim-bookworm',
    ],
  },
  {
    suite: 'bookworm',
    packages: PYTHON,
    names: ['python:3.11-slim', 'python:3.11-slim-bookworm', 'python:3.11', 'python:3.11-bookworm'],
  },
  {
    suite: 'bookworm',
    packages: PYTHON,
    pip: ['uv'],
    names: ['ghcr.io/astral-sh/uv:python3.11-bookworm-slim'],
  },
  {
    suite: 'trixie',
    packages: PYTHON,
    pip: ['uv'],
    atRoot: ['uv', 'uvx'],
    names: ['ghcr.io/astral-sh/uv:0.13'],
  },
  {
    suite: 'trixie',
    packages: ['ca-certificates'],
    names: ['debian:trixie-slim'],
  },
  {
    suite: 'trixie',
    packages: ['nodejs', 'npm', 'ca-certificates'],
    names: ['node:20-slim', 'node:20-trixie-slim'],
  },
];

/** Milliseconds that it may take to download and unpack the packages of one. */
const PATIENCE = 10 * 60_000;
/** Where the certificates of this machine lie, in Debian and so in the images. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/**
 * Variables by which installers of packages find their index, and those that name certificates. Whoever runs
 * npm has many more of npm's own, which tell of this machine alone.
 */
const INSTALLERS =
  /^(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST)|UV_(INDEX|DEFAULT_INDEX|EXTRA_INDEX)(_URL)?|npm_config_registry)$/i;
const AUTHORITIES = /^(PIP_CERT|npm_config_cafile|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE)$/i;

/**
 * Makes a base image, and gives the names that it has then. It needs root and mmdebstrap. What installers of
 * packages need here (certificates, index) is taken from the variables of the caller.
 */
export async function makeBase(
  { suite, packages, pip = [], atRoot = [], names }: Base,
  engine: Engine,
): Promise<readonly string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'base-image-'));
  try {
    const archive = path.join(folder, `${suite}.tar`);
    const hooks = [
      // Pip of an image may install beside the packages of Debian.
      'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
      ...(existsSync(CERTIFICATES) ? [`cp -L ${CERTIFICATES} "$1"${CERTIFICATES}`] : []),
      ...(packages === PYTHON
        ? [`chroot "$1" python3 -m pip install --no-cache-dir --ignore-installed ${REPLACEABLE.join(' ')}`]
        : []),
      ...pip.map((name) => `chroot "$1" python3 -m pip install --no-cache-dir ${name}`),
      ...atRoot.map((program) => `cp "$1"/usr/local/bin/${program} "$1"/${program}`),
    ];
    run('mmdebstrap', [
      ...['--quiet', '--variant=minbase', `--include=${packages.join(',')}`],
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      ...[suite, archive],
    ]);
    const changes = ['CMD ["python3"]', ...environmentOf(process.env).map(([name, value]) => `ENV ${name}=${value}`)];
    const all = names.flatMap((name) => (name.includes('/') ? name : LIBRARIES.map((library) => `${library}/${name}`)));
    const [first, ...others] = all;
    const imported = await call(engine.program, [
      'import',
      ...changes.flatMap((change) => ['--change', change]),
      archive,
      first,
    ]);
    if (imported.code !== 0) {
      throw new Error(complaint(imported));
    }
    for (const name of others) {
      await engine.call(['tag', first, name]);
    }
    return all;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The variables of a base image: of those of its maker only what the builds of this machine need, too. */
export function environmentOf(makers: NodeJS.ProcessEnv): [string, string][] {
  const own = Object.entries(makers).filter(
    ([name, value]) => INSTALLERS.test(name) || (AUTHORITIES.test(name) && value === CERTIFICATES),
  ) as [string, string][];
  return [['PATH', '/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin'], ['LANG', 'C.UTF-8'], ...own];
}

function run(program: string, args: string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], timeout: PATIENCE });
  if (error !== undefined || status !== 0) {
    throw new Error(`${program} ended with ${status ?? error?.message}`);
  }
}
