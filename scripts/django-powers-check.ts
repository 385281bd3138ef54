/**
 * What Django's contrib applications, sessions, Celery results and beat's scheduler do at run time, as the
 * login that serves: Django's own tests of them on a real PostgreSQL whose tables the owner made:
 *
 *     npx tsx scripts/django-powers-check.ts [folder with the binaries of a version]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connectPostgres } from '../constructs/handlers/shared/postgres';
import { virtualEnvironment } from '../rehearsal/image/python';
import { cacheFolder } from '../rehearsal/synth';
import { type LocalPostgres, startPostgres } from './lib/local-postgres';
import { freshShop } from './lib/run-roles';

const DJANGO = '5.2.19';
const INSTALLED = [
  `Django==${DJANGO}`,
  'psycopg[binary]==3.3.9',
  'celery==5.6.3',
  'django-celery-results==2.6.0',
  'django-celery-beat==2.9.0',
];
/** What makes its sources into a package, which pip does even to download them. */
const BUILD = ['setuptools==80.9.0', 'wheel'];
const SUITES =
  `auth_tests sessions_tests contenttypes_tests sites_tests sites_framework redirects_tests flatpages_tests messages_tests
  admin_views admin_changelist admin_inlines admin_filters admin_docs humanize_tests sitemaps_tests syndication_tests
  generic_relations transactions select_for_update bulk_create get_or_create update delete m2m_regress`.split(/\s+/);

async function main(): Promise<void> {
  const environment = await virtualEnvironment(cacheFolder(), 'powers', { installs: [BUILD, INSTALLED], key: [] });
  const python = join(environment, 'bin', 'python');
  const server = await startPostgres(process.argv[2]);
  let [passed, failed] = [0, 0];
  const check = (what: string, ok: boolean, output: string) => {
    passed += ok ? 1 : 0;
    failed += ok ? 0 : 1;
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `\n${output.slice(-6_000)}`}`);
  };
  try {
    process.env.NODE_EXTRA_CA_CERTS = server.caFile;
    await freshShop(connectPostgres, server);
    const tests = testsOfDjango(python, environment);
    const ran = run(server, python, tests, [
      'runtests.py',
      '--settings=serving_settings',
      '--keepdb',
      '--parallel=1',
      '--noinput',
      ...SUITES.filter((suite) => existsSync(join(tests, suite))),
    ]);
    const count = /Ran (\d+) tests/.exec(ran.output)?.[1];
    check(`${count} of Django's own tests, run as the login that serves`, ran.ok, ran.output);
    await freshShop(connectPostgres, server);
    const script = join(__dirname, 'django', 'celery_at_work.py');
    const migrated = run(server, python, tests, [script, 'shop_release_a', 'migrate']);
    check('the owner migrates Celery results and beat', migrated.ok, migrated.output);
    const worked = run(server, python, tests, [script, 'shop_a', 'work']);
    check('results are stored and beat schedules', worked.ok && worked.output.includes('celery works'), worked.output);
  } finally {
    await server.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** Django's tests are in its source distribution only. */
function testsOfDjango(python: string, environment: string): string {
  const folder = join(environment, 'sources');
  if (!existsSync(folder)) {
    const source = ['--no-deps', '--no-binary', ':all:', '--no-build-isolation', `Django==${DJANGO}`];
    execFileSync(python, ['-m', 'pip', 'download', '--quiet', '--dest', `${folder}.new`, ...source], { stdio: 'pipe' });
    const [archive] = readdirSync(`${folder}.new`);
    execFileSync('tar', ['xzf', archive, '--one-top-level=../sources'], { cwd: `${folder}.new` });
  }
  return join(folder, `django-${DJANGO}`, 'tests');
}

function run(server: LocalPostgres, python: string, cwd: string, args: string[]): { ok: boolean; output: string } {
  const env = { ...process.env, PORT: String(server.port), PYTHONPATH: join(__dirname, 'django') };
  const { status, stdout, stderr } = spawnSync(python, args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { ok: status === 0, output: stdout + stderr };
}

main();
