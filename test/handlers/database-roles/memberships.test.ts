import { Memberships } from '../../../constructs/handlers/database-roles/memberships';
import { Work } from '../../../constructs/handlers/database-roles/work';
import { ScriptedClient } from './scripted-client';

interface Options {
  readonly inherit_option?: boolean;
  readonly set_option?: boolean;
}

/** The memberships of one login in one role, by grantor, as a server from PostgreSQL 16 on keeps them. */
class FakeMemberships extends ScriptedClient {
  constructor(public readonly rows: Map<string, Options>) {
    super();
    this.answer(/pg_has_role/, () => [{ member: rows.size > 0, usage: this.inherits() }]);
    this.answer(/pg_auth_members/, () => [...rows].map(([grantor, options]) => ({ grantor, options })));
    this.answer(/^GRANT "legacy" TO "master"/, (_values, text) => {
      const grantor = /GRANTED BY "(\w+)"/.exec(text)?.[1] ?? 'master';
      rows.set(grantor, { inherit_option: /INHERIT TRUE/.test(text), set_option: /SET TRUE/.test(text) });
      return [];
    });
    this.answer(/^REVOKE "legacy" FROM "master"/, (_values, text) => {
      rows.delete(/GRANTED BY "(\w+)"/.exec(text)?.[1] ?? 'master');
      return [];
    });
  }

  private inherits(): boolean {
    return [...this.rows.values()].some((options) => options.inherit_option ?? false);
  }
}

function joining(rows: [string, Options][], separateOptions = true) {
  const server = new FakeMemberships(new Map(rows));
  return { server, memberships: new Memberships(new Work(server), 'master', separateOptions) };
}

describe('a membership that the master takes for a while', () => {
  test('is taken with its rights, and is gone afterwards', async () => {
    const { server, memberships } = joining([]);
    expect(await memberships.join('legacy')).toBeUndefined();
    expect([...server.rows]).toEqual([['master', { inherit_option: true, set_option: true }]]);
    await memberships.leave();
    expect(server.rows.size).toBe(0);
  });

  test.each([
    { inherit_option: false, set_option: false },
    { inherit_option: false, set_option: true },
  ])('that the master had granted itself has the options again that it had before: %j', async (before) => {
    const { server, memberships } = joining([['master', before]]);
    await memberships.join('legacy');
    expect(server.rows.get('master')).toEqual({ inherit_option: true, set_option: true });
    await memberships.leave();
    expect(server.rows.get('master')).toEqual(before);
  });

  test('takes nothing away of what another has granted', async () => {
    const ofAnother = { inherit_option: false, set_option: true };
    const { server, memberships } = joining([['rdsadmin', ofAnother]]);
    await memberships.join('legacy');
    await memberships.leave();
    expect([...server.rows]).toEqual([['rdsadmin', ofAnother]]);
    expect(server.changes.filter((text) => text.includes('rdsadmin'))).toEqual([]);
  });

  test('is not taken where the master has the rights already, so that it keeps them', async () => {
    const before = { inherit_option: true, set_option: false };
    const { server, memberships } = joining([['master', before]]);
    await memberships.join('legacy');
    await memberships.leave();
    expect(server.changes).toEqual([]);
    expect(server.rows.get('master')).toEqual(before);
  });

  test('that is refused is no reason to revoke anything', async () => {
    const { server, memberships } = joining([]);
    server.refuse(/^GRANT/, 'permission denied to grant role "legacy"');
    expect(await memberships.join('legacy')).toContain('permission denied to grant role "legacy"');
    await memberships.leave();
    expect(server.changes.filter((text) => text.startsWith('REVOKE'))).toEqual([]);
  });

  test('is left once: a second time leaves nothing', async () => {
    const { server, memberships } = joining([]);
    await memberships.join('legacy');
    await memberships.leave();
    const before = server.changes.length;
    await memberships.leave();
    expect(server.changes).toHaveLength(before);
  });
});

describe('before PostgreSQL 16', () => {
  test('a membership has no options and no grantor to name', async () => {
    const { server, memberships } = joining([], false);
    await memberships.join('legacy');
    await memberships.leave();
    expect(server.changes).toEqual(['GRANT "legacy" TO "master"', 'REVOKE "legacy" FROM "master"']);
  });

  test('a master that is a member and does not inherit is refused, since no GRANT could change that', async () => {
    const { server, memberships } = joining([['master', {}]], false);
    expect(await memberships.join('legacy')).toBe('"master" is a member of "legacy" and does not inherit its rights');
    expect(server.changes).toEqual([]);
  });
});
