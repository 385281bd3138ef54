/**
 * Writes API.md, the reference of every public name, from the assembly that `npm run build` leaves behind.
 *
 * It has a chapter for each room of lib/index.ts. The command of jsii-docgen searches node_modules through
 * our own link in it, which takes minutes. Here it gets the few assemblies that it needs.
 */
const { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');

process.env.JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = '1'; // before jsii is loaded
const { Documentation, Language } = require('jsii-docgen');
const { byRoom, roomsOf } = require('./lib/api-rooms.js');

const root = path.join(__dirname, '..');

async function main() {
  const { name, dependencyClosure } = JSON.parse(readFileSync(path.join(root, '.jsii'), 'utf8'));
  const assemblies = mkdtempSync(path.join(tmpdir(), 'assemblies-'));
  try {
    copyAssembly(root, path.join(assemblies, name));
    for (const dependency of Object.keys(dependencyClosure)) {
      copyAssembly(path.join(root, 'node_modules', dependency), path.join(assemblies, dependency));
    }
    const documentation = await Documentation.forAssembly(name, assemblies);
    const markdown = await documentation.toMarkdown({ language: Language.TYPESCRIPT, allSubmodules: true });
    const rooms = roomsOf(readFileSync(path.join(root, 'lib', 'index.ts'), 'utf8'));
    writeFileSync(path.join(root, 'API.md'), byRoom(markdown.render(), rooms));
    process.stdout.write('wrote API.md\n');
  } finally {
    rmSync(assemblies, { recursive: true });
  }
}

function copyAssembly(from, to) {
  mkdirSync(to, { recursive: true });
  for (const file of ['.jsii', '.jsii.gz', 'package.json'].filter((each) => existsSync(path.join(from, each)))) {
    copyFileSync(path.join(from, file), path.join(to, file));
  }
}

main();
