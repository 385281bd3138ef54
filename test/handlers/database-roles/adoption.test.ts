import { adopt, arrives, attributesOf } from '../../../constructs/handlers/database-roles/adoption';
import type { DatabaseRolesProperties } from '../../../constructs/handlers/database-roles/contract';
import { ScriptedClient } from './scripted-client';

const properties: DatabaseRolesProperties = {
  MasterSecretArn: 'master',
  ApplicationSecretArn: 'application',
  OwnerSecretArn: 'owner',
  Database: 'shop',
  Owner: 'django',
  OwnerLogins: ['django_release_a'],
  ServingRole: 'django_serving',
  Logins: ['django_a'],
  Instance: 'db-1',
  Revision: '1',
};

/** A server with one object of `legacy`, in a database that is its own. */
function server(kind: string, identity: string): ScriptedClient {
  return new ScriptedClient()
    .answer(/datdba/, () => [{ version: '170004', master: 'master', owner: 'legacy' }])
    .answer(/server_version_num/, () => [{ version: '170004' }])
    .answer(/current_user/, () => [{ master: 'master' }])
    .answer(/AS holds/, () => [{ holds: true }])
    .answer(/pg_identify_object/, () => [{ kind, schema: 'public', identity, owner: 'legacy', is_of_system: false }])
    .answer(/pg_has_role/, () => [{ member: true, usage: true }]);
}

async function adopted(client: ScriptedClient) {
  const lines: { [name: string]: unknown }[] = [];
  const left = await adopt(client, properties, (message, details) => void lines.push({ message, ...details })).catch(
    (error: Error) => error,
  );
  return { left, lines };
}

describe('a database that arrives', () => {
  test('is given to an owner that is made first, and what was taken is in the log', async () => {
    const client = server('table', 'public.t');
    const { left, lines } = await adopted(client);
    expect(left).toEqual([]);
    expect(lines).toEqual([{ message: 'what others owned is taken over', taken: { table: 1 } }]);
    expect(client.changes[0]).toBe('CREATE ROLE "django" NOLOGIN');
    expect(client.changes).toContain('ALTER TABLE public.t OWNER TO "django"');
  });

  test('has each object that stays with its owner on a line of the log', async () => {
    const client = server('function', 'public.f()').refuse(/^ALTER FUNCTION/, 'must be owner');
    const { left, lines } = await adopted(client);
    expect(left).toHaveLength(1);
    expect(lines[1]).toMatchObject({
      message: 'stays with its owner',
      object: 'function public.f()',
      owner: 'legacy',
      statement: 'ALTER FUNCTION public.f() OWNER TO "django"',
    });
  });

  test('has them in the log also where the run fails for them', async () => {
    const client = server('table', 'public.t').refuse(/^ALTER TABLE/, 'must be owner');
    const { left, lines } = await adopted(client);
    expect((left as Error).message).toContain('the master may not give away what migrations alter');
    expect(lines.map(({ message, object }) => [message, object])).toEqual([['stays with its owner', 'table public.t']]);
  });

  test('has nothing in the log where the run fails for another reason, which is told', async () => {
    const { left, lines } = await adopted(server('table', 'public.t').refuse(/^ALTER TABLE/, 'deadlock', '40P01'));
    expect((left as Error).message).toContain('deadlock');
    expect(lines).toEqual([]);
  });
});

test.each([
  [{}, false],
  [{ TakeOwnership: 'false' }, false],
  [{ TakeOwnership: 'true' }, true],
  [{ TakeOwnershipFrom: ['legacy'] }, true],
])('what is asked for with %j is taken over: %s', (asked, expected) => {
  expect(arrives({ ...properties, ...asked } as DatabaseRolesProperties)).toBe(expected);
});

test('CloudFormation is told what stays, in few words, and nothing where nothing does', () => {
  const object = { kind: 'function', identity: 'public.f()', owner: 'legacy', isOfSystem: false, why: 'x' };
  expect(attributesOf([])).toBeUndefined();
  expect(attributesOf([object, object])).toEqual({ Left: 'function public.f(), function public.f()' });
  expect(attributesOf(Array(1_000).fill(object))?.Left).toHaveLength(1_000);
});
