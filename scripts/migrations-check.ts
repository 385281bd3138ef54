/**
 * `migrate` with the settings of a release, on a real PostgreSQL: indexes beside a long reader, and a
 * migration that thinks between two statements. Each fault is shown first as it would be without its cure:
 *
 *     npx tsx --conditions=source scripts/migrations-check.ts [folder with binaries of a version] [--real]
 *
 * All times are divided by SCALE, the timeouts of release and database too, unless `--real` is given: five
 * minutes for each version.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Template } from 'aws-cdk-lib/assertions';
import { Client } from 'pg';
import { connectPostgres } from '../constructs/handlers/shared/postgres';
import { virtualEnvironment } from '../rehearsal/image/python';
import { cacheFolder } from '../rehearsal/synth';
import { type LocalPostgres, startPostgres } from './lib/local-postgres';
import { freshShop } from './lib/run-roles';
import { productionExample } from './production-example';

const SCALE = process.argv.includes('--real') ? 1 : 20;
/** Milliseconds that a report reads, after the release has begun to wait for it. */
const READS = 25_000 / SCALE;
/** Milliseconds that a migration thinks. */
const THINKS = 70_000 / SCALE;
const INSTALLED = ['Django==5.2.19', 'psycopg[binary]==3.3.9'];
const ROOT = join(__dirname, '..');
const INITIAL = `
from django.db import migrations, models

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel('Book', [('id', models.BigAutoField(primary_key=True)), ('written', models.DateField())]),
        migrations.CreateModel('Author', [('id', models.BigAutoField(primary_key=True))]),
        migrations.RunSQL("INSERT INTO shelf_book (written) SELECT date '2026-01-01' + n FROM generate_series(1, 1000) n"),
    ]
`;
const INDEX = `models.Index(fields=['written'], name='book_written')`;
const WAITS_AGAIN = `migrations.RunPython(lambda apps, editor: check(editor))`;

let [passed, failed] = [0, 0];

function check(what: string, ok: boolean, detail: unknown = ''): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `: ${String(detail).slice(-2_000)}`}`);
}

/** A release as it ended. */
interface Ended {
  readonly status: number | null;
  readonly output: string;
  /** Milliseconds. */
  readonly took: number;
}

/** The project `shelf` on a disk, its database, and the releases of it. */
class Shelf {
  private readonly folder = mkdtempSync(join(tmpdir(), 'shelf-'));

  constructor(
    private readonly python: string,
    private readonly server: LocalPostgres,
    private readonly options: string,
  ) {
    mkdirSync(join(this.folder, 'shelf', 'migrations'), { recursive: true });
    this.write('__init__.py', '');
    this.write('migrations/__init__.py', '');
    this.write('migrations/0001_initial.py', INITIAL);
  }

  /** An empty database with the tables and without the index. */
  async reset(): Promise<void> {
    await freshShop(connectPostgres, this.server);
    this.migration('[]');
    const { status, output } = await ended(this.release('0001'));
    if (status !== 0) {
      throw new Error(output);
    }
  }

  /** What the next release migrates: a list of operations, or the text of a whole migration. */
  migration(operations: string, atomic = true): void {
    const text = operations.includes('class Migration')
      ? operations
      : `import time
from django.contrib.postgres import operations as django
from django.db import migrations, models
from django_fargate import operations as ours

def ask(editor, sql):
    with editor.connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]

def check(editor):
    session = ask(editor, "SHOW lock_timeout")
    start = ask(editor, "SELECT reset_val || 'ms' FROM pg_settings WHERE name = 'lock_timeout'")
    assert ask(editor, f"SELECT '{session}'::interval = '{start}'::interval"), (session, start)

def think(apps, editor):
    ask(editor, 'SELECT count(*) FROM shelf_book')
    time.sleep(${THINKS / 1_000})
    ask(editor, 'SELECT count(*) FROM shelf_book')

class Migration(migrations.Migration):
    dependencies = [('shelf', '0001_initial')]
    atomic = ${atomic ? 'True' : 'False'}
    operations = ${operations}
