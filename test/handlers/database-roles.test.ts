import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { DatabaseRolesProperties } from '../../constructs/handlers/database-roles/contract';
import {
  type ConnectionSettings,
  type CustomResourceEvent,
  createHandler,
  type Dependencies,
} from '../../constructs/handlers/database-roles/handler';
import { ensureRoles, type RolesSpec, type SqlClient } from '../../constructs/handlers/database-roles/roles';
import { scramVerifier } from '../../constructs/handlers/shared/scram';

/** What a PostgreSQL server would know: enough of it to answer the questions that the handler asks. */
class FakeServer {
  public readonly version: number;
  public readonly roles = new Map<string, { rolcanlogin: boolean; rolsuper: boolean; rolconfig: string[] | null }>();
  public readonly members = new Set<string>();
  public readonly passwords = new Map<string, string>();
  public databaseOwner = 'django_master';
  public schemaIsCreatable = true;
  public statements: string[] = [];
  public failOn?: RegExp;
  public starting = 0;

  constructor(version = 170_000) {
    this.version = version;
    this.passwords.set('django_master', 'master-password');
  }

  public client(): SqlClient {
    return { query: async (text, values = []) => ({ rows: this.answer(text, values) }) };
  }

  public connect(settings: ConnectionSettings) {
    if (this.starting > 0) {
      this.starting -= 1;
      throw Object.assign(new Error('the database system is starting up'), { code: '57P03' });
    }
    const stored = this.passwords.get(settings.user);
    const matches = stored?.startsWith('SCRAM') ? verifies(stored, settings.password) : stored === settings.password;
    if (!matches) {
      throw Object.assign(new Error(`password authentication failed for user "${settings.user}"`), { code: '28P01' });
    }
    const role = this.roles.get(settings.user)?.rolconfig?.[0]?.slice('role='.length) ?? settings.user;
    const rows = (text: string, values: unknown[]) =>
      text.includes('AS role') ? [{ role }] : this.answer(text, values);
    return {
      query: async (text: string, values: unknown[] = []) => ({ rows: rows(text, values) }),
      end: async () => undefined,
    };
  }

  private answer(text: string, values: unknown[]): { [column: string]: unknown }[] {
    if (this.failOn?.test(text)) {
      throw new Error('permission denied');
    }
    if (text.startsWith('SELECT current_setting')) return [{ version: this.version }];
    if (text.startsWith('SELECT current_user')) return [{ master: 'django_master' }];
    if (text.includes('pg_roles')) {
      return (values[0] as string[])
        .filter((name) => this.roles.has(name))
        .map((rolname) => ({ rolname, ...this.roles.get(rolname) }));
    }
    if (text.includes('pg_has_role')) return [{ holds: this.members.has(values[0] as string) }];
    if (text.includes('pg_get_userbyid')) return [{ owner: this.databaseOwner }];
    if (text.includes('has_schema_privilege')) return [{ creatable: this.schemaIsCreatable }];
    this.statements.push(text);
    this.change(text);
    return [];
  }

  private change(text: string): void {
    const [, name = ''] = /(?:ROLE|TO) "([^"]+)"/.exec(text) ?? [];
    const role = this.roles.get(name);
    if (text.startsWith('CREATE ROLE')) {
      this.roles.set(name, { rolcanlogin: text.endsWith(' LOGIN'), rolsuper: false, rolconfig: null });
    } else if (text.startsWith('GRANT "')) {
      this.members.add(name);
    } else if (text.includes(' SET role = ') && role) {
      role.rolconfig = [`role=${/'(.*)'/.exec(text)?.[1]}`];
    } else if (text.includes(' OWNER TO ')) {
      this.databaseOwner = name;
    } else if (text.includes(' PASSWORD ')) {
      this.passwords.set(name, /'(.*)'/.exec(text)?.[1] ?? '');
    } else if (/ (NO)?LOGIN$/.test(text) && role) {
      role.rolcanlogin = text.endsWith(' LOGIN');
    }
  }
}

