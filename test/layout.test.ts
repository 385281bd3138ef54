import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const root = join(__dirname, '..');
const CONFIGURATION = join(root, '.dependency-cruiser.js');
const MOST_FILES = 15;

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

/** What dependency-cruiser finds in a tree: `rule: from → to`. */
function violations(tree: string, folders: string[]): { found: string[]; modules: number } {
  const program = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const given = [program, '--config', CONFIGURATION, '--output-type', 'json', ...folders];
  const { stdout } = spawnSync(process.execPath, given, { cwd: tree, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const { summary } = JSON.parse(stdout);
  const found = summary.violations.map(({ rule, from, to }: Violation) => {
    return `${rule.name}: ${from} → ${to.replace(/^.*node_modules\/([^/]+)\/.*$/, '$1')}`;
  });
  return { found, modules: summary.totalCruised };
}

/** Files in cycles of imports by values, as our linter finds them. */
function filesInCycles(tree: string): string[] {
  const program = join(root, 'node_modules', '.bin', 'biome');
  copyFileSync(join(root, 'biome.json'), join(tree, 'biome.json'));
  const given = ['lint', '--only=suspicious/noImportCycles', '--reporter=github', 'constructs'];
  const { stdout, stderr } = spawnSync(program, given, { cwd: tree, encoding: 'utf8' });
  const found = [...`${stdout}${stderr}`.matchAll(/noImportCycles,file=([^,]+)/g)].map(([, file]) => file);
  return [...new Set(found.map((file) => relative(tree, resolve(tree, file))))].sort();
}

/** Folders below constructs/ with too many files, and folders inside a private/. */
function crowded(tree: string, most = MOST_FILES): string[] {
  const walk = (folder: string): string[] => {
    const entries = readdirSync(join(tree, folder), { withFileTypes: true });
    const files = entries.filter((entry) => entry.name.endsWith('.ts')).length;
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${folder}/${name}`);
    const nested = folder.endsWith('/private') ? folders.map((inside) => `${inside}: inside a private/`) : [];
    return [...(files > most ? [`${folder}: ${files} files`] : []), ...nested, ...folders.flatMap(walk)];
  };
  return walk('constructs');
}

function plant(files: { [path: string]: string }): string {
  const tree = realpathSync(mkdtempSync(join(tmpdir(), 'layout-')));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

describe('the sources', () => {
  test('import in one direction, and nothing from the private folder of another room', () => {
    const { found, modules } = violations(root, ['bin', 'cli', 'lib', 'constructs', 'rehearsal']);
    expect(found).toEqual([]);
    expect(modules).toBeGreaterThan(150);
  }, 60_000);

  test('have a rule for every room', () => {
    const { forbidden }: { forbidden: { name: string }[] } = require(CONFIGURATION);
    const ruled = forbidden.flatMap(({ name }) => /^(.+)-imports-lower-rooms-only$/.exec(name)?.[1] ?? []);
    const rooms = readdirSync(join(root, 'constructs'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(rooms.map(({ name }) => name).sort()).toEqual(ruled.sort());
  });

  test(`hold at most ${MOST_FILES} files in a folder`, () => {
    expect(crowded(root)).toEqual([]);
  });

  test('have no empty file but the markers of Python, so that none is committed that a program has left', () => {
    const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
    const files = stdout.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
    const isMarker = (file: string) => /(^|\/)(__init__\.py|py\.typed)$/.test(file);
    expect(files.length).toBeGreaterThan(1000);
    expect(files.filter((file) => statSync(join(root, file)).size === 0 && !isMarker(file))).toEqual([]);
  });
});

describe('a planted', () => {
  const value = (path: string) => `import { x } from '${path}';\nexport const y = x;\n`;
  const type = (path: string) => `import type { T } from '${path}';\nexport interface T2 extends T {}\n`;
  const x = 'export const x = 1;\nexport interface T {}\n';
  const tree = plant({
    // What is allowed.
    'lib/index.ts': value('../constructs/application/app'),
    'constructs/application/app.ts': `${value('../core/checks')}${x}`,
    'constructs/monitoring/alarms.ts': `${value('./private/table')}${x}`,
    'constructs/monitoring/private/table.ts': x,
    'constructs/core/checks.ts': x,
    'constructs/database/props.ts': `${type('./private/props-checks')}${x}`,
    'constructs/database/private/props-checks.ts': `import { type T as P, type T as Q } from '../props';\n${x}export type R = P | Q;\n`,
    // What is not.
    'constructs/core/upward.ts': value('../monitoring/alarms'),
    'constructs/core/upward-by-type.ts': type('../monitoring/alarms'),
    'constructs/processes/beside.ts': value('../backup/vault'),
    'constructs/backup/vault.ts': x,
    'constructs/application/foreign.ts': value('../monitoring/private/table'),
    'constructs/queues/out.ts': value('../../lib/index'),
    'constructs/handlers/release/index.ts': "import { Duration } from 'aws-cdk-lib';\nexport const d = Duration;\n",
    'lib/reaching-in.ts': value('../constructs/monitoring/private/table'),
    'lib/down.ts': value('../bin/app'),
    'bin/app.ts': `${value('../constructs/core/checks')}${x}`,
    'rehearsal/run.ts': value('../lib/index'),
    'rehearsal/bin.ts': value('./cli'),
    'rehearsal/cli.ts': `${value('./synth')}${x}`,
    'rehearsal/synth.ts': x,
    'cli/rehearse.ts': value('../rehearsal/synth'),
    'constructs/edge/one.ts': `${value('./two')}${x}`,
    'constructs/edge/two.ts': `${value('./three')}${x}`,
    'constructs/edge/three.ts': `${value('./one')}${type('./two')}${x}`,
    'constructs/network/private/deep/inside.ts': x,
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  test('import the wrong way is found, each by its rule, and nothing else', () => {
    const { found } = violations(tree, ['bin', 'cli', 'lib', 'constructs', 'rehearsal']);
    expect(found.sort()).toEqual(
      [
        'core-imports-lower-rooms-only: constructs/core/upward.ts → constructs/monitoring/alarms.ts',
        'core-imports-lower-rooms-only: constructs/core/upward-by-type.ts → constructs/monitoring/alarms.ts',
        'processes-imports-lower-rooms-only: constructs/processes/beside.ts → constructs/backup/vault.ts',
        'no-foreign-private: constructs/application/foreign.ts → constructs/monitoring/private/table.ts',
        'constructs-import-nothing-above: constructs/queues/out.ts → lib/index.ts',
        'handlers-know-no-cdk: constructs/handlers/release/index.ts → aws-cdk-lib',
        'private-is-for-rooms: lib/reaching-in.ts → constructs/monitoring/private/table.ts',
        'lib-imports-constructs-only: lib/down.ts → bin/app.ts',
        'bin-imports-lib: bin/app.ts → constructs/core/checks.ts',
        'rehearsal-imports-nothing-of-ours: rehearsal/run.ts → lib/index.ts',
        'the-package-needs-no-clone: rehearsal/bin.ts → rehearsal/synth.ts',
        'cli-imports-nothing-of-ours: cli/rehearse.ts → rehearsal/synth.ts',
      ].sort(),
    );
  }, 60_000);

  test('cycle of values is found, and a pair that knows each other by types is not', () => {
    expect(filesInCycles(tree)).toEqual(['one', 'three', 'two'].map((name) => `constructs/edge/${name}.ts`));
  });

  test('crowded folder is found, and a folder inside a private one', () => {
    expect(crowded(tree)).toEqual(['constructs/network/private/deep: inside a private/']);
    expect(crowded(tree, 2)).toContain('constructs/core: 3 files');
  });
});
