/**
 * The scripts of a drill on a real PostgreSQL: a dump as `pg_dump` makes it is proven, and one that is
 * corrupt, cut short, empty or otherwise wrong is not:
 *
 *     npx tsx scripts/drill-check.ts [folder with the binaries of a version]
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { COPY, DOWNLOAD, IS_READY, RESTORE, SERVER, VERIFY } from '../constructs/dumps/private/drill-scripts';
import { eventually, freePort } from './lib/local-postgres';

const USER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const BIN = join(process.argv[2] ?? '', 'bin');
const PATH = `${BIN}${delimiter}${process.env.PATH}`;
let [passed, failed] = [0, 0];

function check(what: string, ok: boolean, detail: unknown = ''): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(
    `${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `: ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`}`,
  );
}

/** Runs a script as a container does. */
function run(script: string, args: string[], env: { [name: string]: string } = {}) {
  const given = { encoding: 'utf8', env: { PATH, ...env }, ...USER } as const;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script, 'drill', ...args], given);
  return { status, said: `${stdout}${stderr}`.trim() };
}

interface Server {
  readonly folder: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** The container `postgres`, in a folder of its own. */
async function serve(parent: string): Promise<Server> {
  const folder = mkdtempSync(join(parent, 'drill-'));
  chmodSync(folder, 0o777);
  const port = await freePort();
  const child = spawn('sh', ['-c', SERVER, 'drill', folder, String(port), '600'], {
    env: { PATH },
    stdio: 'inherit',
    ...USER,
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await eventually(async () => {
    if (run(IS_READY, [String(port)]).status !== 0) {
      throw new Error('the server does not answer');
    }
  });
  return {
    folder,
    port,
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function sql(server: Server, database: string, text: string): string {
  const args = [
    '-Atq',
    '-v',
    'ON_ERROR_STOP=1',
    '-h',
    '127.0.0.1',
    '-p',
    String(server.port),
    '-U',
    'postgres',
    '-d',
    database,
  ];
  return execFileSync(join(BIN, 'psql'), [...args, '-c', text], { encoding: 'utf8' }).trim();
}

interface Manifest {
  version: number;
  files: { name: string; bytes: number; sha256: string }[];
  tables: { name: string; rows: number }[];
}

const TABLES: { [name: string]: string } = {
  'public.django_migrations': 'CREATE TABLE django_migrations (id int, name text)',
  'public.shop_order':
    'CREATE TABLE shop_order (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text, twice int GENERATED ALWAYS AS (2) STORED)',
  'tenant_1.Odd "Table"': 'CREATE SCHEMA tenant_1; CREATE TABLE tenant_1."Odd ""Table""" (id int)',
  'public.event_2026':
    "CREATE TABLE event (at date) PARTITION BY RANGE (at); CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
  'public.empty_one': 'CREATE TABLE empty_one (id int)',
};

/** A database, dumped, with its manifest. */
function dumpOf(source: Server, folder: string): Manifest {
  const files = readdirSync(join(folder, 'dump')).map((name) => {
    const content = readFileSync(join(folder, 'dump', name));
    return { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  });
  const tables = Object.keys(TABLES).map((name) => {
    const [schema, table] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
    const rows = Number(sql(source, 'shop', `SELECT count(*) FROM "${schema}"."${table.replaceAll('"', '""')}"`));
    return { name, rows };
  });
  return { version: 1, files, tables };
}

type Change = (folder: string, manifest: Manifest) => void;
const data = (folder: string) =>
  readdirSync(join(folder, 'dump'))
    .filter((name) => name.endsWith('.gz'))
    .map((name) => join(folder, 'dump', name))
    .sort((one, other) => statSync(other).size - statSync(one).size)[0];
const listed = (folder: string, manifest: Manifest) => {
  for (const each of manifest.files) {
    const content = readFileSync(join(folder, 'dump', each.name));
    each.sha256 = createHash('sha256').update(content).digest('hex');
  }
};

/** What may be wrong with a dump, and what is said of it. */
const WRONG: { [what: string]: { readonly change: Change; readonly says: RegExp } } = {
  'a corrupt file': {
    change: (folder) => appendFileSync(data(folder), 'x'),
    says: /\.gz: FAILED\s[\s\S]*a file is not what was uploaded/,
  },
  'a file that was cut short': {
    change: (folder) => truncateSync(data(folder), statSync(data(folder)).size - 10),
    says: /a file is not what was uploaded/,
  },
  'a file that was cut short before it was uploaded': {
    change: (folder, manifest) => {
      truncateSync(data(folder), statSync(data(folder)).size - 40);
      listed(folder, manifest);
    },
    says: /pg_restore: error/,
  },
  'a file that is missing': {
    change: (folder) => rmSync(data(folder)),
    says: /the dump has \d+ files, and its manifest \d+/,
  },
  'an empty dump, with no file': {
    change: (_folder, manifest) => void manifest.files.splice(0),
    says: /the dump is empty/,
  },
  'a dump of an empty database': {
    change: (_folder, manifest) => void manifest.tables.splice(0),
    says: /the dump holds no table/,
  },
  'rows that are not in the dump': {
    change: (_folder, manifest) => {
      manifest.tables[1].rows += 1;
    },
    says: /public\.shop_order: 5000 of 5001 rows\s+tables have other rows/,
  },
  'a table that is not in the dump': {
    change: (_folder, manifest) => void manifest.tables.push({ name: 'public.gone', rows: 0 }),
    says: /public\.gone: no table of 0 rows/,
  },
  'a manifest that was cut short': {
    change: () => undefined,
    says: /the manifest is not whole/,
  },
  'a file elsewhere': {
    change: (_folder, manifest) => {
      manifest.files[0].name = '../../etc/passwd';
    },
    says: /names a file in another folder/,
  },
  'a manifest of another version': {
    change: (_folder, manifest) => {
      manifest.version = 2;
    },
    says: /another version/,
  },
};

async function prove(source: Server, whole: string): Promise<void> {
  const server = await serve(source.folder);
  try {
    cpSync(whole, server.folder, { recursive: true });
    execFileSync('chmod', ['-R', 'a+rwX', server.folder]);
    execFileSync('chmod', ['-R', 'go-rwx', join(server.folder, 'data')]);
    const { status, said } = run(RESTORE, [server.folder, String(server.port), '2', '300']);
    check(
      'a whole dump is restored, and its rows are compared',
      status === 0 && /restored 6006 rows in 5 tables/.test(said),
      said,
    );

    for (const [name, value] of Object.entries({ made: '1', began: '2', key: 'dumps/daily/x' })) {
      writeFileSync(join(server.folder, name), `${value}\n`);
    }
    const settings = (commands: string[][]) =>
      JSON.stringify({
        name: 'Shop/Drill',
        namespace: 'DjangoFargate',
        commands,
        variables: { PGSSLMODE: 'disable', OURS: 'of the stack' },
        aliases: { SECRET_KEY: 'DJANGO_SECRET_KEY', DB_NAME: 'DATABASE_NAME', ABSENT: 'CACHE_URL' },
        database: { DATABASE_HOST: '127.0.0.1', DATABASE_PORT: String(server.port), DATABASE_NAME: 'restored' },
      });
    const asks = [
      [
        'psql',
        '-Atq',
        '-v',
        'ON_ERROR_STOP=1',
        '-h',
        '127.0.0.1',
        '-p',
        String(server.port),
        '-U',
        'postgres',
        '-d',
        'restored',
      ],
      ['-c', 'SELECT count(*) FROM shop_order'],
    ].flat();
    const python = (commands: string[][]) =>
      spawnSync('python3', ['-c', VERIFY, server.folder, settings(commands)], {
        encoding: 'utf8',
        env: { PATH, OURS: 'of the image' },
      });
    const proven = python([asks]);
    const metric = JSON.parse(proven.stdout.trim().split('\n').pop() ?? '{}');
    check(
      'the application looks at it, and the dump is proven in a metric',
      proven.status === 0 &&
        metric.ProvenRows === 6006 &&
        metric.Drill === 'Shop/Drill' &&
        metric.proven === 'dumps/daily/x' &&
        metric._aws.CloudWatchMetrics[0].Metrics.length === 4 &&
        metric.ProvenDumpAgeSeconds > 1e9,
      proven.stdout + proven.stderr,
    );
    const told = python([
      ['sh', '-c', 'test "$OURS $DB_NAME $ABSENT" = "of the stack restored " && test -n "$SECRET_KEY"'],
    ]);
    check('its variables are those of the stack, under every name that it reads', told.status === 0, told.stderr);
    const refused = python([['sh', '-c', 'test -n "$DJANGO_SECRET_KEY" && exit 3']]);
    check(
      'what the application refuses is not proven',
      refused.status === 1 && !refused.stdout.includes('_aws') && /status 3/.test(refused.stderr),
      refused.stderr,
    );

    // A row that somebody has deleted.
    sql(source, 'shop', 'DELETE FROM shop_order WHERE id = 4711');
    const target = { PGHOST: 'localhost', PGPORT: String(source.port), PGUSER: 'postgres', PGDATABASE: 'shop' };
    const copy = COPY.replace('PGSSLMODE=verify-full', 'PGSSLMODE=disable');
    const args = [server.folder, String(server.port), ''];
    const copied = run(copy, args, { ...target, TABLE: 'public.shop_order', WHERE: 'id = 4711' });
    sql(
      source,
      'shop',
      'INSERT INTO shop_order (id, what) OVERRIDING SYSTEM VALUE SELECT id, what FROM restored.shop_order',
    );
    const back = sql(source, 'shop', 'SELECT what FROM shop_order WHERE id = 4711');
    check(
      'one row comes back from a dump',
      copied.status === 0 && back === 'order 4711' && /copied 1 rows/.test(copied.said),
      [copied, back],
    );
    const odd = run(copy, args, { ...target, TABLE: 'tenant_1.Odd "Table"' });
    check(
      'a whole table does, whatever its name',
      odd.status === 0 && /copied 5 rows into restored\."Odd ""Table"""/.test(odd.said),
      odd,
    );
    const again = run(copy, args, { ...target, TABLE: 'public.shop_order' });
    check('a table that was copied is not overwritten', again.status !== 0 && /already exists/.test(again.said), again);
    for (const table of ['', 'public.gone']) {
      const none = run(copy, args, { ...target, TABLE: table });
      check(`no table is copied: "${table}"`, none.status === 1, none);
    }
  } finally {
    await server.stop();
  }
}

async function main(): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'drill-check-'));
  chmodSync(parent, 0o777);
  const source = await serve(parent);
  try {
    sql(source, 'postgres', 'CREATE DATABASE shop');
    sql(source, 'postgres', 'CREATE ROLE shop_serving');
    for (const statement of Object.values(TABLES)) {
      sql(source, 'shop', statement);
    }
    sql(
      source,
      'shop',
      `INSERT INTO django_migrations SELECT i, 'x' FROM generate_series(1, 1000) i;
      INSERT INTO shop_order (what) SELECT 'order ' || i FROM generate_series(1, 5000) i;
      INSERT INTO tenant_1."Odd ""Table""" SELECT generate_series(1, 5); INSERT INTO event VALUES ('2026-05-05');
      GRANT SELECT ON shop_order TO shop_serving; CREATE EXTENSION citext`,
    );
    const whole = join(parent, 'whole');
    mkdirSync(whole);
    execFileSync(join(BIN, 'pg_dump'), [
      '-h',
      '127.0.0.1',
      '-p',
      String(source.port),
      '-U',
      'postgres',
      '-Fd',
      '--compress=6',
      '-f',
      join(whole, 'dump'),
      'shop',
    ]);
    const manifest = dumpOf(source, whole);
    writeFileSync(join(whole, 'manifest.json'), `${JSON.stringify(manifest)}\n`);
    execFileSync('chmod', ['-R', 'a+rX', whole]);
    await prove(source, whole);

    for (const [what, { change, says }] of Object.entries(WRONG)) {
      const server = await serve(parent);
      try {
        cpSync(whole, server.folder, { recursive: true });
        const changed = structuredClone(manifest);
        change(server.folder, changed);
        const text = JSON.stringify(changed);
        writeFileSync(
          join(server.folder, 'manifest.json'),
          what.startsWith('a manifest that was cut') ? text.slice(0, -9) : text,
        );
        execFileSync('chmod', ['-R', 'a+rX', join(server.folder, 'dump'), join(server.folder, 'manifest.json')]);
        const { status, said } = run(RESTORE, [server.folder, String(server.port), '2', '300']);
        check(`${what} fails`, status !== 0 && status !== null && says.test(said), { status, said });
      } finally {
        await server.stop();
      }
    }
    downloads(parent);
  } finally {
    await source.stop();
    rmSync(parent, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** An `aws` that has a bucket in a folder: `s3api list-objects-v2` and `s3 cp`, as the script calls them. */
const AWS = String.raw`#!/bin/sh
case "$1 $2" in
  's3api list-objects-v2') cd "$BUCKET" && find . -name manifest.json | sed 's/^\.\///'; echo None ;;
  's3 cp') from=$BUCKET/$(echo "$3" | cut -d/ -f4-)
    if [ "$5" = --recursive ]; then [ -d "$from" ] || exit 0; cp -r "$from" "$4"; else cp "$from" "$4"; fi ;;
esac
`;

function downloads(parent: string): void {
  const bucket = join(parent, 'bucket');
  const time = (hoursAgo: number) =>
    new Date(Date.now() - hoursAgo * 3_600_000).toISOString().slice(0, 19).replaceAll(':', '-');
  const keys = {
    old: `dumps/monthly/${time(700)}Z`,
    newest: `dumps/daily/${time(5)}Z`,
    before: `dumps/weekly/${time(29)}Z`,
  };
  for (const key of Object.values(keys)) {
    mkdirSync(join(bucket, key, 'dump'), { recursive: true });
    writeFileSync(join(bucket, key, 'dump', 'toc.dat'), key);
    writeFileSync(join(bucket, key, 'manifest.json'), '{}');
  }
  // Not whole: its manifest has not come.
  mkdirSync(join(bucket, `dumps/daily/${time(1)}Z`, 'dump'), { recursive: true });
  const bin = join(parent, 'aws-bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'aws'), AWS, { mode: 0o755 });
  execFileSync('chmod', ['-R', 'a+rX', bucket, bin]);
  const download = (most: number, env: object = {}) => {
    const folder = mkdtempSync(join(parent, 'download-'));
    execFileSync('chown', ['65534:65534', folder]);
    const result = run(DOWNLOAD, [folder, 'bucket', 'eu-central-1', 'dumps', String(most)], {
      PATH: `${bin}${delimiter}${PATH}`,
      BUCKET: bucket,
      ...env,
    });
    const toc = join(folder, 'dump', 'toc.dat');
    return { ...result, toc: result.status === 0 ? readFileSync(toc, 'utf8') : '' };
  };
  const newest = download(6 * 3_600);
  check('the newest whole dump is taken, whatever its tier', newest.toc === keys.newest, newest);
  const named = download(6 * 3_600, { DUMP_KEY: keys.old });
  check('a dump that is named is taken, whatever its age', named.toc === keys.old, named);
  const stale = download(4 * 3_600);
  check('a newest dump that is too old fails', stale.status === 1 && /seconds old/.test(stale.said), stale);
  rmSync(bucket, { recursive: true });
  mkdirSync(bucket);
  const none = download(0);
  check('a bucket without a whole dump fails', none.status === 1 && /no whole dump/.test(none.said), none);
}

main();
