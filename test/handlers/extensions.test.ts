import { ensureExtensions } from '../../constructs/handlers/database-roles/extensions';
import type { SqlClient } from '../../constructs/handlers/shared/postgres';
import { ScriptedClient } from './database-roles/scripted-client';

/** A server that has every extension, and answers CREATE EXTENSION with an error. */
function refusing(message: string): SqlClient {
  return {
    query: async (text: string) => {
      if (text.startsWith('CREATE EXTENSION')) {
        throw Object.assign(new Error(message), { code: '55000' });
      }
      return { rows: [{ exists: false, schema: null }] };
    },
  } as unknown as SqlClient;
}

test('an extension whose library is not loaded yet says that a reboot is missing', async () => {
  const client = refusing('pg_cron can only be loaded via shared_preload_libraries');
  await expect(ensureExtensions(client, ['pg_cron'])).rejects.toMatchObject({
    message: expect.stringMatching(/shared_preload_libraries. The instance has to be rebooted once/),
    code: '55000',
  });
});

describe('an extension', () => {
  const server = (known: { [name: string]: { exists: boolean; schema: string | null } }) =>
    new ScriptedClient().answer(/pg_available_extensions/, ([name]) =>
      (name as string) in known ? [known[name as string]] : [],
    );

  test('is made in the schema public, unless it has one of its own, which PostgreSQL makes', async () => {
    const client = server({
      hstore: { exists: false, schema: null },
      pg_cron: { exists: false, schema: 'pg_catalog' },
    });
    expect(await ensureExtensions(client, ['hstore', 'pg_cron'])).toEqual(['hstore', 'pg_cron']);
    expect(client.changes).toEqual([
      'CREATE EXTENSION "hstore" SCHEMA "public" CASCADE',
      'CREATE EXTENSION "pg_cron" CASCADE',
    ]);
  });

  test('that is there is left alone, and does not count as made', async () => {
    const client = server({ hstore: { exists: true, schema: null }, citext: { exists: false, schema: null } });
    expect(await ensureExtensions(client, ['hstore', 'citext'])).toEqual(['citext']);
    expect(client.changes).toEqual(['CREATE EXTENSION "citext" SCHEMA "public" CASCADE']);
  });

  test('that the server does not have fails all of them', async () => {
    const client = server({ hstore: { exists: false, schema: null } });
    await expect(ensureExtensions(client, ['hstore', 'timescaledb'])).rejects.toThrow(
      'extension "timescaledb" does not exist on this server: see SHOW rds.extensions',
    );
    expect(client.statements.at(-1)).toBe('ROLLBACK');
  });
});

test('any other error is as the server has it', async () => {
  await expect(ensureExtensions(refusing('no space left'), ['hstore'])).rejects.toMatchObject({
    message: expect.stringMatching(/^CREATE EXTENSION .*: no space left$/),
    code: '55000',
  });
});
