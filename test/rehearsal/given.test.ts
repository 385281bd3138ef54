import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Given } from '../../rehearsal/given';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'given-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('--secret comes before the file, and a value may hold anything', () => {
  const envFile = path.join(folder, 'values.env');
  writeFileSync(envFile, '# a comment\nTOKEN=of the file\n\nREDIS_URL="redis://localhost:6379/0"\nOTHER=x\n');
  const given = Given.read({ secret: ['TOKEN=a=b c', 'shop/mail={"password":"x"}'], envFile });
  expect(given.value('TOKEN')).toBe('a=b c');
  expect(given.value('REDIS_URL')).toBe('redis://localhost:6379/0');
  expect(given.secret('REDIS_URL')).toBeUndefined();
  expect(given.value('NOBODYS', 'shop/mail')).toBe('{"password":"x"}');
  expect(given.unused).toEqual({ secrets: [], variables: ['OTHER'] });
});

test.each([['hunter2'], ['=hunter2']])(
  'fails with --secret %s, and does not repeat what may be a password',
  (secret) => {
    const reading = () => Given.read({ secret: [secret] });
    expect(reading).toThrow('--secret must be NAME=VALUE');
    expect(reading).not.toThrow('hunter2');
  },
);

test('fails with a file that is not there', () => {
  expect(() => Given.read({ envFile: 'no-such.env' })).toThrow('there is no no-such.env');
});
