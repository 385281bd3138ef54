import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const ASSETS = join(__dirname, '..', 'assets');
/** What a cold start downloads and reads: the project's limit for each handler. */
const LIMIT_KB = 120;
const LOADS = 9;

/** Size and load time of every handler's bundle, as `npm run build:handlers` makes it. */
export function run(): void {
  console.log('handler                   KB   gzip KB   load ms (median of 9, bare node subtracted)');
  const bare = loadTime('0');
  let largest = 0;
  for (const name of readdirSync(ASSETS)) {
    const file = join(ASSETS, name, 'index.js');
    const source = readFileSync(file);
    const zipped = gzipSync(source, { level: 9 }).length / 1000;
    const load = loadTime(`require(${JSON.stringify(file)})`) - bare;
    largest = Math.max(largest, zipped);
    console.log(
      `${name.padEnd(22)}${(source.length / 1000).toFixed(0).padStart(6)}${zipped.toFixed(1).padStart(10)}${load.toFixed(0).padStart(10)}`,
    );
  }
  console.log(
    `largest: ${largest.toFixed(1)} KB of ${LIMIT_KB} KB allowed (${((100 * largest) / LIMIT_KB).toFixed(0)} %)`,
  );
  if (largest > LIMIT_KB) {
    process.exitCode = 1;
  }
}

function loadTime(script: string): number {
  const times = Array.from({ length: LOADS }, () => {
    const began = performance.now();
    execFileSync(process.execPath, ['--no-warnings', '-e', script]);
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[(LOADS - 1) / 2];
}
