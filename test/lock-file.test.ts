import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly integrity?: string;
  readonly optionalDependencies?: Record<string, string>;
}

const LOCK = join(__dirname, '..', 'package-lock.json');
const locked: [string, Locked][] = Object.entries(JSON.parse(readFileSync(LOCK, 'utf8')).packages);

test('every package that npm downloads has the hash of its content in the lock file', () => {
  // A package in the bundle of another comes with that one's archive, and a link is a folder of ours.
  const downloaded = locked.filter(
    ([path, { link, inBundle }]) => path.includes('node_modules/') && !link && !inBundle,
  );
  expect(downloaded.length).toBeGreaterThan(400);
  expect(downloaded.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
});

test('the packages of other platforms are in the lock file, so npm ci takes it everywhere', () => {
  const names = new Set(locked.map(([path]) => path.replace(/^.*node_modules\//, '')));
  const optional = locked.flatMap(([, { optionalDependencies }]) => Object.keys(optionalDependencies ?? {}));
  expect(optional.length).toBeGreaterThan(20);
  expect(optional.filter((name) => !names.has(name))).toEqual([]);
});
