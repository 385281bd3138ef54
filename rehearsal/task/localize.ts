import { movePaths } from '../image/moved-paths';

/** What of a container's file system and network has another name on this machine. */
export interface Localization {
  /** Stands for the container's own /tmp. */
  readonly temporary: string;
  /** Folders that stand for the volumes of the task, by their paths in the container. */
  readonly volumes?: ReadonlyMap<string, string>;
  /** Stands for `/` of the image. */
  readonly root: string;
  /** Paths of the image that exist in `root` and may be named in variables. */
  readonly exists: (file: string) => boolean;
  readonly containerPort?: number;
  readonly port?: number;
  /** The certificate bundle of RDS in the image, and the local one. */
  readonly caBundle?: { readonly path: string; readonly local: string };
}

/** A word as it must read where the network of a container is loopback, and its port another one. */
export function onLoopback(
  word: string,
  { containerPort, port }: Pick<Localization, 'containerPort' | 'port'>,
): string {
  const text = word.replaceAll('0.0.0.0', '127.0.0.1');
  return containerPort === undefined || port === undefined
    ? text
    : text.replace(new RegExp(`(?<![\\d.])${containerPort}(?!\\d)`, 'g'), String(port));
}

/** The words of a command on the network of this machine; the last ones are somebody's own, and stay. */
export function commandOnLoopback(
  words: readonly string[],
  own: Pick<Localization, 'containerPort' | 'port'>,
  typed: number,
): string[] {
  return words.map((word, index) => (index < words.length - typed ? onLoopback(word, own) : word));
}

/** A word of a command, a health check or a variable, as it must read outside the container. */
export function localize(word: string, local: Localization): string {
  return placed(word, onLoopback(word, local), local);
}

/**
 * The words of a command, of which the last ones may be somebody's own.
 *
 * Numbers and addresses that a person types stay as they are; files of the container are where they are on
 * this machine.
 */
export function localizeCommand(words: readonly string[], local: Localization, typed: number): string[] {
  const first = words.length - typed;
  return words.map((word, index) => (index < first ? localize(word, local) : placed(word, word, local)));
}

/** A word whose paths are those of this machine; `onMachine` is how it reads here but for them. */
function placed(word: string, onMachine: string, local: Localization): string {
  let text = onMachine.replace(foldersOf(local), (inside) => local.volumes?.get(inside) ?? local.temporary);
  if (local.caBundle !== undefined) {
    // Last: the local bundle may itself lie below /tmp, where the repository does.
    text = text.replaceAll(local.caBundle.path, local.caBundle.local);
  }
  if (text !== word) {
    return text;
  }
  // A list of folders, as PYTHONPATH has it, is one of paths.
  return text.startsWith('/')
    ? text
        .split(':')
        .map((part) => moved(part, local))
        .join(':')
    : movePaths(text, local.root, local.exists);
}

function moved(part: string, { root, exists }: Localization): string {
  return /^\/[\w.-]/.test(part) && exists(part) ? root + part : part;
}

/**
 * The paths that have a folder of their own here, in one expression: what is replaced is not looked at again.
 */
function foldersOf({ volumes = new Map() }: Localization): RegExp {
  const paths = [...volumes.keys()].sort((one, other) => other.length - one.length);
  const words = [...paths, '/tmp', '/dev/shm', '/var/tmp'].map((each) => each.replace(/[^\w/]/g, '\\$&'));
  return new RegExp(`(?<![\\w./-])(?:${words.join('|')})(?=$|[/"'\\s,;:)])`, 'g');
}
