import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { replace } = require('../scripts/build-handlers.js') as {
  replace(folder: string, files: ReadonlyMap<string, string>): void;
};

test('bundles that say the same are not touched, others are replaced, and those of no handler are removed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bundles-'));
  try {
    const file = (name: string) => join(folder, name, 'index.js');
    for (const [name, text] of Object.entries({ same: 'same', changed: 'old', gone: 'gone' })) {
      mkdirSync(join(folder, name));
      writeFileSync(file(name), text);
    }
    const untouched = statSync(file('same'), { bigint: true });
    replace(
      folder,
      new Map([
        [file('same'), 'same'],
        [file('changed'), 'new'],
        [file('added'), 'added'],
        [join(folder, 'NOTICE'), 'licences'],
      ]),
    );
    expect(readdirSync(folder).sort()).toEqual(['NOTICE', 'added', 'changed', 'same']);
    expect(['added', 'changed'].map((name) => readFileSync(file(name), 'utf8'))).toEqual(['added', 'new']);
    const after = statSync(file('same'), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([untouched.ino, untouched.mtimeNs]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