/** What the server does at login, written independently of the handler: RFC 5802's stored key. */
function verifies(verifier: string, password: string): boolean {
  const [, rounds, salt, storedKey] = /^SCRAM-SHA-256\$(\d+):(.+)\$(.+):(.+)$/.exec(verifier) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  return createHash('sha256').update(clientKey).digest('base64') === storedKey;
}

const spec: RolesSpec = { database: 'django', owner: 'django', logins: ['django_a', 'django_b'] };

describe('the roles', () => {
  test('are made in an order in which each statement is allowed', async () => {
    expect(await ensureRoles(new FakeServer().client(), spec)).toEqual([
      'CREATE ROLE "django" NOLOGIN',
      'GRANT "django" TO "django_master" WITH INHERIT TRUE, SET TRUE',
      'CREATE ROLE "django_a" LOGIN',
      'GRANT "django" TO "django_a" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_a" SET role = 'django'`,
      'CREATE ROLE "django_b" LOGIN',
      'GRANT "django" TO "django_b" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_b" SET role = 'django'`,
      'ALTER DATABASE "django" OWNER TO "django"',
    ]);
  });

  test('are made without the options of memberships that PostgreSQL 15 does not know', async () => {
    expect(await ensureRoles(new FakeServer(150_004).client(), spec)).toContain('GRANT "django" TO "django_a"');
  });

  test('need nothing the second time', async () => {
    const server = new FakeServer();
    await ensureRoles(server.client(), spec);
    expect(await ensureRoles(server.client(), spec)).toEqual([]);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('are completed when all but statement %i had been there', async (missing) => {
    const whole = await ensureRoles(new FakeServer().client(), spec);
    const server = new FakeServer();
    const reached = whole.slice(0, missing);
    for (const statement of reached) {
      await server.client().query(statement);
    }
    expect(await ensureRoles(server.client(), spec)).toEqual(whole.slice(missing));
  });

  test('take logins away from the owner and give them to the logins', async () => {
    const server = new FakeServer();
    server.roles.set('django', { rolcanlogin: true, rolsuper: false, rolconfig: null });
    server.roles.set('django_b', { rolcanlogin: false, rolsuper: false, rolconfig: null });
    const done = await ensureRoles(server.client(), spec);
    expect(done).toContain('ALTER ROLE "django" NOLOGIN');
    expect(done).toContain('ALTER ROLE "django_b" LOGIN');
  });

  test('may create in a schema public of an old database', async () => {
    const server = new FakeServer();
    server.schemaIsCreatable = false;
    expect(await ensureRoles(server.client(), spec)).toContain('GRANT USAGE, CREATE ON SCHEMA public TO "django"');
  });

  test('are made in one transaction, one run at a time', async () => {
    const server = new FakeServer();
    await ensureRoles(server.client(), spec);
    expect(server.statements[0]).toBe('BEGIN');
    expect(server.statements[2]).toMatch(/^SELECT pg_advisory_xact_lock/);
    expect(server.statements.at(-1)).toBe('COMMIT');
  });

  test('are all taken back when one cannot be made, and the error says which', async () => {
    const server = new FakeServer();
    server.failOn = /^ALTER DATABASE/;
    await expect(ensureRoles(server.client(), spec)).rejects.toThrow(
      'ALTER DATABASE "django" OWNER TO "django": permission denied',
    );
    expect(server.statements.at(-1)).toBe('ROLLBACK');
  });

  test('are not made on top of a superuser', async () => {
    const server = new FakeServer();
    server.roles.set('django', { rolcanlogin: true, rolsuper: true, rolconfig: null });
    await expect(ensureRoles(server.client(), spec)).rejects.toThrow('is a superuser');
  });

  test('are quoted', async () => {
    const odd = { database: 'd"b', owner: `o"w'n`, logins: ['l 1'] };
    const done = await ensureRoles(new FakeServer().client(), odd);
    expect(done).toContain(`CREATE ROLE "o""w'n" NOLOGIN`);
    expect(done).toContain(`ALTER ROLE "l 1" SET role = 'o"w''n'`);
    expect(done).toContain(`ALTER DATABASE "d""b" OWNER TO "o""w'n"`);
  });

  test('never get rds_iam, with which a password would no longer do', async () => {
    const server = new FakeServer();
    await ensureRoles(server.client(), { ...spec, password: { login: 'django_a', value: 'secret' } });
    expect(server.statements.join('\n')).not.toContain('rds_iam');
  });
});

test('a password is sent as what the server would store for it', async () => {
  const server = new FakeServer();
  const done = await ensureRoles(server.client(), { ...spec, password: { login: 'django_b', value: 'hunter2' } });
  expect(done.at(-1)).toBe(`ALTER ROLE "django_b" PASSWORD '***'`);
  expect(verifies(server.passwords.get('django_b') ?? '', 'hunter2')).toBe(true);
  expect(server.passwords.has('django_a')).toBe(false);
  expect(server.statements.join('\n')).not.toContain('hunter2');
});

test('the verifier is the one that PostgreSQL itself made for this password and salt', () => {
  // From pg_authid of PostgreSQL 17 after: CREATE ROLE x PASSWORD 'pencil'.
  expect(scramVerifier('pencil', Buffer.from('eBowVdHh4GwvdLtTCWnZEA==', 'base64'))).toBe(
    'SCRAM-SHA-256$4096:eBowVdHh4GwvdLtTCWnZEA==$/+nt/yI2JZlJ6kXV3s1SHjPdfXHO/kr8tUyZfXarBqw=:HaS9NQxpsrKZCPfrWAyirSpJidm7kXGarSLH/ebxZVw=',
  );
});

describe('the handler', () => {
  let server: FakeServer;
  let secrets: { [arn: string]: string };
  let answers: { [name: string]: string }[];
  let connections: ConnectionSettings[];
  let remaining: number;
  let logged: string[];

  const properties: DatabaseRolesProperties = {
    MasterSecretArn: 'master',
    ApplicationSecretArn: 'application',
    Database: 'django',
    Owner: 'django',
    Logins: ['django_a', 'django_b'],
    Instance: 'db-1',
    Revision: '1',
  };

  beforeEach(() => {
    server = new FakeServer();
    secrets = {
      master: secret('django_master', 'master-password'),
      application: secret('django_a', 'application-password'),
    };
    answers = [];
    connections = [];
    remaining = 600_000;
    logged = [];
    jest.spyOn(console, 'log').mockImplementation((line: string) => void logged.push(line));
  });
  afterEach(() => jest.restoreAllMocks());

  function secret(username: string, password: string): string {
    return JSON.stringify({ host: 'db.example', port: 15432, dbname: 'django', username, password });
  }

  async function deliver(RequestType: CustomResourceEvent['RequestType'], world: Partial<Dependencies> = {}) {
    const event: CustomResourceEvent = {
      RequestType,
      ResponseURL: 'https://answers.example',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'Roles',
      ...(RequestType !== 'Create' && { PhysicalResourceId: 'Roles' }),
      ResourceProperties: properties,
    };
    const handler = createHandler({
      readSecret: async (arn) => secrets[arn],
      connect: async (settings) => {
        connections.push(settings);
        return server.connect(settings);
      },
      respond: async (_url, body) => void answers.push(JSON.parse(body)),
      sleep: async (milliseconds) => {
        remaining -= milliseconds;
      },
      ...world,
    });
    await handler(event, { logStreamName: 'stream', getRemainingTimeInMillis: () => remaining });
  }

  test('makes the roles, sets the password, proves the login and answers', async () => {
    await deliver('Create');
    expect(answers).toEqual([
      {
        Status: 'SUCCESS',
        PhysicalResourceId: 'Roles',
        StackId: 'stack',
        RequestId: 'request',
        LogicalResourceId: 'Roles',
      },
    ]);
    expect(connections.at(-1)).toMatchObject({ user: 'django_a', host: 'db.example', port: 15432, database: 'django' });
    expect(server.databaseOwner).toBe('django');
  });

  test('changes nothing when it is called again', async () => {
    await deliver('Create');
    const before = server.passwords.get('django_a');
    await deliver('Create');
    await deliver('Update');
    expect(answers.map((answer) => answer.Status)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    expect(server.passwords.get('django_a')).toBe(before);
  });

  test('repairs a password that is not that of the secret', async () => {
    await deliver('Create');
    secrets.application = secret('django_a', 'another-password');
    await deliver('Update');
    expect(verifies(server.passwords.get('django_a') ?? '', 'another-password')).toBe(true);
  });

  test('sets the password of the login that the secret names, and leaves the other alone', async () => {
    await deliver('Create');
    const first = server.passwords.get('django_a');
    secrets.application = secret('django_b', 'second-password');
    await deliver('Update');
    expect(verifies(server.passwords.get('django_b') ?? '', 'second-password')).toBe(true);
    expect(server.passwords.get('django_a')).toBe(first);
  });

  test('leaves everything in place when it is deleted', async () => {
    await deliver('Delete');
    expect(connections).toEqual([]);
    expect(answers[0]).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'Roles' });
  });

  test('waits for an instance that is starting', async () => {
    server.starting = 3;
    await deliver('Create');
    expect(answers[0].Status).toBe('SUCCESS');
    expect(remaining).toBe(600_000 - 3 * 5_000);
  });

  test('gives up while there is time to say so', async () => {
    server.starting = 10_000;
    await deliver('Create');
    expect(answers[0]).toMatchObject({
      Status: 'FAILED',
      Reason: 'the database system is starting up (log stream stream)',
    });
    expect(remaining).toBeGreaterThan(50_000);
  });

  test('does not wait for what will not change', async () => {
    await deliver('Create', {
      connect: async () => {
        throw Object.assign(new Error('self-signed certificate in chain'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
      },
    });
    expect(answers[0].Reason).toContain('self-signed certificate');
    expect(remaining).toBe(600_000);
  });

  test('repeats an answer that did not arrive', async () => {
    let attempts = 0;
    await deliver('Delete', {
      respond: async (_url, body) => {
        attempts += 1;
        if (attempts < 3) {
          throw new Error('socket hang up');
        }
        answers.push(JSON.parse(body));
      },
    });
    expect(answers).toHaveLength(1);
  });

  test.each([
    ['is not JSON', 'hunter2 is no JSON'],
    ['is null', 'null'],
    ['lacks the host', JSON.stringify({ port: 1, username: 'django_a', password: 'hunter2' })],
    ['names another login', JSON.stringify({ host: 'h', port: 1, username: 'intruder', password: 'hunter2' })],
  ])('says so without a word of the secret when that of the application %s', async (_, text) => {
    secrets.application = text;
    await deliver('Create');
    expect(answers[0].Status).toBe('FAILED');
    expect(answers[0].Reason).toContain("the application's secret");
    expect(JSON.stringify([answers, logged])).not.toContain('hunter2');
  });

  test('says what may be missing when Secrets Manager is out of reach', async () => {
    await deliver('Create', { readSecret: () => Promise.reject(new Error('connect ETIMEDOUT')) });
    expect(answers[0].Reason).toMatch(/master's secret cannot be read: connect ETIMEDOUT\. Has the handler a way/);
  });

  test('writes no password to the log, nor into an answer', async () => {
    await deliver('Create');
    server.failOn = /PASSWORD/;
    secrets.application = secret('django_a', 'new-password');
    await deliver('Update');
    expect(answers[1].Reason).toContain(`ALTER ROLE "django_a" PASSWORD '***': permission denied`);
    expect(JSON.stringify([answers, logged])).not.toMatch(/-password|SCRAM/);
  });
});
