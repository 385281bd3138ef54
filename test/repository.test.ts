import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(__dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const manifest = JSON.parse(read('package.json'));

interface Job {
  readonly permissions?: object;
  readonly strategy?: { readonly matrix: { readonly node: string[] } };
  readonly steps: { readonly uses?: string; readonly run?: string; readonly with?: Record<string, unknown> }[];
}

describe('the workflow', () => {
  const { permissions, jobs }: { permissions: object; jobs: Record<string, Job> } = parse(
    read('.github/workflows/ci.yml'),
  );
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  test('may read the repository and nothing else, and leaves no token behind', () => {
    expect(permissions).toEqual({ contents: 'read' });
    expect(Object.values(jobs).filter((job) => job.permissions !== undefined)).toEqual([]);
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.map((step) => step.with?.['persist-credentials'])).toEqual(checkouts.map(() => false));
  });

  test('uses actions by the hash of a commit', () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((action) => !/^actions\/[\w-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  test('runs .ci/run on the oldest Node.js that the package allows, which is that of .nvmrc, and on newer ones', () => {
    expect(jobs.checks.steps.at(-1)?.run).toBe('.ci/run');
    const [oldest, ...newer] = jobs.checks.strategy?.matrix.node ?? [];
    expect(manifest.engines.node).toBe(`>= ${oldest}.0.0`);
    expect(read('.nvmrc').trim()).toBe(oldest);
    expect(newer).toEqual(['22', '24']);
  });

  test('asks for advisories of every file that pins packages of Python', () => {
    const commands = jobs.advisories.steps.map(({ run }) => run).join('\n');
    const folders = [
      'rehearsal/aws',
      ...readdirSync(join(ROOT, 'examples')).flatMap((name) => below(`examples/${name}`)),
    ];
    // That of examples/python has ranges for the reader to resolve.
    const pinned = folders
      .flatMap((folder) => ['requirements.txt', 'requirements-build.txt'].map((name) => `${folder}/${name}`))
      .filter((file) => existsSync(join(ROOT, file)) && read(file).includes('=='));
    expect(pinned.length).toBeGreaterThan(3);
    expect(pinned.filter((file) => !commands.includes(file))).toEqual([]);
    expect(commands).toContain('npm audit');
  });
});

test('hooks before a commit call scripts of package.json and nothing else', () => {
  const { repos } = parse(read('.pre-commit-config.yaml'));
  const hooks = repos.flatMap((repo: { repo: string; hooks: { entry: string; language: string }[] }) =>
    repo.hooks.map(({ entry, language }) => ({ from: repo.repo, language, entry })),
  );
  expect(hooks.length).toBeGreaterThan(0);
  for (const { from, language, entry } of hooks) {
    expect({ from, language }).toEqual({ from: 'local', language: 'system' });
    const [, script] = /^npm run --silent ([\w:]+)$/.exec(entry) ?? [];
    expect(Object.keys(manifest.scripts)).toContain(script);
  }
});

test('updates of dependencies are asked for wherever something is pinned', () => {
  const { updates } = parse(read('.github/dependabot.yml'));
  const folders = new Map<string, string[]>(
    updates.map((update: { 'package-ecosystem': string; directory?: string; directories?: string[] }) => [
      update['package-ecosystem'],
      update.directories ?? [update.directory],
    ]),
  );
  const has = (file: string) => (folder: string) => existsSync(join(ROOT, folder, file));
  const all = ['/.devcontainer', '/runtime', '/rehearsal/aws', ...readdirSync(join(ROOT, 'examples')).flatMap(example)];
  expect([...(folders.get('docker') ?? [])].sort()).toEqual(all.filter(has('Dockerfile')).sort());
  const python = all.filter((folder) => has('pyproject.toml')(folder) || pins(folder));
  expect([...(folders.get('pip') ?? [])].sort()).toEqual(python.sort());
  expect(folders.get('npm')).toEqual(['/']);
  expect(folders.get('github-actions')).toEqual(['/']);
});

test('examples install Python packages by hash, and every one of them has some', () => {
  for (const folder of ['examples/django-app', 'examples/minimal/app']) {
    const dockerfile = read(`${folder}/Dockerfile`);
    const installed = [...dockerfile.matchAll(/pip install ([^&\n]*)/g)].map(([, options]) => options);
    const withRequirements = installed.filter((options) => options.includes('--requirement'));
    expect(withRequirements.length).toBeGreaterThan(0);
    expect(withRequirements.filter((options) => !options.includes('--require-hashes'))).toEqual([]);
    for (const options of installed.filter((one) => !withRequirements.includes(one))) {
      expect(options).toMatch(/--no-deps --no-build-isolation \.\//);
    }
    const files = withRequirements.map((options) => /--requirement (\S+)/.exec(options)?.[1] ?? '');
    for (const entry of files.flatMap((file) => read(`${folder}/${file}`).split(/\n(?=[a-z])/))) {
      expect(entry).toMatch(/^(#|[\w.-]+==\S+[^\n]*\\\n +--hash=sha256:[0-9a-f]{64})/);
    }
  }
});

test('a report of a bug asks for versions and for the output of cdk synth', () => {
  const { body } = parse(read('.github/ISSUE_TEMPLATE/bug.yml'));
  const required = body.filter((field: { validations?: { required: boolean } }) => field.validations?.required);
  expect(required.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(['versions', 'synth']));
  expect(read('.github/PULL_REQUEST_TEMPLATE.md')).toContain('Are logical ids unchanged?');
});

/** A folder and the application in it, if it has one. */
function below(folder: string): string[] {
  return [folder, `${folder}/app`];
}

function example(name: string): string[] {
  return below(`/examples/${name}`);
}

function pins(folder: string): boolean {
  const file = join(ROOT, folder, 'requirements.txt');
  return existsSync(file) && readFileSync(file, 'utf8').includes('==');
}
