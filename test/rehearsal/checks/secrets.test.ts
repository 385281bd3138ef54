import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CheckContext, NotApplicable } from '../../../rehearsal/checks/check';
import { allChecks } from '../../../rehearsal/checks/secrets';

const SECRET = 'a-value-that-no-process-has-in-its-title';
const check = allChecks.find(({ name }) => name.startsWith('secrets: none in a log line'));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'secrets-'));
  mkdirSync(path.join(directory, 'logs'));
  writeFileSync(path.join(directory, 'logs', 'web-1.log'), 'GET / 200\n');
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Run {
  readonly secrets?: readonly string[];
  /** Whether the template makes the database. */
  readonly made?: boolean;
}

async function run({ secrets = [SECRET], made = false }: Run): Promise<string | undefined> {
  const context = {
    rehearsal: { secrets: { all: secrets }, sandbox: { directory }, postgres: made ? {} : undefined },
    front: { request: async () => ({ status: 404, body: '', headers: {} }) },
    printed: () => '',
  };
  return check?.run(context as unknown as CheckContext);
}

test('secrets are looked for where the database is brought, which has no log here', async () => {
  expect(await run({})).toBe('1 secrets, 1 logs');
  writeFileSync(path.join(directory, 'logs', 'web-1.log'), `the password is ${SECRET}\n`);
  await expect(run({})).rejects.toThrow('in the log web-1.log');
});

test('the log of a server that the template makes is read, too', async () => {
  writeFileSync(path.join(directory, 'postgres.log'), `ALTER ROLE web PASSWORD '${SECRET}'\n`);
  await expect(run({ made: true })).rejects.toThrow('in postgres.log');
});

test('a stack without secrets has nothing to look for', async () => {
  await expect(run({ secrets: [] })).rejects.toThrow(NotApplicable);
});
