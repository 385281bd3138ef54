import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `npm run api-diff [-- TAG]`: what has changed in the public API since a tag, by default the newest one.
 *
 * Exit code 1 means that a change breaks code of users, 2 that one of the two does not compile.
 * "experimental" in package.json excuses nothing.
 */
const ROOT = join(__dirname, '..');
const tool = (cwd: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'scripts', 'quiet-node.js'), ...args], { cwd, stdio: 'inherit' }).status;

const tag =
  process.argv[2] ?? execFileSync('git', ['describe', '--tags', '--abbrev=0'], { cwd: ROOT }).toString().trim();
const before = mkdtempSync(join(tmpdir(), 'api-'));
try {
  execFileSync('git', ['worktree', 'add', '--quiet', '--detach', before, tag], { cwd: ROOT });
  symlinkSync(join(ROOT, 'node_modules'), join(before, 'node_modules'));
  if ([before, ROOT].some((folder) => tool(folder, 'jsii') !== 0)) {
    process.exitCode = 2;
  } else if (tool(ROOT, 'jsii-diff', before, ROOT, '--error-on', 'all') !== 0) {
    process.exitCode = 1;
  }
} finally {
  execFileSync('git', ['worktree', 'remove', '--force', before], { cwd: ROOT });
  rmSync(before, { recursive: true, force: true });
}
