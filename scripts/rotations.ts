import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Doubles } from '../rehearsal/aws/doubles';
import { postgresBinaries } from '../rehearsal/postgres/postgres-binaries';
import { cacheFolder } from '../rehearsal/synth';

/** The version that comes with the workspace; `--all` takes all that RDS has and whose binaries there are. */
const VERSIONS = [17];
const ALL_VERSIONS = [15, 16, 17, 18];
/** Where Debian and its like keep whole PostgreSQLs, by major version. */
const SYSTEM = '/usr/lib/postgresql';

/**
 * `npm run rotations`: the bundles that are shipped, against a double of Secrets Manager, and the handlers of
 * the database against a real PostgreSQL with TLS, in which somebody has planted what they could. Beside
 * them, `migrate` with the settings of a release, restored databases that are whole, empty or damaged, and
 * where there is a whole PostgreSQL, dumps that are. Each check prints what it found; the last line adds them
 * up.
 *
 * `npm run rotations -- --all` takes every version of PostgreSQL, upgrades one to another, plants one thing
 * at a time, and runs Django's own tests as the login that serves: about twenty minutes.
 */
async function main(): Promise<void> {
  const PYTHON = join(await Doubles.install(cacheFolder()), 'bin', 'python');
  const every = process.argv.includes('--all');
  const announce = { progress: console.log, substitution: () => undefined, event: () => undefined };
  const checks = [['secret-rotation-check.ts']];
  for (const version of every ? ALL_VERSIONS : VERSIONS) {
    const binaries = postgresBinaries(cacheFolder(), version, announce);
    checks.push(
      ['database-rotation-check.ts', binaries],
      ['database-powers-check.ts', binaries],
      ['migrations-check.ts', binaries],
      ['restore-validation-check.ts', binaries],
      ['database-red-team.ts', binaries, ...(every ? ['--each'] : [])],
    );
  }
  // The programs of PostgreSQL, which come with a system; the binaries above are those of a server alone.
  const systems = existsSync(SYSTEM)
    ? readdirSync(SYSTEM).filter((name) => existsSync(join(SYSTEM, name, 'bin', 'pg_dump')))
    : [];
  for (const version of every ? systems : systems.slice(-1)) {
    checks.push(['drill-check.ts', join(SYSTEM, version)]);
  }
  if (every) {
    const [older, newer] = [15, 17].map((version) => postgresBinaries(cacheFolder(), version, announce));
    checks.push(['database-upgrade-check.ts', older, newer]);
    checks.push(['django-powers-check.ts', postgresBinaries(cacheFolder(), VERSIONS[0], announce)]);
  }
  let [passed, failed] = [0, 0];
  for (const [name, ...args] of checks) {
    const { status, stdout, stderr } = spawnSync(
      'npx',
      ['tsx', '--conditions=source', join(__dirname, name), ...args],
      {
        encoding: 'utf8',
        env: { ...process.env, PYTHON, CDK_VALIDATION: 'false' },
      },
    );
    process.stdout.write(`${name}\n${stdout}${status === 0 ? '' : stderr}`);
    const counted = /(\d+) passed, (\d+) failed\s*$/.exec(stdout);
    passed += Number(counted?.[1] ?? 0);
    failed += counted === null || (status !== 0 && counted[2] === '0') ? 1 : Number(counted[2]);
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
