import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cutChangelog, isLater, mayBreak, versionsIn } from '../scripts/lib/release-files';

const ROOT = join(__dirname, '..');

test('the npm packages, the lock file, django-fargate and the links to the runbooks have one version', () => {
  const versions = versionsIn(ROOT);
  expect(versions.map(({ file }) => file)).toEqual([
    'package.json',
    'package-lock.json',
    'package-lock.json',
    'package-lock.json',
    'rehearsal/package.json',
    'runtime/pyproject.toml',
    'runtime/django_fargate/__init__.py',
    'constructs/core/runbook.ts',
  ]);
  expect(new Set(versions.map(({ version }) => version)).size).toBe(1);
});

test.each([
  ['0.9.0', '0.10.0', true, true],
  ['0.9.0', '0.9.1', true, false],
  ['1.2.3', '1.3.0', true, false],
  ['1.2.3', '2.0.0', true, true],
  ['0.10.0', '0.9.9', false, false],
  ['1.2.3', '1.2.3', false, false],
])('from %s to %s: is later %s, may break the API %s', (last, next, later, breaks) => {
  expect(isLater(next, last)).toBe(later);
  expect(mayBreak(last, next)).toBe(breaks);
});

test('the changelog is cut below "Unreleased", and only when there is something', () => {
  const changelog = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- New.\n\n## [0.1.0] - 2026-11-01\n\n- Old.\n';
  expect(cutChangelog(changelog, '0.2.0', '2026-12-01')).toBe(
    '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- New.\n\n## [0.1.0] - 2026-11-01\n\n- Old.\n',
  );
  expect(() => cutChangelog(changelog.replace('- New.', ''), '0.2.0', '2026-12-01')).toThrow('nothing below');
});

describe('npm run release, in a repository with the same files', () => {
  let repository: string;
  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
  const read = (file: string) => readFileSync(join(repository, file), 'utf8');

  /** `api-diff` is what the release asks about the API; here it answers with an exit code. */
  function commit(files: Record<string, string>): void {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(repository, file)), { recursive: true });
      writeFileSync(join(repository, file), text);
    }
    git('add', '--all');
    git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--allow-empty', '--quiet', '--message', 'x');
  }
  const manifest = (version: string, apiDiff: number) =>
    `${JSON.stringify({ name: 'a', version, scripts: { 'api-diff': `exit ${apiDiff}` } }, null, 2)}\n`;

  function release(...args: string[]) {
    const tsx = join(ROOT, 'node_modules', '.bin', 'tsx');
    const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com' };
    const env = { ...process.env, ...identity, GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' };
    const script = join(ROOT, 'scripts', 'release.ts');
    const { status, stdout, stderr } = spawnSync(tsx, [script, ...args], { cwd: repository, env, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  beforeEach(() => {
    repository = mkdtempSync(join(tmpdir(), 'release-'));
    git('init', '--quiet');
    commit({
      'package.json': manifest('0.1.0', 1),
      'package-lock.json': `${JSON.stringify({ name: 'a', version: '0.1.0', packages: { '': { name: 'a', version: '0.1.0' }, rehearsal: { name: 'b', version: '0.1.0' } } }, null, 2)}\n`,
      'rehearsal/package.json': manifest('0.1.0', 0),
      'runtime/pyproject.toml': '[project]\nname = "a"\nversion = "0.1.0"\n',
      'runtime/django_fargate/__init__.py': '__version__ = "0.1.0"\n',
      'CHANGELOG.md': '# Changelog\n\n## [Unreleased]\n\n- New.\n',
      'constructs/core/runbook.ts': "export const VERSION = '0.1.0';\n",
    });
  });
  afterEach(() => rmSync(repository, { recursive: true }));

  test('says what it would do and leaves everything as it was', () => {
    const { status, output } = release('0.2.0');
    expect(output).toContain('runtime/pyproject.toml');
    expect(output).toContain('Nothing was kept');
    expect([status, git('status', '--porcelain'), git('tag')]).toEqual([0, '', '']);
  });

  test('with --write, one commit has version and changelog, and a tag names it', () => {
    expect(release('0.2.0', '--write').status).toBe(0);
    expect(new Set(versionsIn(repository).map(({ version }) => version))).toEqual(new Set(['0.2.0']));
    expect(read('CHANGELOG.md')).toMatch(/## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n\n- New\./);
    expect(read('constructs/core/runbook.ts')).toBe("export const VERSION = '0.2.0';\n");
    expect(git('describe', '--tags')).toBe('v0.2.0');
    expect(git('status', '--porcelain')).toBe('');
  });

  test('after a release, a change that breaks the API needs the version that may break it', () => {
    release('0.2.0', '--write');
    commit({ 'CHANGELOG.md': read('CHANGELOG.md').replace('## [Unreleased]', '## [Unreleased]\n\n- Broken.') });
    expect(release('0.2.1').output).toContain('the API breaks, which 0.2.0 to 0.2.1 does not allow');
    expect(release('0.3.0', '--write').status).toBe(0);
    commit({ 'package.json': manifest('0.3.0', 2), 'CHANGELOG.md': '## [Unreleased]\n\n- More.\n' });
    expect(release('0.4.0').output).toContain('the API could not be compared with that of v0.3.0');
  });

  test.each([
    ['no version', [], {}, 'a version is X.Y.Z, got ""'],
    [
      'files that disagree',
      ['0.2.0'],
      { 'package.json': manifest('0.1.1', 0) },
      'disagree about the version: 0.1.1, 0.1.0',
    ],
    ['an empty changelog', ['0.2.0'], { 'CHANGELOG.md': '## [Unreleased]\n' }, 'nothing below'],
    ['a version that is gone', ['0.2.0'], { 'constructs/core/runbook.ts': '\n' }, 'runbook.ts says no version'],
  ])('refuses %s, and takes back what it wrote', (_, args, files, problem) => {
    commit(files);
    const { status, output } = release(...args, '--write');
    expect(output).toContain(problem);
    expect([status, git('status', '--porcelain'), git('tag')]).toEqual([1, '', '']);
  });

  test('refuses to release beside changes that are not committed, and touches none of them', () => {
    writeFileSync(join(repository, 'CHANGELOG.md'), 'mine');
    expect(release('0.2.0', '--write').output).toContain('there are changes that are not committed');
    expect(read('CHANGELOG.md')).toBe('mine');
  });
});
