import { redacted, redactedLines } from '../../constructs/handlers/shared/redacted';
import { HARMLESS_LINES, LEAKY_LINES } from '../fixtures/leaky-lines';

test('there are at least sixty lines of what libraries write', () => {
  expect(LEAKY_LINES.length).toBeGreaterThanOrEqual(60);
  for (const { line, hidden, shown = '' } of LEAKY_LINES) {
    expect(hidden.filter((part) => !line.includes(part))).toEqual([]);
    expect(line).toContain(shown);
  }
});

test.each(LEAKY_LINES)('nothing of this leaves: $from', ({ line, hidden, shown = '' }) => {
  const text = redacted(line);
  expect(hidden.filter((part) => text.includes(part))).toEqual([]);
  expect(text).toContain(shown);
});

test.each(LEAKY_LINES)('nor inside of a line of JSON: $from', ({ line, hidden }) => {
  const text = redacted(JSON.stringify({ level: 'ERROR', message: `it failed: ${line}`, logger: 'django' }));
  expect(hidden.filter((part) => text.includes(part))).toEqual([]);
});

test.each(HARMLESS_LINES)('what helps stays as it is: %s', (line) => {
  expect(redacted(line)).toBe(line);
});

test('the lines that a private key goes on in are left out', () => {
  const key = [
    'before',
    '-----BEGIN RSA PRIVATE KEY-----',
    'MIGHAgEA',
    'q83v==',
    '-----END RSA PRIVATE KEY-----',
    'after',
  ];
  expect(redactedLines(key)).toEqual(['before', '***', 'after']);
});

test('so are the lines that a row goes on in, even when it never ends', () => {
  const row = ['DETAIL:  Failing row contains (17, first line', 'Jane Doe', '1980-02-03).', 'after'];
  expect(redactedLines(row)).toEqual(['DETAIL: ***', 'after']);
  const endless = [row[0], ...Array.from({ length: 60 }, () => 'Jane')];
  expect(redactedLines(endless).length).toBe(11);
});

test.each([
  [
    'a list by its name',
    ["'passwords': ['first pw',", "               'second pw'],", "'x': 1"],
    ["'passwords': ***", "'x': 1"],
  ],
  ['a block by its name', ['api_key: |', '  abcdef', 'host: db', 'port: 1'], ['api_key: ***', 'port: 1']],
  [
    'a part of a form by its name',
    ['Content-Disposition: form-data; name="password"', '', 'hunter2', '--boundary', 'after'],
    ['Content-Disposition: form-data; name="password"', 'after'],
  ],
])('so are the lines that %s goes on in', (_name, lines, expected) => {
  expect(redactedLines(lines)).toEqual(expected);
});

test('a list that ends where it begins hides no other line', () => {
  expect(redactedLines(["tokens = ['a b']", 'after'])).toEqual(['tokens = ***', 'after']);
});

test('the time for a line of 100,000 characters does not grow with their square', () => {
  const before = process.cpuUsage();
  const units = ['a', 'password', "'", '@', '=', '1:', 'key: ', '<A: ', '\\n', 'aA1/', '. ', '\\"', '<key', '--key '];
  for (const unit of [...units, "'key', ", 'name="key', '"name": "a ', 'value ', 'key->', "key: '\\"]) {
    redacted(unit.repeat(100_000 / unit.length));
  }
  // About a second; with the square of the length, minutes. Time of the processor, since a machine may be busy.
  expect(process.cpuUsage(before).user / 1_000_000).toBeLessThan(20);
});
