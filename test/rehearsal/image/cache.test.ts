import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clean, makeOnce, settle, sweep, use } from '../../../rehearsal/image/cache';

const HOUR = 60 * 60 * 1000;
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'cache-'));
});

afterEach(() => rmSync(cache, { recursive: true }));

/** A folder that was used some hours ago. */
function folder(name: string, hours: number): string {
  const directory = path.join(cache, name);
  const time = new Date(Date.now() - hours * HOUR);
  mkdirSync(directory, { recursive: true });
  utimesSync(directory, time, time);
  return directory;
}

const hash = (digit: number) => String(digit).repeat(16);

test('the two latest of each kind stay', () => {
  const images = [2, 3, 4, 5].map((hours) => folder(`images/${hash(hours)}`, hours));
  const environments = [2, 3, 4].map((hours) => folder(`venv/application-${hash(hours)}`, hours));
  const doubles = folder(`venv/doubles-${hash(9)}`, 900);
  expect(clean(cache).sort()).toEqual([images[2], images[3], environments[2]].sort());
  expect([...images, ...environments].map(existsSync)).toEqual([true, true, false, false, true, true, false]);
  expect(existsSync(doubles)).toBe(true);
});

test('what a run uses stays, and so does what was used lately', () => {
  const run = folder('runs/1', 0);
  const old = [5, 6, 7].map((hours) => folder(`images/${hash(hours)}`, hours));
  use(run, [old[2]]);
  folder(`images/${hash(1)}`, 0.2);
  folder(`images/${hash(2)}`, 0.3);
  folder(`images/${hash(3)}`, 0.4);
  expect(clean(cache)).toEqual([old[0], old[1]]);
});

test('what is taken out is deleted by a sweep, whichever run has taken it', async () => {
  [5, 6, 7].map((hours) => folder(`images/${hash(hours)}/bin`, hours));
  [5, 6, 7].map((hours) => folder(`images/${hash(hours)}`, hours));
  folder('removed/by-a-run-that-was-ended/bin', 9);
  expect(clean(cache)).toHaveLength(1);
  expect(readdirSync(path.join(cache, 'removed'))).toHaveLength(2);
  await sweep(cache);
  expect(readdirSync(path.join(cache, 'removed'))).toEqual([]);
  expect(readdirSync(path.join(cache, 'images'))).toEqual([hash(5), hash(6)]);
});

test('a cache that is not there yet needs no cleaning', async () => {
  const nothing = path.join(cache, 'nothing');
  expect(clean(nothing)).toEqual([]);
  await sweep(nothing);
  expect(existsSync(nothing)).toBe(false);
});

test('who asks for a folder while it is made waits for it, and it is made once', async () => {
  let made = 0;
  const make = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return ++made;
  };
  expect(await Promise.all([makeOnce('venv', make), makeOnce('venv', make), makeOnce('image', make)])).toEqual([
    1, 1, 2,
  ]);
  expect(await makeOnce('venv', make)).toBe(3);
});

test('what another rehearsal has made meanwhile stays, and what was made here goes', () => {
  const [made, place] = [folder('images/made', 0), folder('images/place', 0)];
  writeFileSync(path.join(place, 'first'), '');
  settle(made, place);
  expect([existsSync(made), existsSync(path.join(place, 'first'))]).toEqual([false, true]);
  const other = folder('images/other', 0);
  settle(other, path.join(cache, 'layers', 'new'));
  expect([existsSync(other), existsSync(path.join(cache, 'layers', 'new'))]).toEqual([false, true]);
});

test('what cannot be moved to its place is an error', () => {
  expect(() => settle(path.join(cache, 'nothing'), path.join(cache, 'layers', 'x'))).toThrow('ENOENT');
});
