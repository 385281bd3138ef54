import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CheckContext, NotApplicable } from '../../../rehearsal/checks/check';
import { REFUSE_TABLES, releaseChecks } from '../../../rehearsal/checks/releases';
import type { Faults } from '../../../rehearsal/provision';

/** The proxy is a module of ECMAScript alone, which Jest cannot load. */
jest.mock('httpxy', () => ({ createProxyServer: () => undefined }));

const REFUSED = 'the rehearsal refuses this table: shop.stock_item';
const check = releaseChecks.find(({ name }) => name === 'releases: a failing migration stops everything');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'releases-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Broken {
  /** Why the release fails. @default - it passes */
  readonly says?: string;
  /** The last line in the log of the server. */
  readonly logged?: string;
}

/** Runs the check against a release that does this in a database in which no table can be made. */
async function run({ says, logged = `ERROR:  ${REFUSED}` }: Broken) {
  const asked: string[] = [];
  let isClosed = false;
  const another = async ({ database }: Faults) => {
    const query = async (_: string, use: (client: object) => Promise<void>) =>
      use({ query: async (sql: string) => void asked.push(sql) });
    await database?.({ query } as never, 'app');
    writeFileSync(path.join(directory, 'postgres.log'), `${logged}\n`);
    const release = says === undefined ? async () => undefined : () => Promise.reject(new Error(says));
    const close = () => {
      isClosed = true;
    };
    return { release, services: [], sandbox: { directory }, close };
  };
  const result = await check?.run({ another } as unknown as CheckContext).catch((error: Error) => error);
  return { result, asked, isClosed };
}

test('no table of a migration can be made, whatever its schema, and the release must say so', async () => {
  const says = `the release failed with exit code 2, so no service starts: ${REFUSED}`;
  const { result, asked, isClosed } = await run({ says });
  expect(result).toContain('exit code 2');
  expect([asked, isClosed]).toEqual([[REFUSE_TABLES], true]);
  expect(REFUSE_TABLES).not.toMatch(/public|content_type/);
});

test('a release that passes although a migration has failed, or that does not say why, fails', async () => {
  expect((await run({})).result).toEqual(new Error('the release passed'));
  const silent = 'the release failed with exit code 1, so no service starts: no output';
  expect((await run({ says: silent })).result).toEqual(new Error(`it does not say why: ${silent}`));
});

test('migrations that make no table are said to make none', async () => {
  expect((await run({ logged: 'LOG:  checkpoint' })).result).toBeInstanceOf(NotApplicable);
});
