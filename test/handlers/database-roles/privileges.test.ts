import { ensurePrivileges } from '../../../constructs/handlers/database-roles/privileges';
import { Work } from '../../../constructs/handlers/database-roles/work';
import { ScriptedClient } from './scripted-client';

const spec = { database: 'shop', owner: 'django', serving: 'django_serving' };
const nothingHeld = { creates: false, temporary: false, connects: true };

async function changes(client: ScriptedClient, kinds = ['n', 'r', 'S', 'f']): Promise<string[]> {
  client.answer(/pg_default_acl/, () => kinds.map((code) => ({ code })));
  await ensurePrivileges(new Work(client), spec);
  return client.changes;
}

describe('a schema in which what serves can create', () => {
  const schemas = (rows: { name: string; owned: boolean }[]) =>
    new ScriptedClient()
      .answer(/has_database_privilege/, () => [nothingHeld])
      .answer(/has_schema_privilege/, () => rows);

  test('is closed to it and to everybody', async () => {
    expect(await changes(schemas([{ name: 'app', owned: true }]))).toEqual([
      'REVOKE CREATE ON SCHEMA "app" FROM PUBLIC, "django_serving"',
    ]);
  });

  test('stays open to the owner, which creates in the schema public of the master as everybody may', async () => {
    expect(await changes(schemas([{ name: 'public', owned: false }]))).toEqual([
      'GRANT USAGE, CREATE ON SCHEMA "public" TO "django"',
      'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC, "django_serving"',
    ]);
  });

  test('is not opened to the owner where it belongs to somebody else on purpose', async () => {
    expect(await changes(schemas([{ name: 'reports', owned: false }]))).toEqual([
      'REVOKE CREATE ON SCHEMA "reports" FROM PUBLIC, "django_serving"',
    ]);
  });
});

describe('what serves', () => {
  test.each([
    [{ creates: true, temporary: false, connects: true }],
    [{ creates: false, temporary: true, connects: true }],
  ])('creates nothing in the database: %j', async (held) => {
    const client = new ScriptedClient().answer(/has_database_privilege/, () => [held]);
    expect(await changes(client)).toEqual([
      'REVOKE CREATE, TEMPORARY ON DATABASE "shop" FROM PUBLIC, "django_serving"',
    ]);
  });

  test('is granted objects a hundred at a time, and none of another session', async () => {
    const tables = Array.from({ length: 101 }, (_, number) => ({ code: 'r', name: `public.t${number}` }));
    const client = new ScriptedClient()
      .answer(/has_database_privilege/, () => [nothingHeld])
      .answer(/relpersistence/, () => [...tables, { code: 'r', name: 'pg_temp_3.t' }]);
    const grants = await changes(client);
    expect(grants.map((text) => text.split(', public.').length)).toEqual([100, 1]);
    expect(grants.join()).not.toContain('pg_temp_');
  });

  test('may connect where everybody may not any more', async () => {
    const client = new ScriptedClient().answer(/has_database_privilege/, () => [{ ...nothingHeld, connects: false }]);
    expect(await changes(client)).toEqual(['GRANT CONNECT ON DATABASE "shop" TO "django_serving"']);
  });
});
