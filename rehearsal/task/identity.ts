import { execFileSync } from 'node:child_process';
import { isRoot } from './sandbox';

/**
 * Grants read access to all files (CAP_DAC_READ_SEARCH) and no write access beyond the user's own.
 *
 * `no_setuid_fixup` makes access(2) honour it too.
 */
const READ_ANYTHING = [
  ...['--inh-caps', '+dac_read_search'],
  ...['--ambient-caps', '+dac_read_search'],
  ...['--securebits', '+no_setuid_fixup'],
];

/** Whom a program runs as: options for spawn, or words in front of the command. */
export interface Identity {
  readonly uid?: number;
  readonly gid?: number;
  readonly prefix: string[];
}

/** Words in front of a command, for who is still root. */
export function wordsOf({ uid, gid, prefix }: Identity): string[] {
  return uid === undefined
    ? [...prefix]
    : ['setpriv', '--reuid', String(uid), '--regid', String(gid ?? uid), '--clear-groups', '--', ...prefix];
}

/** The person who started the rehearsal. */
export const YOURSELF: Identity = { prefix: [] };

/**
 * Another user, which only root can become. Where that user cannot reach what it needs (Python in root's own
 * home), Linux lets it read, and nothing more. Undefined when neither works.
 */
export function identity(uid: number, probe: { program: string; args: string[]; cwd: string }): Identity | undefined {
  if (!isRoot()) {
    return undefined;
  }
  const words = ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups', ...READ_ANYTHING, '--'];
  const candidates: Identity[] = [{ uid, gid: uid, prefix: [] }, { prefix: words }];
  return candidates.find((candidate) => {
    const [program, ...args] = [...candidate.prefix, probe.program, ...probe.args];
    const { uid: as, gid } = candidate;
    try {
      execFileSync(program, args, { cwd: probe.cwd, uid: as, gid, stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}
