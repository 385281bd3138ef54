import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { billOfMaterials, notice, packagesOf } = require('../scripts/bundled-packages.js');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bundled-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Makes a package that a bundle takes a file from; returns the path of that file. */
function planted(folder: string, files: Record<string, string>): string {
  mkdirSync(join(root, folder), { recursive: true });
  const name = /(@[^/]+\/)?[^/]+$/.exec(folder)?.[0];
  writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ name, version: '1.2.3', license: 'MIT' }));
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(root, folder, file), text);
  }
  return `${folder}/lib/index.js`;
}

const bundle = (...inputs: string[]) => [
  { outputs: { 'assets/a/index.js': { inputs: Object.fromEntries(inputs.map((input) => [input, {}])) } } },
];

test('a package inside another, and one with a scope, are found by the path of their file', () => {
  const inner = planted('node_modules/a/node_modules/@s/b', { LICENSE: 'text of b' });
  const outer = planted('node_modules/c', { LICENSE: 'text of c' });
  const packages = packagesOf(bundle(inner, outer, 'constructs/handlers/a/index.ts'), root);
  expect(packages.map(({ id }: { id: string }) => id)).toEqual(['@s/b 1.2.3', 'c 1.2.3']);
});

test('packages of one text share it, and a notice file goes with its licence', () => {
  const files = ['a', 'b'].map((name) => planted(`node_modules/${name}`, { LICENSE: 'Shared\n' }));
  files.push(planted('node_modules/c', { 'LICENSE.md': 'Own', NOTICE: 'By C.' }));
  const text = notice(packagesOf(bundle(...files), root));
  expect(text.match(/Shared/g)).toHaveLength(1);
  expect(text).toContain('a 1.2.3 (MIT)\nb 1.2.3 (MIT)\n');
  expect(text).toContain('Own\n\nBy C.\n');
});

test('a licence at the end of a README counts, a package without any text fails the build', () => {
  const readme = planted('node_modules/a', { 'README.md': '# a\n\nUse it.\n\n## License\n\nCopyright A\n' });
  expect(packagesOf(bundle(readme), root)[0].text).toBe('Copyright A');
  const bare = planted('node_modules/b', { 'README.md': '# b\n' });
  expect(() => packagesOf(bundle(bare), root)).toThrow('b 1.2.3 is bundled, but does not say its licence');
});

test('the bill of materials has package URLs and licences, and neither time nor serial number', () => {
  const file = planted('node_modules/@s/b', { LICENSE: 'text' });
  const bom = JSON.parse(billOfMaterials(packagesOf(bundle(file), root)));
  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', metadata: {} });
  expect(bom).not.toHaveProperty('serialNumber');
  expect(bom.components).toMatchObject([
    { type: 'library', purl: 'pkg:npm/%40s/b@1.2.3', licenses: [{ license: { id: 'MIT' } }] },
  ]);
});
