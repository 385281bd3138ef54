import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { version } from '../../package.json';
import { packages as locked } from '../../package-lock.json';
import manifest from '../../rehearsal/package.json';
import { assets, buildRehearsal, modules, packedFiles } from '../../scripts/build-rehearsal';

const SOURCES = path.join(__dirname, '..', '..', 'rehearsal');

/** How a module names a file: `path.join(__dirname, '..', 'browser', 'page.js')`. */
const NAMED = /path\.join\(__dirname((?:, '[^']+')+)\)/g;

/** The files that a module names, below rehearsal/. */
function named(file: string): string[] {
  const text = readFileSync(path.join(SOURCES, file), 'utf8');
  return [...text.matchAll(NAMED)].map(([, words]) =>
    path.join(path.dirname(file), ...[...words.matchAll(/'([^']+)'/g)].map(([, word]) => word)),
  );
}

test('the package has the version of the library, and its dependencies are those of the lock file', () => {
  expect(manifest.version).toBe(version);
  const versions = Object.keys(manifest.dependencies).map((name) => [
    name,
    (locked as Record<string, { version?: string }>)[`node_modules/${name}`]?.version,
  ]);
  expect(Object.fromEntries(versions)).toEqual(manifest.dependencies);
});

test('the package has every file that its modules read or run, and no module names one outside of it', () => {
  const files = modules().flatMap(named);
  expect(files.length).toBeGreaterThanOrEqual(7);
  expect(files.filter((file) => !assets().includes(file))).toEqual([]);
});

test('modules that name files in another way look beside themselves, or for packages that are installed', () => {
  const others = modules().filter((file) => {
    const text = readFileSync(path.join(SOURCES, file), 'utf8');
    return text.replaceAll(NAMED, '').includes('__dirname');
  });
  expect(others.sort()).toEqual(['image/keys.ts', 'image/view.ts', 'postgres/postgres-binaries.ts']);
});

test('what a clone alone can do is not in the package', () => {
  expect(modules()).toContain('bin.ts');
  expect(packedFiles().filter((file) => /^dist\/(start|synth|steady|mutations|load)\b/.test(file))).toEqual([]);
});

describe('compiled, in a folder of its own', () => {
  let folder: string;
  let shop: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'rehearsal-'));
    shop = path.join(folder, 'shop');
    mkdirSync(shop);
    buildRehearsal(path.join(folder, 'package', 'dist'));
    symlinkSync(path.join(SOURCES, '..', 'node_modules'), path.join(folder, 'node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function rehearse(...options: string[]) {
    const program = path.join(folder, 'package', manifest.bin['cdk-django-fargate-rehearsal']);
    const env = { ...process.env, XDG_CACHE_HOME: path.join(folder, 'cache') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...options], {
      cwd: shop,
      env,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  test('it has the files of the package, readable as they were written', () => {
    const made = packedFiles().filter((file) => file.startsWith('dist/'));
    expect(made.filter((file) => !existsSync(path.join(folder, 'package', file)))).toEqual([]);
    expect(readFileSync(path.join(folder, 'package/dist/view/session.js'), 'utf8')).toContain(
      '/** Rehearses until Ctrl-C',
    );
  });

  test('plain Node runs it, and its help is that of npx', () => {
    const { status, stdout, stderr } = rehearse('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^npx cdk-django-fargate rehearse \[options\]/);
    expect(stdout).not.toContain('--hosts');
    expect(stdout).not.toContain('--cdn');
  });

  test.each([
    [['--hosts'], '--hosts needs a clone of the repository'],
    [['--cdn'], '--cdn needs a clone of the repository'],
    [['--hosts', '--cdn'], '--hosts and --cdn are about two stacks'],
  ])('%j is refused', (options, words) => {
    const { status, stderr } = rehearse('--check', ...options);
    expect(status).toBe(1);
    expect(stderr).toContain(words);
  });

  test('without a cloud assembly it says how to make one', () => {
    const { status, stderr } = rehearse('--check');
    expect(status).toBe(1);
    expect(stderr).toContain(
      `there is no cloud assembly in ${path.join(shop, 'cdk.out')}. Run \`npx cdk synth\` first`,
    );
  });

  test('the folder that cdk.json gives the CDK is where it looks', () => {
    writeFileSync(path.join(shop, 'cdk.json'), JSON.stringify({ app: 'node app.js', output: 'build/assembly' }));
    mkdirSync(path.join(shop, 'build', 'assembly'), { recursive: true });
    writeFileSync(path.join(shop, 'build', 'assembly', 'manifest.json'), JSON.stringify({ artifacts: {} }));
    expect(rehearse('--check').stderr).toContain(
      `no stack of ${path.join(shop, 'build', 'assembly')} has an ECS task definition`,
    );
  });
});
