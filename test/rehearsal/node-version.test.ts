import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { whyWrongNode } from '../../rehearsal/node-version';
import manifest from '../../rehearsal/package.json';

test.each(['20.19.0', '20.20.2', '22.12.0', '22.13.1', '23.0.0', '24.1.0', '26.0.0'])(
  'Node.js %s is taken',
  (version) => {
    expect(whyWrongNode(version)).toBeUndefined();
  },
);

test.each(['12.22.0', '18.20.8', '20.0.0', '20.18.3', '21.7.3', '22.0.0', '22.11.0'])(
  'Node.js %s is refused',
  (version) => {
    expect(whyWrongNode(version)).toBe(
      `the rehearsal needs Node.js 20.19 (or later of 20), or 22.12 or later, and this is ${version}. Install one of them, for example by \`nvm install 22\`, and start the command again.`,
    );
  },
);

test('these are the releases that the package names', () => {
  expect(manifest.engines.node).toBe('^20.19.0 || >=22.12.0');
});

describe('a command with an older Node.js', () => {
  let folder: string;
  let older: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'older-'));
    older = path.join(folder, 'older.cjs');
    // As Node.js 20.18 answers `require` of a module of ECMAScript.
    writeFileSync(
      older,
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } });
      const Module = require('node:module');
      const load = Module._load;
      Module._load = (name, ...others) => {
        if (['chokidar', 'selfsigned', 'httpxy', 'croner'].includes(name)) {
          throw Object.assign(new Error('require() of ES Module ' + name), { code: 'ERR_REQUIRE_ESM' });
        }
        return load(name, ...others);
      };`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(['bin.ts', 'start.ts', 'load.ts', 'mutations.ts'])('%s says which one it needs', (file) => {
    const command = path.join(__dirname, '../../rehearsal', file);
    const given = ['--require', older, '--import', 'tsx', command, '--help'];
    const { status, stdout, stderr } = spawnSync(process.execPath, given, { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([77, '', `not runnable here: ${whyWrongNode('20.18.3')}\n`]);
  });
});
