import type { Place } from './dockerfile/plan';
import { WAYS_OUT } from './dockerfile/rules';
import { shortened } from './shortened';

/** Lines of a step's output that an error shows. */
const SHOWN = 25;

/** Does a part of a step. Its errors name the line, and the ways out. */
export function followed<T>({ line, text }: Place, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`line ${line} (${shortened(text)}) cannot be followed: ${(error as Error).message}. ${WAYS_OUT}`);
  }
}

/** The end of what a step wrote. */
export function tail(output: string): string {
  return output.trim().split('\n').slice(-SHOWN).join('\n');
}
