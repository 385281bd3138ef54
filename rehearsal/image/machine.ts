import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Interpreter } from './interpreters';
import { withoutCredentials } from './python';
import { type Bind, builderFolder } from './view';

const CACHES: Readonly<Record<string, string>> = {
  PIP_CACHE_DIR: 'pip',
  UV_CACHE_DIR: 'uv',
  npm_config_cache: 'npm',
  YARN_CACHE_FOLDER: 'yarn',
  POETRY_CACHE_DIR: 'poetry',
  PIPENV_CACHE_DIR: 'pipenv',
};

/**
 * Variables of this machine about its registries, proxies and certificates, without which no package is
 * found.
 */
const NEEDED =
  /^(PIP|UV|NPM_CONFIG|npm_config|COREPACK|POETRY_HTTP)_|^(HTTPS?|FTP|NO|ALL)_PROXY$|^(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO)$/i;

/**
 * What this machine shows to every step: its Python and Node, its caches, and where its packages come from.
 */
export interface Machine {
  readonly environment: Readonly<Record<string, string>>;
  readonly binds: Bind[];
}

/** Where steps keep the keys of sources of packages, in the /usr of this machine. */
const KEYRINGS = '/usr/share/keyrings';

/** What of this machine a step of a build sees beside the image. */
export function machineFor(cache: string): Machine {
  const caches = builderFolder(path.join(cache, 'downloads'));
  const environment: Record<string, string> = { HOME: '/root', UV_LINK_MODE: 'copy', LANG: 'C.UTF-8' };
  const binds: Bind[] = [];
  for (const [name, value] of Object.entries(withoutCredentials(process.env))) {
    if (value !== undefined && NEEDED.test(name) && !(name in CACHES)) {
      environment[name] = value;
      binds.push(...shown(value));
    }
  }
  const configuration = process.env.PIP_CONFIG_FILE ?? path.join(process.env.HOME ?? '/', '.config/pip/pip.conf');
  if (existsSync(configuration)) {
    environment.PIP_CONFIG_FILE = configuration;
    binds.push(...shown(configuration));
  }
  Object.assign(environment, registryOfNpm(environment));
  const registry = environment.npm_config_registry ?? environment.NPM_CONFIG_REGISTRY;
  if (registry !== undefined) {
    environment.COREPACK_NPM_REGISTRY ??= registry.replace(/\/$/, '');
  }
  // Packages of Node that are installed for the whole image: /usr is this machine's.
  environment.npm_config_prefix = '/usr/local';
  for (const [name, folder] of Object.entries(CACHES)) {
    builderFolder(path.join(caches, folder));
    environment[name] = `/.machine-cache/${folder}`;
  }
  binds.push({ source: caches, target: '/.machine-cache' }, ...nodeOfThisMachine());
  if (existsSync(KEYRINGS)) {
    binds.push({ source: builderFolder(path.join(caches, 'keyrings')), target: KEYRINGS });
  }
  return { environment, binds };
}

/** A path in a variable, which a step must see at the same place. */
function shown(value: string): Bind[] {
  const inImage = /^\/(etc\/ssl|usr\/(?!local))/.test(value);
  return value.startsWith('/') && existsSync(value) && !inImage ? [{ source: value, target: value }] : [];
}

function registryOfNpm(environment: Readonly<Record<string, string>>): Record<string, string> {
  const file = path.join(process.env.HOME ?? '/', '.npmrc');
  const [, registry] = existsSync(file) ? (/^registry\s*=\s*(\S+)/m.exec(readFileSync(file, 'utf8')) ?? []) : [];
  return registry === undefined || environment.npm_config_registry !== undefined
    ? {}
    : { npm_config_registry: registry };
}

/** Where Node is not in /usr/bin, which every image shows. */
function nodeOfThisMachine(): Bind[] {
  const prefix = path.dirname(path.dirname(realpathSync(process.execPath)));
  return prefix === '/usr' ? [] : [{ source: prefix, target: NODE }];
}

/** Place of this machine's Node in a step; its `bin` is the last folder on PATH. */
export const NODE = '/.machine-node';

/** Where a step sees a Python of this machine. */
export function viewOfPython({ prefix, program }: Interpreter): {
  bind: Bind[];
  program: string;
  alias?: [string, string];
} {
  if (prefix === '/usr' || (prefix.startsWith('/usr/') && !prefix.startsWith('/usr/local'))) {
    return { bind: [], program };
  }
  if (!prefix.startsWith('/usr/local')) {
    return { bind: [{ source: prefix, target: prefix }], program };
  }
  // The image has a /usr/local of its own.
  const alias = `/.machine-python${prefix}`;
  return {
    bind: [{ source: prefix, target: alias }],
    program: alias + program.slice(prefix.length),
    alias: [alias, prefix],
  };
}
