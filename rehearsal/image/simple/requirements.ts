import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Thrown where only the image's files show that the simple way does not follow a Dockerfile. */
export class NotSimple extends Error {}

/** What a requirements file makes pip read, itself among it: absolute paths. */
export interface Read {
  /** Requirements and constraints. */
  readonly files: readonly string[];
  /** Packages, and folders of packages. */
  readonly packages: readonly string[];
}

interface Line {
  readonly number: number;
  readonly text: string;
}

const OPTION = /^(-r|--requirement|-c|--constraint|-f|--find-links|-e|--editable)(?:[=\s]\s*|(?<=^-\w))(\S.*)$/;
const ADDRESS = /^[a-z][a-z+.-]*:\/\//i;
/** A reference to a place of the image, which pip would look for on this machine. */
const ABSOLUTE = /^\/|(?:^|@\s*)file:/i;

/**
 * Follows the files that a requirements file names, and those that they name. Pip reads a nested file from
 * the folder of the one that names it, and a package from the working directory.
 *
 * Throws `NotSimple` at a line whose effect depends on where the image lies: its folder is renamed when it is
 * complete, so an editable package would be lost.
 */
export function readBy(file: string, root: string, workingDirectory: string): Read {
  const files = new Set<string>();
  const packages = new Set<string>();
  const follow = (current: string) => {
    if (files.has(current)) {
      return;
    }
    files.add(current);
    for (const { number, text } of linesOf(readFileSync(current, 'utf8'))) {
      const refuse = () => {
        throw new NotSimple(`/${path.relative(root, current)}:${number} ${text}`);
      };
      const [, option, value] = OPTION.exec(text) ?? [];
      const named = (option === undefined ? nameOf(text) : value).trim().replace(/^(["'])(.*)\1$/, '$2');
      if (ADDRESS.test(named) && !/^file:/i.test(named)) {
        continue;
      }
      if (option === '-e' || option === '--editable' || ABSOLUTE.test(named)) {
        refuse();
      }
      const beside = path.resolve(path.dirname(current), named);
      if (/^(-r|--requirement|-c|--constraint)$/.test(option ?? '')) {
        if (!existsSync(beside)) {
          throw new Error(`/${path.relative(root, current)}:${number} ${text}: the image has no such file.`);
        }
        follow(beside);
      } else {
        const places = [path.resolve(workingDirectory, named), ...(option === undefined ? [] : [beside])];
        for (const place of option !== undefined || isPlace(named) ? places.filter(existsSync) : []) {
          packages.add(place);
        }
      }
    }
  };
  follow(file);
  return { files: [...files], packages: [...packages] };
}

/** What of a line names a package: without extras, conditions and hashes. */
function nameOf(text: string): string {
  return text.startsWith('-') ? '' : (/^[^\s;]+(?:\s*@\s*[^\s;]+)?/.exec(text)?.[0].replace(/\[[^\]]*\]$/, '') ?? '');
}

/** Whether pip takes a word for a path, and not for the name of a package. */
function isPlace(word: string): boolean {
  return word.includes('/') || word.startsWith('.') || /\.(whl|zip|tar\.\w+|tgz)$/.test(word);
}

/** Lines with something in them; one that ends with a backslash goes on in the next. */
function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let begun: Line | undefined;
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const { number, text: before }: Line = begun ?? { number: index + 1, text: '' };
    const isComment = /^\s*#/.test(written);
    const whole = before + (isComment ? '' : written.replace(/\\$/, ' '));
    if (written.endsWith('\\') && !isComment) {
      begun = { number, text: whole };
      continue;
    }
    begun = undefined;
    const line = whole.replace(/(^|\s)#.*$/, '').trim();
    if (line !== '') {
      lines.push({ number, text: line });
    }
  }
  return lines;
}
