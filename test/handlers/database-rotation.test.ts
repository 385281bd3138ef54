import type { DatabaseSecret } from '../../constructs/handlers/database-rotation/contract';
import { DatabaseRotation, type IDatabase } from '../../constructs/handlers/database-rotation/database';
import { Failure } from '../../constructs/handlers/shared/failure';
import { rotate } from '../../constructs/handlers/shared/rotation';
import { Chaos, Invocation } from '../faults/chaos';
import { databaseSubject, naiveDatabaseHandler, realDatabaseHandler } from '../faults/database-subject';
import { FakeSecret, storeOf } from '../faults/fake-secrets-manager';
import { runRotationCases } from '../faults/rotation-cases';
import { STEPS } from '../faults/rotation-model';

const OPTIONS = { period: 24 * 60 * 60, rotations: 2 };
const login = (username: string, password: string) =>
  JSON.stringify({ engine: 'postgres', host: 'db', port: 5432, dbname: 'shop', username, password });

class Fixture {
  public readonly passwords = new Map([
    ['master', 'm'],
    ['a', 'p0'],
  ]);
  public readonly master = new FakeSecret('master', login('master', 'm'));
  public readonly application = new FakeSecret('application', login('a', 'p0'));
  public role = 'owner';
  /** Why nobody gets into the application's database. */
  public keptOut?: string;
  public readonly changes: string[] = [];
  /** What the master does against what the owner has set. */
  public undo: () => void = () => undefined;
  private made = 0;

  public async step(Step: string, ClientRequestToken: string, logins = ['a', 'b']): Promise<void> {
    const store = storeOf([this.master, this.application], new Invocation(new Chaos()));
    const database: IDatabase = {
      roleOf: async ({ username, password }) => {
        if (this.keptOut !== undefined) {
          throw new Failure(this.keptOut);
        }
        return this.passwords.get(username) === password ? this.role : undefined;
      },
      admits: async ({ username, password }) => this.passwords.get(username) === password,
      setPassword: async (as, { login: name, verifier, role, database: where }) => {
        this.changes.push(`${as.username} sets ${name} to ${verifier} as ${role} in ${where}`);
        this.passwords.set(name, verifier.slice(1));
        this.undo();
      },
    };
    const strategy = new DatabaseRotation({
      secretId: 'application',
      store,
      database,
      masterSecretArn: 'master',
      logins,
      role: 'owner',
      random: () => `p${++this.made}`,
      verifier: (password) => `v${password}`,
    });
    await rotate({ Step, SecretId: 'application', ClientRequestToken }, store, strategy, () => undefined);
  }

  public async rotate(token: string, logins?: string[]): Promise<DatabaseSecret> {
    this.application.startRotation(token);
    for (const step of STEPS) {
      await this.step(step, token, logins);
    }
    return JSON.parse(this.application.withStage('AWSCURRENT')[0].value ?? '');
  }
}

test('the master gives the login that is not in use a new password, by its verifier', async () => {
  const fixture = new Fixture();
  expect(await fixture.rotate('t1')).toMatchObject({
    username: 'b',
    password: 'p1',
    host: 'db',
    port: 5432,
    engine: 'postgres',
  });
  expect(await fixture.rotate('t2')).toMatchObject({ username: 'a', password: 'p2', dbname: 'shop' });
  expect(JSON.parse(fixture.application.withStage('AWSCURRENT')[0].value ?? '').url).toBe(
    'postgres://a:p2@db:5432/shop?sslmode=verify-full',
  );
  expect(fixture.changes).toEqual(['master sets b to vp1 as owner in shop', 'master sets a to vp2 as owner in shop']);
});

test('with no second login, the same one gets a new password', async () => {
  const fixture = new Fixture();
  expect(await fixture.rotate('t1', [])).toMatchObject({ username: 'a', password: 'p1' });
});

test('the trial of a new schedule, testSecret on a copy of the current value, succeeds', async () => {
  const fixture = new Fixture();
  fixture.application.put('trial', login('a', 'p0'), 'AWSPENDING');
  await expect(fixture.step('testSecret', 'trial')).resolves.toBeUndefined();
  expect(fixture.changes).toEqual([]);
});

test('a login that does not act as the owner does not become current', async () => {
  const fixture = new Fixture();
  fixture.role = 'b';
  await expect(fixture.rotate('t1')).rejects.toThrow('the login acts as "b", not as "owner"');
});

test('a login that acts as another role, or is kept out, is put right by the master', async () => {
  const fixture = new Fixture();
  fixture.role = 'b';
  fixture.undo = () => {
    fixture.role = 'owner';
    fixture.keptOut = undefined;
  };
  expect(await fixture.rotate('t1')).toMatchObject({ username: 'b', password: 'p1' });
  fixture.keptOut = 'the database "shop" takes no connections';
  expect(await fixture.rotate('t2')).toMatchObject({ username: 'a', password: 'p2' });
});

