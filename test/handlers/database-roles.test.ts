import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { DatabaseRolesProperties } from '../../constructs/handlers/database-roles/contract';
import {
  type ConnectionSettings,
  type CustomResourceEvent,
  createHandler,
  type Dependencies,
} from '../../constructs/handlers/database-roles/handler';
import { ensureRoles, type RolesSpec } from '../../constructs/handlers/database-roles/roles';
import { removeObstacles } from '../../constructs/handlers/shared/obstacles';
import { type SqlClient, startupOptions } from '../../constructs/handlers/shared/postgres';
import { scramVerifier } from '../../constructs/handlers/shared/scram';

interface KnownRole {
  rolcanlogin: boolean;
  rolsuper: boolean;
  rolconfig: string[] | null;
}

/** What a PostgreSQL server would know: enough of it to answer the questions that the handler asks. */
class FakeServer {
  public readonly version: number;
  public readonly roles = new Map<string, KnownRole>();
  /** `member < role`. */
  public readonly members = new Set<string>();
  public readonly passwords = new Map<string, string>();
  public readonly defaults = new Set<string>();
  public databaseOwner = 'django_master';
  public schemaIsCreatable = true;
  public databaseAccess = { creates: false, temporary: true, connects: true };
  public creatableSchemas: string[] = [];
  /** What the owner has made and the serving role has no entry for. */
  public objects: { code: string; name: string }[] = [];
  public limits = { datallowconn: true, datconnlimit: -1 };
  public settings: { login: string | null; database: string | null; settings: string[] }[] = [];
  /** Questions and changes, in the order in which they came. */
  public asked: string[] = [];
  public statements: string[] = [];
  public failOn?: RegExp;
  public starting = 0;
  /** Roles of which the master has the ADMIN option. */
  public readonly manageable = new Set<string>();

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
    const assumed = this.roles.get(settings.user)?.rolconfig?.[0]?.slice('role='.length);
    const role = (settings.assumesRole === true ? assumed : undefined) ?? settings.user;
    const rows = (text: string, values: unknown[]) =>
      text.includes('AS role') && text.startsWith('SELECT current_user') ? [{ role }] : this.answer(text, values);
    return {
      query: async (text: string, values: unknown[] = []) => ({ rows: rows(text, values) }),
      end: async () => undefined,
    };
  }

  private answer(text: string, values: unknown[]): { [column: string]: unknown }[] {
    this.asked.push(text);
    if (this.failOn?.test(text)) {
      throw new Error('permission denied');
    }
    const known = this.known(text, values);
    if (known === undefined) {
      this.statements.push(text);
      this.change(text);
    }
    return known ?? [];
  }

  /** The answer to a question; undefined for a statement that changes something. */
  private known(text: string, values: unknown[]): { [column: string]: unknown }[] | undefined {
    if (text.includes("'server_version_num'")) return [{ version: String(this.version) }];
    if (text.startsWith('SELECT current_user')) return [{ master: 'django_master' }];
    if (text.includes('datconnlimit')) return [this.limits];
    if (text.includes('r.oid, d.oid')) return [{ connects: this.databaseAccess.connects }];
    if (text.includes('pg_db_role_setting')) return this.settings;
    if (text.includes('m.admin_option')) return [...this.manageable].map((rolname) => ({ rolname }));
    if (text.includes('pg_auth_members')) {
      return (values[1] as string[])
        .filter((role) => this.members.has(`${values[0]} < ${role}`))
        .map((role) => ({ role, grantor: 'django_master' }));
    }
    if (text.includes('rolcanlogin')) {
      return (values[0] as string[])
        .filter((name) => this.roles.has(name))
        .map((rolname) => ({ rolname, ...this.roles.get(rolname) }));
    }
    if (text.includes('AS holds')) return [{ holds: this.members.has(`${values[0]} < ${values[1]}`) }];
    if (text.includes('AS reaches')) return [{ reaches: this.reaches(values[0] as string, values[1] as string) }];
    if (text.includes('datdba')) return [{ owner: this.databaseOwner }];
    if (text.includes('AS creatable')) return [{ creatable: this.schemaIsCreatable }];
    if (text.includes('AS temporary')) return [this.databaseAccess];
    if (text.includes('nspowner')) {
      return text.includes('lomacl') ? this.objects : this.creatableSchemas.map((name) => ({ name }));
    }
    if (text.includes('pg_default_acl')) return [...this.defaults].map((code) => ({ code }));
    return undefined;
  }

  private reaches(member: string, role: string): boolean {
    return [...this.members].some((edge) => {
      const [from, to] = edge.split(' < ');
      return from === member && (to === role || this.reaches(to, role));
    });
  }

  private change(text: string): void {
    const [, name = ''] = /(?:ROLE|TO|FROM) "([^"]+)"/.exec(text) ?? [];
    const role = this.roles.get(name);
    const [, given = ''] = /^(?:GRANT|REVOKE) "([^"]+)"/.exec(text) ?? [];
    if (text.startsWith('CREATE ROLE')) {
      this.roles.set(name, { rolcanlogin: text.endsWith(' LOGIN'), rolsuper: false, rolconfig: null });
    } else if (text.startsWith('GRANT "')) {
      if (text.endsWith(' WITH ADMIN OPTION')) {
        this.manageable.add(given);
      }
      this.members.add(`${name} < ${given}`);
    } else if (text.startsWith('REVOKE "')) {
      this.members.delete(`${name} < ${given}`);
    } else if (text.startsWith('ALTER DEFAULT PRIVILEGES')) {
      const [, kind = ''] = / ON (\w+) TO /.exec(text) ?? [];
      this.defaults.add({ SCHEMAS: 'n', TABLES: 'r', SEQUENCES: 'S', FUNCTIONS: 'f' }[kind] ?? '');
    } else if (text.startsWith('REVOKE CREATE, TEMPORARY')) {
      this.databaseAccess = { ...this.databaseAccess, creates: false, temporary: false };
    } else if (text.startsWith('REVOKE CREATE ON SCHEMA')) {
      this.creatableSchemas = [];
    } else if (
      /^GRANT .* ON (SCHEMA|TABLE|SEQUENCE|ROUTINE|LARGE OBJECT) /.test(text) &&
      !text.includes('USAGE, CREATE')
    ) {
      this.objects = this.objects.filter((object) => !text.includes(object.name));
    } else if (text.includes(' SET role = ') && role) {
      role.rolconfig = [`role=${/'(.*)'/.exec(text)?.[1]}`];
      this.settings = [
        ...this.settings.filter(({ login, database }) => login !== name || database !== null),
        { login: name, database: null, settings: role.rolconfig },
      ];
    } else if (text.includes(' OWNER TO ')) {
      this.databaseOwner = /OWNER TO "([^"]+)"/.exec(text)?.[1] ?? '';
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

