import { inTransaction, Work } from '../../../constructs/handlers/database-roles/work';
import { ScriptedClient } from './scripted-client';

describe('a statement that may fail', () => {
  test('leaves the transaction usable, says why, and counts as not done', async () => {
    const client = new ScriptedClient().refuse(/^ALTER/, 'must be owner of table t', '42501');
    const work = new Work(client);
    expect(await work.attempt('ALTER TABLE t OWNER TO x')).toBe('ALTER TABLE t OWNER TO x: must be owner of table t');
    expect(client.statements).toEqual([
      'SAVEPOINT attempt',
      'ALTER TABLE t OWNER TO x',
      'ROLLBACK TO SAVEPOINT attempt',
      'RELEASE SAVEPOINT attempt',
    ]);
    expect(work.done).toEqual([]);
  });

  test('says why where the error has no code', async () => {
    const client = new ScriptedClient().refuse(/^ALTER/, 'Query read timeout');
    expect(await new Work(client).attempt('ALTER TABLE t OWNER TO x')).toContain('Query read timeout');
  });

  test.each([
    ['a lock that is not to be had', '55P03'],
    ['a deadlock', '40P01'],
  ])('fails the run on %s, which says nothing about the statement', async (_, code) => {
    const client = new ScriptedClient().refuse(/^ALTER/, 'canceled', code);
    await expect(new Work(client).attempt('ALTER TABLE t OWNER TO x')).rejects.toMatchObject({ code });
    expect(client.statements).not.toContain('ROLLBACK TO SAVEPOINT attempt');
  });

  test('tells its own error, not that of a connection that is gone', async () => {
    const client = new ScriptedClient().refuse(/^ALTER/, 'deadlock detected', '40P01').refuse(/^RELEASE/, 'gone');
    await expect(new Work(client).attempt('ALTER TABLE t OWNER TO x')).rejects.toThrow('deadlock detected');
  });
});

test('what is shown of a long statement is cut, and the whole is run', async () => {
  const client = new ScriptedClient();
  const work = new Work(client);
  const long = `GRANT SELECT ON TABLE ${'t, '.repeat(200)} u TO x`;
  await work.apply(long);
  expect(client.statements).toEqual([long]);
  expect(work.done).toEqual([`${long.slice(0, 400)}…`]);
});

describe('a transaction', () => {
  test('is undone as a whole, and its own error is told where the connection is gone', async () => {
    const client = new ScriptedClient().refuse(/^ROLLBACK/, 'Connection terminated');
    const act = () => Promise.reject(new Error('no such role'));
    await expect(inTransaction(client, act)).rejects.toThrow('no such role');
    expect(client.statements.at(-1)).toBe('ROLLBACK');
    expect(client.statements).not.toContain('COMMIT');
  });
});
