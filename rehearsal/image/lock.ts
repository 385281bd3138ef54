import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive, whereProcessesCount } from '../task/alive';
import { sleep } from '../wait';

/** Milliseconds between two looks at a lock. */
const LOOK = 200;
/** Milliseconds between two signs of life. */
const LIFE = 5_000;
/** Looks without a sign of life, of a minute together, after which a holder is taken for dead. */
const SILENT = 300;
/** So much longer where a process of this machine has the holder's number: it may be suspended. */
const PATIENCE = 10;

export interface LockOptions {
  /** Called once where the lock is another's. */
  readonly waits?: () => void;
  // How long things take, for tests.
  readonly look?: number;
  readonly life?: number;
  readonly silent?: number;
}

/** Who holds a lock. */
interface Holder {
  readonly id: string;
  readonly pid: number;
  /** Where that number means a process. */
  readonly place: string;
}

/**
 * Does some work while no other process does work under the same name, on whatever machine that sees the
 * file.
 *
 * The lock of a process that has ended is taken over at once. Where its number says nothing, in another
 * container for example, that takes a minute without a sign of life, and ten where another process has it.
 */
export async function locked<T>(
  file: string,
  work: () => Promise<T>,
  { waits, look = LOOK, life = LIFE, silent = SILENT }: LockOptions = {},
): Promise<T> {
  const holder: Holder = { id: randomUUID(), pid: process.pid, place: whereProcessesCount() };
  mkdirSync(path.dirname(file), { recursive: true });
  let [looks, sign] = [0, ''];
  for (let isFirst = true; !take(file, holder); isFirst = false) {
    if (isFirst) {
      waits?.();
    }
    const found = signOf(file);
    looks = found === sign ? looks + 1 : 0;
    sign = found ?? '';
    const { isHere, isDead } = lookAt(file);
    if (found !== undefined && (isDead || looks >= (isHere ? silent * PATIENCE : silent))) {
      breakLock(file, found);
      looks = 0;
    } else {
      await sleep(look);
    }
  }
  const lives = setInterval(() => touch(file), life);
  lives.unref();
  try {
    return await work();
  } finally {
    clearInterval(lives);
    if (holderOf(file)?.id === holder.id) {
      rmSync(file, { force: true });
    }
  }
}

/** A link to a whole file is there or not: no other process sees a half of it. */
function take(file: string, holder: Holder): boolean {
  const own = `${file}.${holder.id}`;
  writeFileSync(own, JSON.stringify(holder));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Takes a lock away, unless it has become another's meanwhile. */
function breakLock(file: string, sign: string): void {
  const away = `${file}.${randomUUID()}`;
  try {
    renameSync(file, away);
  } catch {
    return; // Another process was faster.
  }
  if (signOf(away) !== sign) {
    try {
      linkSync(away, file);
    } catch {
      // A third one has it by now.
    }
  }
  rmSync(away, { force: true });
}

function lookAt(file: string): { isHere: boolean; isDead: boolean } {
  const holder = holderOf(file);
  const isHere = holder?.place === whereProcessesCount();
  return { isHere, isDead: holder !== undefined && isHere && !isAlive(holder.pid) };
}

/** What changes with each sign of life, and with the holder. */
function signOf(file: string): string | undefined {
  try {
    return `${holderOf(file)?.id} ${statSync(file).mtimeMs}`;
  } catch {
    return undefined;
  }
}

function holderOf(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // It was taken away.
  }
}
