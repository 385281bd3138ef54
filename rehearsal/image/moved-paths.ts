import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inside, statOf } from './inside';

/** What a machine has of its own, and an image, too. */
const OF_THE_MACHINE = /^\/(?:bin|sbin|lib\w*|usr(?!\/local\/)|etc|dev|proc|sys|tmp|run|var\/tmp)(?:\/|$)/;

/** An absolute path within a text: after a blank, a quote or the like, not within an address or a longer path. */
const PATH = /(?<![\w./$}\-~*?\\])\/[\w.-]+(?:\/[\w.-]+)*/g;

/**
 * A text with the paths of an image moved to the folder that stands for `/`. `exists` says what the image
 * has. Paths that this machine has, too, stay.
 */
export function movePaths(text: string, root: string, exists: (file: string) => boolean): string {
  return text.replace(PATH, (file) => (isOfImage(file, exists) ? path.join(root, file) : file));
}

function isOfImage(file: string, exists: (file: string) => boolean): boolean {
  return exists(file) && !(OF_THE_MACHINE.test(file) && existsSync(file));
}

/** Scripts and settings longer than that are neither. */
const LONGEST = 200_000;
const SEARCHED = 6;
/** Folders of packages, in which nobody names a place of the image. */
const PACKAGES = /^(node_modules|site-packages|dist-packages|\.git|__pycache__)$/;
/** Settings of servers that are read when a task starts. */
const SETTINGS = /\.(ini|cfg|conf)$|^gunicorn[\w.-]*\.py$/;
const SHELL = /^#!\s*\/(?:usr\/)?bin\/(?:env\s+)?(?:ba|da|k|z)?sh\b/;

/**
 * Moves the paths within scripts of a shell and within settings of servers, which a task reads when it
 * starts. `folder` has the files of the image now, and `final` later. Returns the paths of changed files.
 */
export function moveTexts(folder: string, final: string): string[] {
  const exists = (file: string) => statOf(inside(folder, file)) !== undefined;
  return texts(folder, '/', SEARCHED).filter((place) => {
    const file = path.join(folder, place);
    const text = readFileSync(file, 'utf8');
    // Of a first line with a path of the image, relocation has made what Linux takes.
    const first = /^#!.*\n/.exec(text)?.[0] ?? '';
    const moved = first + movePaths(text.slice(first.length), final, exists);
    if (moved === text) {
      return false;
    }
    writeFileSync(file, moved);
    return true;
  });
}

/** Scripts and settings of an image, below a folder of it. */
function texts(root: string, folder: string, depth: number): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const place = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) {
      const isSearched =
        depth > 1 && !PACKAGES.test(entry.name) && !/^\/(usr\/(?!local\/|$)|etc\/ssl)/.test(`${place}/`);
      return isSearched ? texts(root, place, depth - 1) : [];
    }
    return entry.isFile() && isText(path.join(root, place)) ? [place] : [];
  });
}

function isText(file: string): boolean {
  if (lstatSync(file).size > LONGEST) {
    return false;
  }
  return (
    /\.sh$/.test(file) || SETTINGS.test(path.basename(file)) || SHELL.test(readFileSync(file, 'latin1').slice(0, 80))
  );
}
