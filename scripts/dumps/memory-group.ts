import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the kernel keeps groups for memory: of the second version, and of the first. */
const PLACES = [
  { folder: '/sys/fs/cgroup', mark: 'cgroup.controllers', limit: 'memory.max', peak: 'memory.peak' },
  {
    folder: '/sys/fs/cgroup/memory',
    mark: 'memory.limit_in_bytes',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
  },
];

/** Processes that may take no more memory together, as the containers of a task on Fargate. */
export interface MemoryGroup {
  readonly folder: string;
  /** The most that they took, files that the kernel keeps for them included, in MiB. */
  peakMiB(): number;
  remove(): void;
}

/** Makes such a group where this machine lets us: Linux, as root. Undefined otherwise. */
export function memoryGroup(name: string, mebibytes: number): MemoryGroup | undefined {
  const place = PLACES.find(({ folder, mark }) => existsSync(join(folder, mark)));
  if (place === undefined) {
    return undefined;
  }
  const folder = join(place.folder, name);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, place.limit), String(mebibytes * 1024 ** 2));
  } catch {
    if (existsSync(folder)) {
      rmdirSync(folder);
    }
    return undefined;
  }
  return {
    folder,
    peakMiB: () => Number(readFileSync(join(folder, place.peak), 'utf8')) / 1024 ** 2,
    remove: () => rmdirSync(folder),
  };
}