`;
    this.write('migrations/0002_next.py', text);
  }

  release(target = '0002', options = this.options): ChildProcess {
    const login = { DATABASE_NAME: 'shop', DATABASE_USER: 'shop_release_a', DATABASE_PASSWORD: 'shop_release_a' };
    return spawn(this.python, ['-m', 'django', 'migrate', 'shelf', target, '--noinput'], {
      env: {
        ...process.env,
        ...login,
        DATABASE_HOST: 'localhost',
        DATABASE_PORT: String(this.server.port),
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: this.server.caFile,
        PGOPTIONS: options,
        PGAPPNAME: 'release',
        DJANGO_SETTINGS_MODULE: 'release_settings',
        PYTHONPATH: [this.folder, join(ROOT, 'runtime'), join(__dirname, 'django')].join(':'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
  }

  /** A release beside a report that reads a table until the release has waited for it long enough. */
  async beside(table: string, release: () => ChildProcess = () => this.release()): Promise<Ended> {
    const reader = await this.report(table);
    const process = release();
    const end = ended(process);
    await this.waiting(process);
    await Promise.race([end, sleep(READS)]);
    await reader.stop();
    return await end;
  }

  /** Reads a table in one long statement, as what serves, until it is stopped. */
  async report(table: string): Promise<{ stop(): Promise<void> }> {
    const { port, caFile } = this.server;
    const ssl = { ca: readFileSync(caFile, 'utf8') };
    const login = { user: 'shop_a', password: 'shop_a', database: 'shop' };
    const client = new Client({ host: 'localhost', port, ssl, ...login });
    await client.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    const reading = client.query(`SELECT count(*), (SELECT pg_sleep(600)) FROM ${table}`).catch(() => undefined);
    await this.until(`SELECT 1 FROM pg_stat_activity WHERE pid = ${rows[0].pid} AND wait_event = 'PgSleep'`);
    return {
      stop: async () => {
        await this.ask(`SELECT pg_cancel_backend(${rows[0].pid})`);
        await reading;
        await client.end();
      },
    };
  }

  /** Until a release other than some waits for a lock, or has ended: the process ids of those that wait. */
  async waiting(process: ChildProcess, others: unknown[] = [0]): Promise<unknown[]> {
    const waits = `SELECT pid FROM pg_stat_activity WHERE application_name = 'release' AND wait_event_type = 'Lock'`;
    await this.until(`${waits} AND pid NOT IN (${others})`, () => process.exitCode !== null);
    return (await this.ask(waits)).map(({ pid }) => pid);
  }

  async index(): Promise<'valid' | 'INVALID' | 'none'> {
    const [row] = await this.ask(`SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('book_written')`);
    return row === undefined ? 'none' : row.indisvalid === true ? 'valid' : 'INVALID';
  }

  async ask(sql: string): Promise<Record<string, unknown>[]> {
    const superuser = await this.server.superuser('shop');
    try {
      return (await superuser.query(sql)).rows;
    } finally {
      await superuser.end();
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async until(sql: string, otherwise = () => false): Promise<void> {
    for (let tries = 0; tries < 600 && !otherwise(); tries++) {
      if ((await this.ask(sql)).length > 0) {
        return;
      }
      await sleep(50);
    }
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.folder, 'shelf', name), text);
  }
}

/** How a release ends, with what it printed. */
async function ended(release: ChildProcess): Promise<Ended> {
  const from = Date.now();
  let output = '';
  release.stdout?.on('data', (text) => {
    output += text;
  });
  release.stderr?.on('data', (text) => {
    output += text;
  });
  const status = await new Promise<number | null>((resolve) => release.once('close', resolve));
  return { status, output, took: Date.now() - from };
}

/** What the production example gives its release, and its database. */
function settings(): { readonly options: string; readonly lock: number; readonly idle: number } {
  const template = Template.fromStack(productionExample().stack);
  const tasks = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const variables: { Name: string; Value: string }[] = tasks.flatMap(
    ({ Properties }) => Properties.ContainerDefinitions[0].Environment,
  );
  const [{ Value }] = variables.filter(({ Name }) => Name === 'PGOPTIONS');
  const [group] = Object.values(template.findResources('AWS::RDS::DBParameterGroup'));
  const lock = Number(/ lock_timeout=(\d+)/.exec(Value)?.[1]);
  const options = Value.replace(`lock_timeout=${lock}`, `lock_timeout=${lock / SCALE}`);
  return { options, lock, idle: Number(group.Properties.Parameters.idle_in_transaction_session_timeout) };
}

async function indexes(shelf: Shelf, lock: number): Promise<void> {
  const ours = `[ours.AddIndexConcurrently('book', ${INDEX}), ${WAITS_AGAIN}]`;

  await shelf.reset();
  shelf.migration(`[django.AddIndexConcurrently('book', ${INDEX})]`, false);
  const cut = await shelf.beside('shelf_book');
  check(
    `without a cure: Django's AddIndexConcurrently gives up beside a report (${seconds(cut)})`,
    cut.status !== 0 && cut.output.includes('due to lock timeout') && (await shelf.index()) === 'INVALID',
    cut.output,
  );
  const again = await ended(shelf.release());
  check(
    'without a cure: the index that it left INVALID is in the way of the next attempt',
    again.status !== 0 && again.output.includes('already exists'),
    again.output,
  );

  shelf.migration(ours, false);
  for (const [table, what] of [
    ['shelf_book', 'drops what is left and waits for a report on its table'],
    ['shelf_author', 'waits for a report on another table'],
  ]) {
    const waited = await shelf.beside(table);
    check(`AddIndexConcurrently ${what} (${seconds(waited)})`, await well(shelf, waited, lock), waited.output);
    await shelf.reset();
    shelf.migration(ours, false);
  }

  const reader = await shelf.report('shelf_book');
  const stopped = shelf.release();
  const pids = await shelf.waiting(stopped);
  const gone = ended(stopped);
  stopped.kill('SIGKILL');
  await gone;
  const left = await shelf.index();
  const next = shelf.release();
  const end = ended(next);
  await shelf.waiting(next, pids);
  await sleep(READS);
  await reader.stop();
  const { status, output } = await end;
  const ok = status === 0 && left === 'INVALID' && (await shelf.index()) === 'valid';
  check('AddIndexConcurrently ends well after a release that was stopped in the middle of it', ok, output);

  await shelf.reset();
  shelf.migration(`[ours.AddIndexConcurrently('book', ${INDEX})]`, false);
  await ended(shelf.release());
  const back = await shelf.beside('shelf_book', () => shelf.release('0001'));
  const dropped = back.status === 0 && back.took > 2 * lock && (await shelf.index()) === 'none';
  check(`its way back waits too (${seconds(back)})`, dropped, back.output);

  await documented(shelf, lock);
}

