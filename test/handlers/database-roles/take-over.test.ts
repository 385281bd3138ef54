import type { ForeignObject } from '../../../constructs/handlers/database-roles/foreign-objects';
import { type NotTaken, takeOver } from '../../../constructs/handlers/database-roles/take-over';
import { ScriptedClient } from './scripted-client';

interface Given {
  readonly databaseOwner?: string;
  readonly objects: Partial<ForeignObject>[];
  /** Default privileges of the role that owns the objects. */
  readonly defaults?: { readonly [column: string]: unknown }[];
  /** Schemas in which the owner may not create. */
  readonly closed?: string[];
}

/** Kinds that lie in no schema. */
const WITHOUT_SCHEMA = ['schema', 'large object'];

/** A server of PostgreSQL 17 with objects that `legacy` owns. */
function server({ databaseOwner = 'legacy', objects, defaults = [], closed = [] }: Given): ScriptedClient {
  const rows = objects.map(
    ({ kind = 'table', schema = 'public', identity = 'public.t', owner = 'legacy', ...rest }) => {
      return {
        kind,
        schema: WITHOUT_SCHEMA.includes(kind) ? null : schema,
        identity,
        owner,
        is_of_system: rest.isOfSystem ?? false,
      };
    },
  );
  return new ScriptedClient()
    .answer(/server_version_num/, () => [{ version: '170004', master: 'master', owner: databaseOwner }])
    .answer(/pg_identify_object/, () => rows)
    .answer(/pg_has_role/, () => [{ member: true, usage: true }])
    .answer(/has_schema_privilege/, ([schemas]) =>
      closed.filter((name) => (schemas as string[]).includes(name)).map((name) => ({ name })),
    )
    .answer(/pg_default_acl/, () => defaults);
}

const spec = { database: 'shop', owner: 'django', serving: ['django_serving', 'django_a'] };
const TO_DJANGO = 'OWNER TO "django"';

describe('what others own in a database that arrives', () => {
  test('is given to the owner with the database: schemas first', async () => {
    const client = server({
      objects: [
        { identity: 'app.t', schema: 'app' },
        { kind: 'schema', identity: 'app' },
      ],
    });
    expect(await takeOver(client, spec)).toEqual({ taken: { schema: 1, table: 1 }, left: [] });
    expect(client.changes).toEqual([
      `ALTER DATABASE "shop" ${TO_DJANGO}`,
      `ALTER SCHEMA app ${TO_DJANGO}`,
      `ALTER TABLE app.t ${TO_DJANGO}`,
    ]);
  });

  test('is left alone once the database belongs to the owner, unless somebody is named', async () => {
    const client = server({ databaseOwner: 'django', objects: [{}] });
    expect(await takeOver(client, spec)).toEqual({ taken: {}, left: [] });
    expect(client.statements).toEqual([]);
    expect((await takeOver(client, { ...spec, from: ['legacy'] })).taken).toEqual({ table: 1 });
    expect(client.changes).toEqual([`ALTER TABLE public.t ${TO_DJANGO}`]);
  });

  test('is given in several transactions; the database follows in the last, so that a run goes on where it was', async () => {
    const objects = Array.from({ length: 401 }, (_, number) => ({ identity: `public.t${number}` }));
    const client = server({ objects });
    expect((await takeOver(client, spec)).taken).toEqual({ table: 401 });
    const marks = client.statements.filter((text) => /^(BEGIN|COMMIT|ALTER DATABASE)/.test(text));
    expect(marks).toEqual([
      'BEGIN',
      `ALTER DATABASE "shop" ${TO_DJANGO}`,
      'ALTER DATABASE "shop" OWNER TO "legacy"',
      'COMMIT',
      'BEGIN',
      `ALTER DATABASE "shop" ${TO_DJANGO}`,
      'COMMIT',
    ]);
  });

  test('several transactions do not touch the database where it belongs to the owner already', async () => {
    const objects = Array.from({ length: 401 }, (_, number) => ({ identity: `public.t${number}` }));
    const client = server({ databaseOwner: 'django', objects });
    await takeOver(client, { ...spec, from: ['legacy'] });
    expect(client.statements.filter((text) => text.startsWith('COMMIT'))).toHaveLength(2);
    expect(client.changes.filter((text) => text.startsWith('ALTER DATABASE'))).toEqual([]);
  });

  test('can be given only where the owner may create, which it then may', async () => {
    const client = server({ objects: [{ identity: 'app.t', schema: 'app' }], closed: ['app', 'another'] });
    await takeOver(client, spec);
    const grant = client.changes.indexOf('GRANT USAGE, CREATE ON SCHEMA app TO "django"');
    expect(grant).toBeGreaterThan(-1);
    expect(grant).toBeLessThan(client.changes.indexOf(`ALTER TABLE app.t ${TO_DJANGO}`));
    expect(client.changes.join()).not.toContain('another');
  });

  test('does not include large objects that what serves has made', async () => {
    const client = server({
      objects: [
        { kind: 'large object', identity: '7', owner: 'django_a' },
        { kind: 'large object', identity: '8' },
      ],
    });
    expect((await takeOver(client, spec)).taken).toEqual({ 'large object': 1 });
    expect(client.changes.join()).not.toContain('LARGE OBJECT 7');
  });
});