const spec: RolesSpec = {
  database: 'django',
  owner: 'django',
  ownerLogins: ['django_release_a', 'django_release_b'],
  serving: 'django_serving',
  servingLogins: ['django_a', 'django_b'],
};

describe('the roles', () => {
  test('are made in an order in which each statement is allowed, and grants come before the logins that need them', async () => {
    expect(await ensureRoles(new FakeServer().client(), spec)).toEqual([
      'CREATE ROLE "django" NOLOGIN',
      'GRANT "django" TO "django_master" WITH INHERIT TRUE, SET TRUE',
      'CREATE ROLE "django_release_a" LOGIN',
      'GRANT "django" TO "django_release_a" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_release_a" SET role = 'django'`,
      'CREATE ROLE "django_release_b" LOGIN',
      'GRANT "django" TO "django_release_b" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_release_b" SET role = 'django'`,
      'ALTER DATABASE "django" OWNER TO "django"',
      'CREATE ROLE "django_serving" NOLOGIN',
      'REVOKE CREATE, TEMPORARY ON DATABASE "django" FROM PUBLIC, "django_serving"',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "django" GRANT USAGE ON SCHEMAS TO "django_serving"',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "django" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "django_serving"',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "django" GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO "django_serving"',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "django" GRANT EXECUTE ON FUNCTIONS TO "django_serving"',
      'CREATE ROLE "django_a" LOGIN',
      'GRANT "django_serving" TO "django_a" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_a" SET role = 'django_serving'`,
      'CREATE ROLE "django_b" LOGIN',
      'GRANT "django_serving" TO "django_b" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_b" SET role = 'django_serving'`,
      'GRANT "django_a" TO "django_release_a" WITH INHERIT TRUE, SET TRUE',
      'GRANT "django_b" TO "django_release_a" WITH INHERIT TRUE, SET TRUE',
      'GRANT "django_a" TO "django_release_b" WITH INHERIT TRUE, SET TRUE',
      'GRANT "django_b" TO "django_release_b" WITH INHERIT TRUE, SET TRUE',
    ]);
  });

  test('take the power of the owner from the logins that had it before there were two, after all that they need instead', async () => {
    const server = new FakeServer();
    for (const login of ['django_a', 'django_b']) {
      server.roles.set(login, { rolcanlogin: true, rolsuper: false, rolconfig: ['role=django'] });
      server.members.add(`${login} < django`);
    }
    const done = await ensureRoles(server.client(), spec);
    expect(done.slice(-10, -4)).toEqual([
      'GRANT "django_serving" TO "django_a" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_a" SET role = 'django_serving'`,
      'GRANT "django_serving" TO "django_b" WITH INHERIT TRUE, SET TRUE',
      `ALTER ROLE "django_b" SET role = 'django_serving'`,
      'REVOKE "django" FROM "django_a" GRANTED BY "django_master"',
      'REVOKE "django" FROM "django_b" GRANTED BY "django_master"',
    ]);
  });

  test('take back what a login of the owner gave away, and say so when there is another way', async () => {
    const server = new FakeServer(150_000);
    server.members.add('django_a < django_release_a');
    expect(await ensureRoles(server.client(), spec)).toContain('REVOKE "django_release_a" FROM "django_a"');
    server.members.add('django_serving < staff').add('staff < django');
    await expect(ensureRoles(server.client(), spec)).rejects.toThrow(
      'role "django_serving" is a member of "django" through another role',
    );
  });

  test('get what exists and has no entry for them yet, a hundred names at a time', async () => {
    const server = new FakeServer();
    server.objects = [
      { code: 'n', name: 'tenants' },
      ...Array.from({ length: 150 }, (_, index) => ({ code: 'r', name: `public.t${1000 + index}` })),
      { code: 'S', name: 'public.s' },
      { code: 'f', name: 'public.f(integer)' },
      { code: 'f', name: 'pg_temp_3.g()' },
      { code: 'L', name: '16400' },
    ];
    await ensureRoles(server.client(), spec);
    const grants = server.statements.filter((text) => /^GRANT .* ON (SCHEMA|TABLE|SEQUENCE|ROUTINE|LARGE)/.test(text));
    expect(grants.map((text) => text.replace(/(public\.t\d+,? ?)+/, '… '))).toEqual([
      'GRANT USAGE ON SCHEMA tenants TO "django_serving"',
      'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE … TO "django_serving"',
      'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE … TO "django_serving"',
      'GRANT USAGE, SELECT, UPDATE ON SEQUENCE public.s TO "django_serving"',
      'GRANT EXECUTE ON ROUTINE public.f(integer) TO "django_serving"',
      'GRANT SELECT, UPDATE ON LARGE OBJECT 16400 TO "django_serving"',
    ]);
  });

  test('cannot create where everybody may, and can connect', async () => {
    const server = new FakeServer();
    server.creatableSchemas = ['public'];
    server.databaseAccess = { creates: true, temporary: false, connects: false };
    const done = await ensureRoles(server.client(), spec);
    expect(done).toContain('REVOKE CREATE ON SCHEMA "public" FROM PUBLIC, "django_serving"');
    expect(done).toContain('REVOKE CREATE, TEMPORARY ON DATABASE "django" FROM PUBLIC, "django_serving"');
    expect(done).toContain('GRANT CONNECT ON DATABASE "django" TO "django_serving"');
  });

  test('are made without the options of memberships that PostgreSQL 15 does not know', async () => {
    expect(await ensureRoles(new FakeServer(150_004).client(), spec)).toContain('GRANT "django_serving" TO "django_a"');
  });

  test('stay manageable when PostgreSQL 15 is upgraded, which needs the ADMIN option; later versions give it', async () => {
    const all = [spec.owner, ...spec.ownerLogins, spec.serving, ...spec.servingLogins];
    const admin = (statements: string[]) => statements.filter((each) => each.endsWith('WITH ADMIN OPTION'));
    expect(admin(await ensureRoles(new FakeServer(150_004).client(), spec))).toEqual(
      all.map((role) => `GRANT "${role}" TO "django_master" WITH ADMIN OPTION`),
    );
    expect(admin(await ensureRoles(new FakeServer().client(), spec))).toEqual([]);
  });

  test.each([150_004, 170_000])('need nothing the second time, on %i', async (version) => {
    const server = new FakeServer(version);
    await ensureRoles(server.client(), spec);
    expect(await ensureRoles(server.client(), spec)).toEqual([]);
  });

  test.each(Array.from({ length: 25 }, (_, index) => index))(
    'are completed when all but statement %i had been there',
    async (missing) => {
      const whole = await ensureRoles(new FakeServer().client(), spec);
      const server = new FakeServer();
      const reached = whole.slice(0, missing);
      for (const statement of reached) {
        await server.client().query(statement);
      }
      expect(await ensureRoles(server.client(), spec)).toEqual(whole.slice(missing));
    },
  );

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
    expect(server.statements[2]).toMatch(/^SELECT pg_catalog\.pg_advisory_xact_lock/);
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
    const odd = { database: 'd"b', owner: `o"w'n`, ownerLogins: ['l 1'], serving: 's', servingLogins: [] };
    const done = await ensureRoles(new FakeServer().client(), odd);
    expect(done).toContain(`CREATE ROLE "o""w'n" NOLOGIN`);
    expect(done).toContain(`ALTER ROLE "l 1" SET role = 'o"w''n'`);
    expect(done).toContain(`ALTER DATABASE "d""b" OWNER TO "o""w'n"`);
  });

  test('never get rds_iam, with which a password would no longer do', async () => {
    const server = new FakeServer();
    await ensureRoles(server.client(), { ...spec, passwords: [{ login: 'django_a', value: 'secret' }] });
    expect(server.statements.join('\n')).not.toContain('rds_iam');
  });
});