/** The pair of statements that the guide gives to projects without runtime/. */
async function documented(shelf: Shelf, lock: number): Promise<void> {
  const guide = readFileSync(join(ROOT, 'docs', 'your-project.md'), 'utf8');
  const [, indented = ''] = /```python\n( *# Without runtime\/[\s\S]*?)```/.exec(guide) ?? [];
  const example = indented.replace(/^ {2}/gm, '');
  await shelf.reset();
  shelf.migration(`[django.AddIndexConcurrently('book', ${INDEX})]`, false);
  await shelf.beside('shelf_book');
  const left = await shelf.index();
  shelf.migration(example);
  const waited = await shelf.beside('shelf_book');
  const ok = left === 'INVALID' && (await well(shelf, waited, lock));
  check(`the statements of the guide do the same without runtime/ (${seconds(waited)})`, ok, waited.output || example);
}

async function others(shelf: Shelf, lock: number, options: string): Promise<void> {
  await shelf.reset();
  shelf.migration(`[migrations.AddField('book', 'pages', models.IntegerField(null=True))]`);
  const given = await shelf.beside('shelf_book');
  const gaveUp = given.status !== 0 && given.output.includes('due to lock timeout') && given.took < 5_000 + 2 * lock;
  check(`a statement that others queue behind still gives up (${seconds(given)})`, gaveUp, given.output);

  shelf.migration('[migrations.RunPython(think)]');
  const without = await ended(shelf.release('0002', options.replace(/ -c idle_in_transaction_session_timeout=0/, '')));
  const killed = without.status !== 0 && without.output.includes('idle-in-transaction timeout');
  check(`without a cure: a migration that thinks is cut off (${seconds(without)})`, killed, without.output);
  const thought = await ended(shelf.release());
  check(
    `a migration that thinks ends well (${seconds(thought)})`,
    thought.status === 0 && thought.took > THINKS,
    thought.output,
  );
}

/** It ended with an index in use, after waiting for longer than a release waits for other locks. */
async function well(shelf: Shelf, { status, took }: Ended, lock: number): Promise<boolean> {
  return status === 0 && took > 2 * lock && (await shelf.index()) === 'valid';
}

function seconds({ took }: Ended): string {
  return `${(took / 1_000).toFixed(1)} s`;
}

async function main(): Promise<void> {
  const { options, lock, idle } = settings();
  console.log(
    `the release's PGOPTIONS ${options}; the database's limit ${idle / SCALE} ms (times divided by ${SCALE})`,
  );
  const environment = await virtualEnvironment(cacheFolder(), 'migrations', { installs: [INSTALLED], key: [] });
  const server = await startPostgres(process.argv.slice(2).find((argument) => !argument.startsWith('--')));
  process.env.NODE_EXTRA_CA_CERTS = server.caFile;
  const shelf = new Shelf(join(environment, 'bin', 'python'), server, options);
  try {
    const superuser = await server.superuser();
    await superuser.query(`ALTER SYSTEM SET idle_in_transaction_session_timeout = ${idle / SCALE}`);
    await superuser.query('SELECT pg_reload_conf()');
    await superuser.end();
    await indexes(shelf, lock / SCALE);
    await others(shelf, lock / SCALE, options);
  } finally {
    shelf.close();
    await server.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