describe('what cannot be given', () => {
  test('stays, with what somebody who may has to run, where migrations do without it; all else is given', async () => {
    const functions = ['f', 'g', 'h'].map((name) => ({ kind: 'function', identity: `public.${name}()` }));
    const client = server({ objects: functions }).refuse(/FUNCTION public\.g\(\)/, 'must be owner of function g');
    const { taken, left } = await takeOver(client, spec);
    expect(taken).toEqual({ function: 2 });
    expect(left).toEqual([
      expect.objectContaining({
        identity: 'public.g()',
        why: `ALTER FUNCTION public.g() ${TO_DJANGO}: must be owner of function g`,
        statement: `ALTER FUNCTION public.g() ${TO_DJANGO}`,
      }),
    ]);
  });

  test('fails the run where migrations alter it, and names the first of many', async () => {
    const objects = Array.from({ length: 6 }, (_, number) => ({ identity: `public.t${number}` }));
    const client = server({ objects }).refuse(/^ALTER TABLE/, 'must be owner');
    const error: NotTaken = await takeOver(client, spec).catch((caught) => caught);
    expect(error.message).toContain('table public.t0 of legacy, table public.t1 of legacy');
    expect(error.message).toContain('table public.t3 of legacy and 2 more (');
    expect(error.message).toContain('has to run GRANT "legacy" TO "master"');
    expect(error.left).toHaveLength(6);
    expect(client.statements.at(-1)).toBe('ROLLBACK');
  });

  test('counts no others where all are named', async () => {
    const client = server({ objects: [{}] }).refuse(/^ALTER TABLE/, 'must be owner');
    await expect(takeOver(client, spec)).rejects.toThrow(/: table public\.t of legacy \(ALTER TABLE/);
  });

  test('stays where the master may not act as its owner, whose statement it is then', async () => {
    const client = server({ objects: [{ kind: 'function', identity: 'public.f()', owner: 'stranger' }] });
    client.refuse(/^GRANT "stranger"/, 'permission denied to grant role "stranger"');
    const foreign = new ScriptedClient();
    foreign.query = async (text, values = []) =>
      /pg_has_role/.test(text)
        ? { rows: [{ member: false, usage: values[0] !== 'stranger' }] }
        : client.query(text, values);
    const { taken, left } = await takeOver(foreign, spec);
    expect(taken).toEqual({});
    expect(left).toMatchObject([{ owner: 'stranger', statement: `ALTER FUNCTION public.f() ${TO_DJANGO}` }]);
    expect(left[0].why).toContain('permission denied to grant role "stranger"');
    expect(client.changes.join()).not.toContain('ALTER FUNCTION');
  });

  test('is the whole database where the master may not act as who owns it', async () => {
    const client = new ScriptedClient()
      .answer(/server_version_num/, () => [{ version: '150004', master: 'master', owner: 'legacy' }])
      .answer(/pg_has_role/, () => [{ member: true, usage: false }]);
    await expect(takeOver(client, spec)).rejects.toThrow(
      'the database belongs to legacy, and the master may not give it away: "master" is a member of "legacy" and does not inherit its rights. Where it comes from, somebody who may has to run GRANT "legacy" TO "master"',
    );
    expect(client.changes).toEqual([]);
  });

  test('is what has no statement for it', async () => {
    const client = server({ objects: [{ kind: 'transform', identity: 'for hstore language plpython3u' }] });
    const { left } = await takeOver(client, spec);
    expect(left).toMatchObject([{ kind: 'transform', why: 'it cannot change hands' }]);
    expect(left[0].statement).toBeUndefined();
  });

  test.each([
    ['foreign-data wrapper', 'GRANT USAGE ON FOREIGN DATA WRAPPER x TO "django"'],
    ['server', 'GRANT USAGE ON FOREIGN SERVER x TO "django"'],
    ['schema', 'GRANT ALL ON SCHEMA x TO "django"'],
    ['table', 'GRANT ALL ON TABLE x TO "django"'],
    ['view', 'GRANT ALL ON TABLE x TO "django"'],
    ['materialized view', 'GRANT ALL ON TABLE x TO "django"'],
    ['foreign table', 'GRANT ALL ON TABLE x TO "django"'],
    ['sequence', 'GRANT ALL ON SEQUENCE x TO "django"'],
    ['publication', undefined],
  ])('is a %s of a superuser, and the run goes on', async (kind, statement) => {
    const client = server({ objects: [{ kind, identity: 'x', owner: 'postgres', isOfSystem: true }, {}] });
    const { taken, left } = await takeOver(client, spec);
    expect(taken).toEqual({ table: 1 });
    expect(left.map(({ why, statement: toRun }) => [why, toRun])).toEqual([['it belongs to a superuser', statement]]);
    expect(client.changes).not.toContain(statement);
  });
});

describe('what a former owner gives away of all that it will make', () => {
  const entry = { entry: '1', code: 'r', schema: null, source: 'given', privilege: 'SELECT', grantable: false };
  const reader = { ...entry, everybody: false, grantee: 'reader' };
  const inherited = async (defaults: { readonly [column: string]: unknown }[]) => {
    const client = server({ objects: [{}], defaults });
    await takeOver(client, spec);
    return client.changes
      .filter((text) => text.startsWith('ALTER DEFAULT'))
      .map((text) => text.replace('ALTER DEFAULT PRIVILEGES FOR ROLE ', ''));
  };

  test('the owner gives away, too: with the option to pass it on, and in the same schema', async () => {
    expect(await inherited([reader])).toEqual(['"django" GRANT SELECT ON TABLES TO "reader"']);
    expect(await inherited([{ ...reader, grantable: true }])).toEqual([
      '"django" GRANT SELECT ON TABLES TO "reader" WITH GRANT OPTION',
    ]);
    expect(await inherited([{ ...reader, schema: 'app', everybody: true, grantee: null }])).toEqual([
      '"django" IN SCHEMA "app" GRANT SELECT ON TABLES TO PUBLIC',
    ]);
  });

  test('the owner keeps what that role has kept from everybody', async () => {
    const usual = { ...entry, code: 'f', privilege: 'EXECUTE', source: 'usual', everybody: true, grantee: null };
    expect(await inherited([usual])).toEqual(['"django" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC']);
    expect(await inherited([usual, { ...usual, source: 'given' }])).toEqual([]);
  });

  test('is not given to the owner itself, nor for a kind that nobody knows', async () => {
    expect(
      await inherited([
        { ...reader, grantee: 'django' },
        { ...reader, code: 'Z' },
      ]),
    ).toEqual([]);
  });
});
