import { ensureExtensions } from '../../constructs/handlers/database-roles/extensions';
import type { SqlClient } from '../../constructs/handlers/shared/postgres';

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

test('any other error is as the server has it', async () => {
  await expect(ensureExtensions(refusing('no space left'), ['hstore'])).rejects.toMatchObject({
    message: expect.stringMatching(/^CREATE EXTENSION .*: no space left$/),
    code: '55000',
  });
});
