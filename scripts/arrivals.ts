import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { postgresBinaries } from '../rehearsal/postgres/postgres-binaries';
import { cacheFolder } from '../rehearsal/synth';

/** What databases may arrive with: the versions that Django supports and RDS has. */
const VERSIONS = [14, 15, 16, 17, 18];

/**
 * `npm run arrivals`: databases of another origin, on a real server of each version, with a master as
 * RDS has it. Each check prints what it found; the last line adds them up. `-- 16` takes one version.
 */
function main(): void {
  const [wanted] = process.argv.slice(2).map(Number);
  const announce = { progress: console.log, substitution: () => undefined, event: () => undefined };
  let [passed, failed] = [0, 0];
  for (const version of VERSIONS.filter((each) => wanted === undefined || each === wanted)) {
    const binaries = postgresBinaries(cacheFolder(), version, announce);
    const { status, stdout, stderr } = spawnSync(
      'npx',
      ['tsx', '--conditions=source', join(__dirname, 'database-adoption-check.ts'), binaries],
      { encoding: 'utf8', env: { ...process.env, CDK_VALIDATION: 'false' } },
    );
    process.stdout.write(`${stdout}${status === 0 ? '' : stderr}`);
    const counted = /(\d+) passed, (\d+) failed\s*$/.exec(stdout);
    passed += Number(counted?.[1] ?? 0);
    failed += counted === null || (status !== 0 && counted[2] === '0') ? 1 : Number(counted[2]);
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

main();
