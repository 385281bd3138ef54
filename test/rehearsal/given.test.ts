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
  writeFileSync(envFile, '# a comment\nTOKEN=of the file\n\nREDIS_URL=redis://localhost:6379/0\nOTHER=x\n');
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

test('--secret takes a value of several lines from a file, as it stands', () => {
  const file = path.join(folder, 'key.pem');
  writeFileSync(file, '-----BEGIN\n=a\n-----END\n');
  expect(Given.read({ secret: [`KEY=file://${file}`] }).secret('KEY')).toBe('-----BEGIN\n=a\n-----END\n');
});

test('--secret says which file is not there', () => {
  expect(() => Given.read({ secret: ['KEY=file://nowhere.pem'] })).toThrow(
    '--secret KEY=file://PATH must be a file with the value: there is no nowhere.pem.',
  );
});

describe('--env-file', () => {
  const write = (content: string | Buffer) => {
    const envFile = path.join(folder, 'values.env');
    writeFileSync(envFile, content);
    return envFile;
  };

  test.each([
    ['a "#"', 'A=pass#word #2', 'pass#word #2'],
    ['quotes within', 'A=it\'s "so"', 'it\'s "so"'],
    ['spaces around', 'A= a b  ', ' a b  '],
    ['a backslash and a dollar', 'A=\\n$HOME', '\\n$HOME'],
    ['an "="', 'A=a=b==', 'a=b=='],
    ['nothing', 'A=', ''],
    ['the mark of an editor before its name', '\uFEFFA=first', 'first'],
    ['an indented name', '\t A=a', 'a'],
    ['a line of Windows', 'A=a\r\n', 'a'],
    ['a later line', 'A=a\nA=b', 'b'],
    ['a comment before it', '  # A=comment\n\nA=a', 'a'],
  ])('takes a value with %s as it stands', (_, text, expected) => {
    expect(Given.read({ envFile: write(text) }).value('A')).toBe(expected);
  });

  test.each([
    [
      'a line without "="',
      'A=a\n\nhunter2\n',
      /values\.env, line 3: a line must be NAME=VALUE, and this one has no "="/,
    ],
    ['no name', '=hunter2', /values\.env, line 1: .*a name has no spaces; this one is empty/],
    ['a line of a shell', '# one\nexport A=hunter2', /values\.env, line 2: .*got "export A"/],
    ['a space before "="', 'A =hunter2', /values\.env, line 1: .*got "A "/],
    ['a value in quotes', 'A="hunter2"', /values\.env, line 1: the value of A is in quotes.*Leave them out/],
    ['a value in single quotes', "A='hunter2' ", /values\.env, line 1: the value of A is in quotes/],
    ['what is no text', Buffer.from([0x41, 0x3d, 0xff]), /must be a file of text in UTF-8/],
  ])('fails with %s, by its line, and repeats no value', (_, content, message) => {
    const reading = () => Given.read({ envFile: write(content) });
    expect(reading).toThrow(message);
    expect(reading).not.toThrow('hunter2');
  });

  test('fails with a folder', () => {
    expect(() => Given.read({ envFile: folder })).toThrow(`there is no ${folder}`);
  });
});

test('fails with a file that is not there', () => {
  expect(() => Given.read({ envFile: 'no-such.env' })).toThrow('there is no no-such.env');
});
