// Compiles the package cdk-django-fargate-rehearsal into rehearsal/dist/: a JavaScript file for each TypeScript
// file that its command reaches, with its comments, and beside them the files that are read or run as they are.
// `npm start` and the other commands of a clone are not reached, and so not in the package.
const { spawnSync } = require('node:child_process');
const { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const sources = path.join(root, 'rehearsal');

/** Folders of rehearsal/ with code, and files in them that are no TypeScript: shell, Python, lists of packages. */
function assets() {
  const files = readdirSync(sources, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(sources, path.join(entry.parentPath ?? entry.path, entry.name)));
  const outside = /^(dist|node_modules)\/|__pycache__|\.pyc$|\.ts$/;
  return files.filter((file) => file.includes('/') && !outside.test(file)).sort();
}

/** Writes the compiled package into a folder. */
function buildRehearsal(target = path.join(sources, 'dist')) {
  rmSync(target, { recursive: true, force: true });
  const compiler = path.join(root, 'node_modules', 'tsnative', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', sources, '--outDir', target], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(stdout);
  }
  for (const file of assets()) {
    mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    copyFileSync(path.join(sources, file), path.join(target, file));
  }
  chmodSync(path.join(target, 'bin.js'), 0o755);
}

if (require.main === module) {
  buildRehearsal();
  copyFileSync(path.join(root, 'LICENSE'), path.join(sources, 'LICENSE'));
}

module.exports = { assets, buildRehearsal };