test('a password is sent as what the server would store for it', async () => {
  const server = new FakeServer();
  const done = await ensureRoles(server.client(), { ...spec, passwords: [{ login: 'django_b', value: 'hunter2' }] });
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

describe('what the owner of a database can set against us', () => {
  const logins = [{ name: 'django_a', role: 'django_serving' }];
  const undone = async (server: FakeServer) => {
    const done: string[] = [];
    await removeObstacles(server.client(), 'django', logins, async (statement) => void done.push(statement));
    return done;
  };
  const expected = { login: 'django_a', database: null, settings: ['role=django_serving', 'statement_timeout=5s'] };

  test('is left alone when it does no harm', async () => {
    const server = new FakeServer();
    const harmless = ['search_path=shop,public', 'statement_timeout=1'];
    server.settings = [
      expected,
      { login: null, database: 'django', settings: harmless },
      { login: null, database: 'another', settings: ['role=x'] },
      { login: 'somebody', database: null, settings: ['role=x'] },
    ];
    expect(await undone(server)).toEqual([]);
  });

  test('is undone when it keeps a login out, or makes it another role', async () => {
    const server = new FakeServer();
    server.limits = { datallowconn: false, datconnlimit: 0 };
    server.databaseAccess.connects = false;
    server.settings = [
      { login: null, database: 'django', settings: ['role=django', 'local_preload_libraries=x'] },
      { login: 'django_a', database: 'django', settings: ['role=none'] },
      { login: 'django_a', database: null, settings: ['role=none', 'local_preload_libraries=x'] },
    ];
    expect(await undone(server)).toEqual([
      'ALTER DATABASE "django" ALLOW_CONNECTIONS true',
      'ALTER DATABASE "django" CONNECTION LIMIT -1',
      'GRANT CONNECT ON DATABASE "django" TO "django_serving"',
      'ALTER DATABASE "django" RESET role',
      'ALTER DATABASE "django" RESET local_preload_libraries',
      'ALTER ROLE "django_a" IN DATABASE "django" RESET role',
      'ALTER ROLE "django_a" RESET local_preload_libraries',
      `ALTER ROLE "django_a" SET role = 'django_serving'`,
    ]);
  });
});

describe('whoever connects as the master trusts nothing that the application may have made', () => {
  test('because the options of the connection take precedence over those of the database', () => {
    const options = startupOptions({});
    expect(options).toContain('-c search_path=pg_catalog,pg_temp');
    expect(options).toContain('-c role=none');
    expect(options).toContain('-c standard_conforming_strings=on');
    expect(startupOptions({ assumesRole: true })).toBe(options.replace(' -c role=none', ''));
  });

  test('and because every name in every statement is qualified', async () => {
    const server = new FakeServer(150_000);
    server.objects = [{ code: 'r', name: 'public.t' }];
    server.members.add('django_a < django');
    await ensureRoles(server.client(), { ...spec, passwords: [{ login: 'django_a', value: 'x' }] });
    await removeObstacles(server.client(), 'django', [{ name: 'django_a', role: 'x' }], async () => undefined);
    expect(server.asked.length).toBeGreaterThan(40);
    expect(server.asked.flatMap(unqualified)).toEqual([]);
  });

  test.each([
    ["SELECT current_setting('x')", ['current_setting(']],
    ['SELECT rolname::text FROM pg_catalog.pg_roles', ['::text']],
    ['SELECT 1 FROM pg_roles', ['FROM pg_roles']],
    ['SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [' = ']],
    ["SELECT a || b FROM pg_catalog.pg_roles WHERE a IN ('x')", [' || ', ' IN ']],
  ])('which the test would notice: %s', (statement, found) => {
    expect(unqualified(statement)).toEqual(found);
  });
});

/** Names in a question that the search path would look up. */
function unqualified(statement: string): string[] {
  if (!/^\s*(SELECT|WITH)\b/.test(statement)) {
    return [];
  }
  const text = statement.replace(/'[^']*'/g, "''").replace(/OPERATOR\(pg_catalog\.[^)]+\)/g, '');
  return [
    ...(text.match(/(?<![\w.])(?!ANY\b|EXISTS\b|FROM\b|AND\b|WHERE\b|OR\b)\w+\((?!$)/g) ?? []),
    ...(text.match(/::(?!pg_catalog\.)[\w"]+/g) ?? []),
    ...(text.match(/\b(?:FROM|JOIN) (?!pg_catalog\.|\()\w+/g) ?? []),
    ...(text.match(/ (?:=|<>|\|\||<|>|~|IN|LIKE|BETWEEN) /g) ?? []),
  ];
}

describe('the handler', () => {
  let server: FakeServer;
  let secrets: { [arn: string]: string };
  let stored: { [arn: string]: string };
  let answers: { [name: string]: string }[];
  let connections: ConnectionSettings[];
  let remaining: number;
  let logged: string[];

  const properties: DatabaseRolesProperties = {
    MasterSecretArn: 'master',
    ApplicationSecretArn: 'application',
    OwnerSecretArn: 'owner',
    Database: 'django',
    Owner: 'django',
    OwnerLogins: ['django_release_a', 'django_release_b'],
    ServingRole: 'django_serving',
    Logins: ['django_a', 'django_b'],
    Instance: 'db-1',
    Revision: '1',
  };

  beforeEach(() => {
    server = new FakeServer();
    secrets = {
      master: secret('django_master', 'master-password'),
      application: secret('django_a', 'application-password'),
      owner: secret('django_release_a', 'owner-password'),
    };
    stored = {};
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
      store: {
        stages: async () => ({ v1: ['AWSCURRENT'] }),
        read: async (arn) => secrets[arn],
        putLabelled: async (arn, _id, value) => {
          stored[arn] = value;
        },
        moveStage: async (arn, stage) => {
          if (stage === 'AWSCURRENT') {
            secrets[arn] = stored[arn];
          }
        },
      },
      newId: () => 'v2',
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
    const login = { host: 'db.example', port: 15432, database: 'django', assumesRole: true };
    expect(connections.slice(-2)).toEqual([
      { ...login, user: 'django_release_a', password: 'owner-password' },
      { ...login, user: 'django_a', password: 'application-password' },
    ]);
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

  test('completes the secrets that processes read with a url, and no other, once their logins work', async () => {
    await deliver('Update');
    expect(JSON.parse(secrets.application).url).toBe(
      'postgres://django_a:application-password@db.example:15432/django?sslmode=verify-full',
    );
    expect(JSON.parse(secrets.owner)).toMatchObject({
      username: 'django_release_a',
      url: 'postgres://django_release_a:owner-password@db.example:15432/django?sslmode=verify-full',
    });
    expect(Object.keys(stored)).toEqual(['application', 'owner']);
    stored = {};
    await deliver('Update');
    expect(stored).toEqual({});
    secrets.application = secret('django_a', 'refused');
    server.failOn = /PASSWORD/;
    await deliver('Update');
    expect([answers.at(-1)?.Status, stored]).toEqual(['FAILED', {}]);
  });

  test('says whose secret could not be completed', async () => {
    const refuse = () => Promise.reject(new Error('AccessDeniedException'));
    await deliver('Update', {
      store: { stages: refuse, read: refuse, putLabelled: refuse, moveStage: refuse },
    });
    expect(answers[0].Reason).toContain(
      "the application's secret cannot be completed with its url: AccessDeniedException",
    );
  });

  test('first lets itself in, from a database that the application does not own', async () => {
    await deliver('Create');
    server.limits = { datallowconn: true, datconnlimit: 0 };
    connections = [];
    await deliver('Update');
    expect(server.statements).toContain('ALTER DATABASE "django" CONNECTION LIMIT -1');
    const ofMaster = connections.filter(({ user }) => user === 'django_master');
    expect(ofMaster.map(({ database }) => database)).toEqual(['postgres', 'django', 'postgres']);
    expect(ofMaster.some(({ assumesRole }) => assumesRole)).toBe(false);
  });

  test('fails where a login acts as another role in spite of all that was set', async () => {
    const asItself = (settings: ConnectionSettings) => server.connect({ ...settings, assumesRole: false });
    await deliver('Create', { connect: async (settings) => asItself(settings) });
    expect(answers[0].Reason).toContain('the login "django_release_a" does not act as "django"');
    expect(stored).toEqual({});
  });

  test('says who waits for whom when a lock is not there in time', async () => {
    const locked = Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' });
    await deliver('Create', { connect: () => Promise.reject(locked) });
    expect(answers[0].Reason).toContain('Another session holds a lock: look for it in pg_locks');
  });

  test('shows no row and no address that a message of the server quotes', async () => {
    const error = new Error('insert failed\nDETAIL:  Key (email)=(jane@example.com) already exists.');
    await deliver('Create', { connect: () => Promise.reject(error) });
    expect(answers[0].Reason).toBe('insert failed\nDETAIL: *** (log stream stream)');
    expect(JSON.stringify(logged)).not.toContain('jane');
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
