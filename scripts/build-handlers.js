// Bundles every Lambda handler of constructs/handlers/ into assets/, so that nobody needs esbuild or Docker to synthesize.
const { readdirSync, existsSync, rmSync } = require('node:fs');
const path = require('node:path');
const { buildSync } = require('esbuild');

const root = path.join(__dirname, '..');
const sources = path.join(root, 'constructs', 'handlers');
const names = readdirSync(sources).filter((name) => existsSync(path.join(sources, name, 'index.ts')));

rmSync(path.join(root, 'assets'), { recursive: true, force: true });
for (const name of names) {
  buildSync({
    absWorkingDir: root,
    entryPoints: [path.join(sources, name, 'index.ts')],
    outfile: path.join(root, 'assets', name, 'index.js'),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node22',
    mainFields: ['module', 'main'],
    external: ['pg-native'],
    legalComments: 'none',
    logLevel: 'warning',
  });
}
process.stdout.write(`bundled ${names.length} handlers into assets/\n`);
