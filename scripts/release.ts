import { execFileSync, spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { cutChangelog, isLater, mayBreak, rewrite, versionsIn, writeVersion } from './lib/release-files';

/**
 * `npm run release -- X.Y.Z`: one version for the npm package, its wheel and django-fargate.
 *
 * Checks what must be true, writes the version, cuts the changelog, shows the difference and takes it back.
 * `-- X.Y.Z --write` keeps it as a commit and a tag. It pushes and publishes nothing.
 */
const ROOT = process.cwd();
const { values, positionals } = parseArgs({ options: { write: { type: 'boolean' } }, allowPositionals: true });
const version = positionals[0] ?? '';

const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();

function main(): void {
  const last = lastRelease();
  refuseUnless(/^\d+\.\d+\.\d+$/.test(version), `a version is X.Y.Z, got "${version}"`);
  refuseUnless(git('status', '--porcelain') === '', 'there are changes that are not committed');
  refuseUnless(last === undefined || isLater(version, last), `${version} is not later than ${last}`);
  const versions = new Set(versionsIn(ROOT).map((each) => each.version));
  refuseUnless(versions.size === 1, `the files disagree about the version: ${[...versions].join(', ')}`);
  compareApi(last);
  try {
    writeFiles();
    process.stdout.write(`${git('diff', '--stat')}\n`);
    if (values.write) {
      git('commit', '--all', '--quiet', '--message', `chore(release): ${version}`);
      git('tag', '--annotate', `v${version}`, '--message', version);
    }
  } finally {
    git('checkout', '--quiet', '--', '.');
  }
  process.stdout.write(
    values.write
      ? `v${version} is committed and tagged. Next: .ci/run, git push --follow-tags, npm publish, the wheels.\n`
      : `Nothing was kept. Run it again with --write to commit and tag v${version}.\n`,
  );
}

/** The newest tag of a version that this commit descends from. */
function lastRelease(): string | undefined {
  const [tag] = git('tag', '--list', 'v*', '--merged', 'HEAD', '--sort=-version:refname').split('\n');
  return tag?.slice(1) || undefined;
}

function compareApi(last: string | undefined): void {
  if (last === undefined) {
    process.stdout.write('No release before this one: there is no API to compare with.\n');
    return;
  }
  const { status } = spawnSync('npm', ['run', '--silent', 'api-diff', '--', `v${last}`], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  refuseUnless(status === 0 || status === 1, `the API could not be compared with that of v${last}`);
  refuseUnless(status === 0 || mayBreak(last, version), `the API breaks, which ${last} to ${version} does not allow`);
}

function writeFiles(): void {
  writeVersion(ROOT, version);
  const date = new Date().toISOString().slice(0, 10);
  rewrite('CHANGELOG.md', (text) => cutChangelog(text, version, date));
}

function refuseUnless(condition: boolean, problem: string): asserts condition {
  if (!condition) {
    throw new Error(problem);
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`release: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
