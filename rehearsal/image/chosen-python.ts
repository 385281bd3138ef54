import type { Base } from './dockerfile/base';
import { ask, findInterpreter, minorOf } from './interpreters';

/**
 * Refuses what `--python` cannot mean: something that is no version, or a bare `3` that is another version
 * here than FROM names. One that says its minor version was chosen, whatever FROM names.
 */
export function checkChosenPython(chosen: string, bases: readonly Base[]): void {
  if (!/^\d+(\.\d+){0,2}$/.test(chosen)) {
    const found = ask(chosen);
    const what = found === undefined ? 'which is no Python of this machine' : `which is Python ${found.version}`;
    const example = found === undefined ? '3.12' : minorOf(found.version);
    throw new Error(`--python must be a version, got "${chosen}", ${what}. Write it as in --python ${example}.`);
  }
  if (chosen.includes('.')) {
    return;
  }
  const here = findInterpreter(chosen);
  const other = bases.find(({ python }) => here && python?.includes('.') && python !== minorOf(here.version));
  if (here !== undefined && other !== undefined) {
    throw new Error(
      `--python ${chosen} is Python ${here.version} on this machine, but ${other.image} has Python ${other.python}. ` +
        `Leave --python out for ${other.python}, or write --python ${minorOf(here.version)} if you want that one.`,
    );
  }
}
