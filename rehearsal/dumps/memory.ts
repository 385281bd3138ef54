import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The most memory that a container had, in MiB. */
export interface Peak {
  /** Of all of its processes, each with its share of what several have. */
  readonly container: number;
  /** Of the one process that had most, with all that it shares. */
  readonly process: number;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
}

/** Memory of a process and of all that descend from it, whatever groups and sessions they have made. */
export function memoryOf(root: number): Peak {
  const all = process.platform === 'linux' ? ofLinux() : [];
  if (all.length === 0) {
    return ofGroup(root);
  }
  const family = new Set([root]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const { pid, parent } of all) {
      if (family.has(parent)) {
        family.add(pid);
      }
    }
  }
  const found = [...family].map((pid) => ({ pss: kibibytes(pid, 'Pss'), rss: kibibytes(pid, 'Rss') }));
  return {
    container: found.reduce((sum, { pss }) => sum + pss, 0) / 1024,
    process: Math.max(0, ...found.map(({ rss }) => rss)) / 1024,
  };
}

function ofLinux(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [, parent] = /^\d+ \(.*\) \S (\d+) /s.exec(read(`/proc/${name}/stat`)) ?? [];
      return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent) }];
    });
}

function kibibytes(pid: number, name: string): number {
  const found = new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(read(`/proc/${pid}/smaps_rollup`));
  return Number(found?.[1] ?? 0);
}

/** Of a process that has just ended there is nothing to read. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Where there is no /proc: what stays in the group of the first process. */
function ofGroup(root: number): Peak {
  try {
    const lines = execFileSync('ps', ['-A', '-o', 'pgid=', '-o', 'rss='], { encoding: 'utf8' }).split('\n');
    const sizes = lines
      .map((line) => line.trim().split(/\s+/).map(Number))
      .flatMap(([group, rss]) => (group === root ? [rss / 1024] : []));
    return { container: sizes.reduce((sum, each) => sum + each, 0), process: Math.max(0, ...sizes) };
  } catch {
    return { container: 0, process: 0 };
  }
}
