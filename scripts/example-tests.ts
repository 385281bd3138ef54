import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { type LocalPostgres, startPostgres } from './lib/local-postgres';

const root = join(__dirname, '..');
const app = join(root, 'examples', 'django-app');
const venv = join(root, '.cache', 'venv-example');

/**
 * `npm run example-tests`: `manage.py test` of the example, with the packages of its image, the variables of
 * its `.env.example`, and a PostgreSQL of its own.
 */
async function main(): Promise<void> {
  install();
  const server = await startPostgres();
  try {
    await makeDatabase(server);
    const { code, output } = await run(
      join(venv, 'bin', 'python'),
      ['manage.py', 'test', '--noinput'],
      variables(server),
    );
    const [tests, failed] = [/^Ran (\d+) tests?/m, /^FAILED \((.*)\)$/m].map((pattern) => pattern.exec(output)?.[1]);
    const count = Number(tests ?? 0);
    const bad = [...(failed ?? '').matchAll(/=(\d+)/g)].reduce((sum, [, number]) => sum + Number(number), 0);
    const isSilent = bad === 0 && (code !== 0 || count === 0);
    console.log(`${count - bad} passed, ${isSilent ? 1 : bad} failed`);
    process.exitCode = bad > 0 || isSilent ? 1 : 0;
  } finally {
    await server.stop();
  }
}

/** Once for each list of packages. */
function install(): void {
  const stamp = join(venv, '.stamp');
  const wanted = createHash('sha256')
    .update(readFileSync(join(app, 'requirements.txt')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return;
  }
  rmSync(venv, { recursive: true, force: true });
  mkdirSync(dirname(venv), { recursive: true });
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
  const pip = (...args: string[]) =>
    execFileSync(
      join(venv, 'bin', 'python'),
      ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', '--no-compile', ...args],
      { stdio: 'inherit' },
    );
  pip('--require-hashes', '--requirement', join(app, 'requirements.txt'));
  pip('--no-deps', '--editable', join(root, 'runtime'));
  writeFileSync(stamp, wanted);
}

/** Whose user may create databases, as `manage.py test` needs it. */
async function makeDatabase(server: LocalPostgres): Promise<void> {
  const superuser = await server.superuser();
  await superuser.query(`CREATE ROLE guestbook LOGIN CREATEDB PASSWORD 'guestbook'`);
  await superuser.query('CREATE DATABASE guestbook OWNER guestbook');
  await superuser.end();
}

function variables({ port, caFile }: LocalPostgres): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...parseEnv(readFileSync(join(app, '.env.example'), 'utf8')),
    DATABASE_PORT: String(port),
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caFile,
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        process.stdout.write(chunk);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

main().catch((error) => {
  console.error(error);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
