import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { settle } from './cache';
import type { Entry } from './copy';

/** Milliseconds that a step has to take for its result to be worth keeping. */
const WORTH = 5000;

/** What a step of a build depends on, as a name. */
export function keyOf(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** What files hold, and how they may be used; their times do not count. */
export function contentOf(entries: Entry[]): string {
  const hash = createHash('sha256');
  for (const { from, to, kind } of entries) {
    hash.update(`${to}\0${kind}\0${lstatSync(from).mode & 0o7777}\0`);
    if (kind === 'link') {
      hash.update(readlinkSync(from));
    } else if (kind === 'file') {
      hash.update(readFileSync(from));
    }
    hash.update('\0');
  }
  return hash.digest('hex');
}

/** Folders of images after steps that took long, by the step's key. */
export class Layers {
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  has(key: string): boolean {
    return existsSync(this.place(key));
  }

  restore(key: string, root: string): void {
    const now = new Date();
    utimesSync(this.place(key), now, now);
    rmSync(root, { recursive: true, force: true });
    copyTree(this.place(key), root);
  }

  /** Keeps what a step made, unless it was made quickly. */
  save(key: string, root: string, milliseconds: number): void {
    if (milliseconds < WORTH || this.has(key)) {
      return;
    }
    const part = `${this.place(key)}.${process.pid}`;
    copyTree(root, part);
    settle(part, this.place(key));
  }

  private place(key: string): string {
    return path.join(this.folder, key.slice(0, 16));
  }
}

/** Copies a folder with its links, modes and times. */
export function copyTree(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  execFileSync('cp', ['-a', from, to]);
}
