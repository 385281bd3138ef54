import { readFileSync } from 'node:fs';
import path from 'node:path';

/** How much of an example the emulator makes. */
export interface Share {
  readonly profile: string;
  readonly made: number;
  readonly total: number;
  /** Of those that are made, alarms with a plain metric in place of their metric math. */
  readonly altered: number;
}

/** The shares that docs/testing.md states. */
export function statedShares(
  page: string = readFileSync(path.join(__dirname, '..', '..', '..', 'docs', 'testing.md'), 'utf8'),
): Share[] {
  const [, table = ''] = /<!-- begin emulated -->(.*?)<!-- end emulated -->/s.exec(page) ?? [];
  return [...table.matchAll(/^\| (\w+) \| (\d+) of (\d+) \| (\d+) \|$/gm)].map(([, profile, made, total, altered]) => ({
    profile,
    made: Number(made),
    total: Number(total),
    altered: Number(altered),
  }));
}
