import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '..');
const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'determinism-')));
afterAll(() => rmSync(temporary, { recursive: true }));

/** One synthesis of the production example in a process of its own. */
interface Synthesis {
  readonly timeZone: string;
  readonly locale: string;
  readonly folder: string;
  /** Content of every template and manifest, and the name of every asset. */
  readonly files: { [path: string]: string | undefined };
}

async function synthesize(name: string, TZ: string, locale: string): Promise<Synthesis> {
  const cwd = join(temporary, name);
  const outdir = join(cwd, 'out');
  mkdirSync(cwd);
  const loader = require.resolve('tsx');
  const child = join(ROOT, 'test', 'determinism', 'synthesize.ts');
  const env = { ...process.env, CDK_CONTEXT_JSON: '{}', CDK_VALIDATION: 'false', TZ, LANG: locale, LC_ALL: locale };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=source', '--import', loader, child, outdir],
    { cwd, env },
  );
  return { ...JSON.parse(stdout), files: contentOf(outdir) };
}

function contentOf(outdir: string): { [path: string]: string | undefined } {
  const names = readdirSync(outdir).sort();
  return Object.fromEntries(
    names.map((name) => [name, name.endsWith('.json') ? readFileSync(join(outdir, name), 'utf8') : undefined]),
  );
}

test('two syntheses in other folders, time zones and languages are the same, byte for byte', async () => {
  const [one, other] = await Promise.all([
    synthesize('one', 'Pacific/Kiritimati', 'tr_TR.UTF-8'),
    synthesize('another one', 'America/Anchorage', 'sv_SE.UTF-8'),
  ]);
  expect([one.timeZone, one.locale, one.folder]).toEqual(['Pacific/Kiritimati', 'tr-TR', join(temporary, 'one')]);
  expect([other.timeZone, other.locale, other.folder]).toEqual([
    'America/Anchorage',
    'sv-SE',
    join(temporary, 'another one'),
  ]);

  const names = Object.keys(one.files);
  expect(names).toEqual(expect.arrayContaining(['Shop.template.json', 'Shop.assets.json', 'manifest.json']));
  expect(names.filter((name) => name.startsWith('asset.')).length).toBeGreaterThanOrEqual(2);
  expect(Object.keys(other.files)).toEqual(names);
  for (const name of names) {
    expect([name, other.files[name] === one.files[name]]).toEqual([name, true]);
  }
}, 30_000);
