import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Doubles } from '../rehearsal/aws/doubles';
import { cacheFolder } from '../rehearsal/check-run';

/**
 * `npm run rotations`: the bundles that are shipped, against a double of Secrets Manager and against a real
 * PostgreSQL with TLS. Each of the two checks prints what it found; the last line adds them up.
 */
async function main(): Promise<void> {
  const PYTHON = join(await Doubles.install(cacheFolder()), 'bin', 'python');
  let [passed, failed] = [0, 0];
  for (const name of ['secret-rotation-check.ts', 'database-rotation-check.ts']) {
    const { status, stdout, stderr } = spawnSync('npx', ['tsx', join(__dirname, name)], {
      encoding: 'utf8',
      env: { ...process.env, PYTHON },
    });
    process.stdout.write(`${name}\n${stdout}${status === 0 ? '' : stderr}`);
    const counted = /(\d+) passed, (\d+) failed\s*$/.exec(stdout);
    passed += Number(counted?.[1] ?? 0);
    failed += counted === null || (status !== 0 && counted[2] === '0') ? 1 : Number(counted[2]);
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