test('a login that the master cannot put right does not become current, and the error says why', async () => {
  const fixture = new Fixture();
  fixture.keptOut = 'the database "shop" takes no connections';
  await expect(fixture.rotate('t1')).rejects.toThrow('the database "shop" takes no connections');
  expect(JSON.parse(fixture.application.withStage('AWSCURRENT')[0].value ?? '')).toMatchObject({ username: 'a' });
});

test('a secret that names neither login is refused', async () => {
  await expect(new Fixture().rotate('t1', ['x', 'y'])).rejects.toThrow('not one of the two');
});

test.each(['host', 'username', 'password'])('a secret without `%s` is refused without being quoted', async (name) => {
  const fixture = new Fixture();
  const value = { ...JSON.parse(login('a', 'hunter2')), [name]: '' };
  fixture.application.put('broken', JSON.stringify(value), 'AWSCURRENT');
  const error: Error = await fixture.rotate('t1').catch((thrown) => thrown);
  expect(error.message).toContain(`the secret must have \`${name}\`, a string`);
  expect(error.stack).not.toContain('hunter2');
});

test('a secret without a port and a database, as RDS makes it for a cluster, means those of PostgreSQL', () => {
  const rotation = new DatabaseRotation({} as never);
  const parsed = rotation.parse(JSON.stringify({ host: 'db', username: 'a', password: 'p', engine: 'postgres' }));
  expect(parsed).toEqual({
    host: 'db',
    username: 'a',
    password: 'p',
    engine: 'postgres',
    port: 5432,
    dbname: 'postgres',
  });
});

test('when no password of the master works, the error says what to do', async () => {
  const fixture = new Fixture();
  fixture.passwords.set('master', 'changed elsewhere');
  await expect(fixture.rotate('t1')).rejects.toThrow('aws rds modify-db-instance');
});

test.each(['alternating', 'single-user', 'master'] as const)(
  'no fault, pair of deliveries or replay violates anything: %s',
  async (mode) => {
    const breadth = { pairs: false, triples: 50, disturbed: 100 };
    const figures = await runRotationCases(databaseSubject(realDatabaseHandler, mode), breadth, OPTIONS);
    expect(figures).toMatchObject({ failed: 0, example: undefined });
    expect(figures.cases).toBeGreaterThan(200);
  },
);

test('the model bites: a naive handler locks out, leaks and wedges', async () => {
  const breadth = { pairs: false, triples: 0, disturbed: 50 };
  const figures = await runRotationCases(databaseSubject(naiveDatabaseHandler, 'alternating'), breadth, OPTIONS);
  expect(Object.keys(figures.violations)).toEqual(expect.arrayContaining(['refused', 'leak', 'wedged']));
});

describe('a version that was made before the secret had a url', () => {
  const stored = { engine: 'postgres', host: 'db', port: 5432, dbname: 'shop' };
  const url = 'postgres://a:p0@db:5432/shop?sslmode=verify-full';

  test.each([
    ['has none', {}],
    ['has that of the login before', { url }],
  ])('is given up where it %s, because no process would start with it', async (_, made) => {
    const fixture = new Fixture();
    fixture.application.put(
      'complete',
      JSON.stringify({ ...stored, username: 'a', password: 'p0', url }),
      'AWSCURRENT',
    );
    fixture.application.put('t1', JSON.stringify({ ...stored, username: 'b', password: 'p9', ...made }), 'AWSPENDING');
    await expect(fixture.step('setSecret', 't1')).rejects.toThrow('does not follow the current value');
    expect((await fixture.rotate('t2')).url).toBe('postgres://b:p1@db:5432/shop?sslmode=verify-full');
  });

  test('goes on where the secret has none either', async () => {
    const fixture = new Fixture();
    fixture.application.put('t1', JSON.stringify({ ...stored, username: 'b', password: 'p9' }), 'AWSPENDING');
    await fixture.step('setSecret', 't1');
    expect(fixture.passwords.get('b')).toBe('p9');
  });

  test('is no reason to refuse a copy, with which Secrets Manager tries a schedule out', async () => {
    const fixture = new Fixture();
    const stale = JSON.stringify({ ...stored, username: 'a', password: 'p0', url: 'postgres://old' });
    fixture.application.put('stale', stale, 'AWSCURRENT');
    fixture.application.put('copy', stale, 'AWSPENDING');
    await fixture.step('testSecret', 'copy');
  });
});

test('the secret of the master gets no url, which no process reads', () => {
  const { store, database } = { store: {} as never, database: {} as never };
  const [random, verifier] = [() => 'p1', (password: string) => password];
  const master = new DatabaseRotation({ secretId: 'master', store, database, logins: [], random, verifier });
  expect(master.next(JSON.parse(login('master', 'm')))).not.toHaveProperty('url');
});
