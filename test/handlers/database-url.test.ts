import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPLETED, completeUrl } from '../../constructs/handlers/database-roles/url';
import { databaseUrl } from '../../constructs/handlers/shared/database-url';
import { Chaos, Crash, FAULTS, Invocation } from '../faults/chaos';
import { FakeSecret, storeOf } from '../faults/fake-secrets-manager';

const LOGIN = { username: 'shop_a', password: 'p0', host: 'db', port: 15432, dbname: 'shop' };
const ROTATED = { ...LOGIN, username: 'shop_b', password: 'p1' };
const complete = (login: typeof LOGIN) => JSON.stringify({ ...login, url: databaseUrl(login) });

let ids = 0;

function completing(secret: FakeSecret, chaos = new Chaos()): Promise<boolean> {
  return completeUrl('arn', storeOf([secret], new Invocation(chaos)), () => `completed${ids++}`);
}

function current(secret: FakeSecret): string {
  const [{ value = '' }] = secret.withStage('AWSCURRENT');
  return value;
}

test('a url is percent-encoded, asks for TLS, and can be taken apart again', () => {
  const odd = { ...LOGIN, username: 'sh op', password: 'p@:/?#[]%&=+ü$', dbname: 'a/b' };
  const url = new URL(databaseUrl(odd));
  expect(databaseUrl(LOGIN)).toBe('postgres://shop_a:p0@db:15432/shop?sslmode=verify-full');
  expect(databaseUrl(odd)).toMatch(/^postgres:\/\/[\w%.-]+:[\w%.-]+@db:15432\/a%2Fb\?sslmode=verify-full$/);
  expect([url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent)).toEqual([
    odd.username,
    odd.password,
    odd.dbname,
  ]);
});

test('the tests of runtime/ take the same ones apart, with dj-database-url and django-environ', () => {
  const rows = JSON.parse(readFileSync(join(__dirname, '..', '..', 'runtime', 'tests', 'database_urls.json'), 'utf8'));
  expect(rows.length).toBeGreaterThan(1);
  for (const { login, url } of rows) {
    expect(databaseUrl(login)).toBe(url);
  }
});

describe('completing a secret', () => {
  test('adds the url to what is there, in a new version that leaves no label behind', async () => {
    const secret = new FakeSecret('arn', JSON.stringify({ engine: 'postgres', ...LOGIN }));
    expect(await completing(secret)).toBe(true);
    expect(JSON.parse(current(secret))).toEqual({ engine: 'postgres', ...LOGIN, url: databaseUrl(LOGIN) });
    expect(secret.withStage(COMPLETED)).toEqual([]);
    expect(Object.keys(secret.stages())).toHaveLength(2);
    expect(await completing(secret)).toBe(false);
    expect(secret.values()).toHaveLength(2);
  });

  test('puts right the url of another login', async () => {
    const stale = new FakeSecret('arn', JSON.stringify({ ...ROTATED, url: databaseUrl(LOGIN) }));
    await completing(stale);
    expect(current(stale)).toBe(complete(ROTATED));
  });

  test('makes no url of a secret that lacks a part of it', async () => {
    const { dbname: _, ...without } = LOGIN;
    const text = JSON.stringify({ ...without, host: '' });
    const secret = new FakeSecret('arn', text);
    await expect(completing(secret)).rejects.toThrow('the secret must have `host`, `dbname`');
    expect(secret.values()).toEqual([text]);
  });

  // After the fourth the complete value is current, and a rotation must be made from that.
  test.each([0, 1, 2, 3])('never undoes a rotation that ends after %i of its calls', async (calls) => {
    const secret = new FakeSecret('arn', JSON.stringify(LOGIN));
    let made = 0;
    const chaos = new Chaos({
      afterCall: () => {
        if (++made === calls) {
          rotate(secret);
        }
      },
    });
    if (calls === 0) {
      rotate(secret);
    }
    await completing(secret, chaos);
    expect(current(secret)).toBe(complete(ROTATED));
  });

  /** A rotation of before there was a url ends. */
  function rotate(secret: FakeSecret): void {
    const [{ id }] = secret.withStage('AWSCURRENT');
    secret.put('rotated', JSON.stringify(ROTATED), 'AWSPENDING');
    secret.move('AWSCURRENT', id, 'rotated');
    secret.move('AWSPENDING', 'rotated');
  }

  test.each([0, 1, 2, 3, 4].flatMap((call) => FAULTS.map((fault) => [fault, call] as const)))(
    'can be repeated after a %s at call %i',
    async (fault, call) => {
      const secret = new FakeSecret('arn', JSON.stringify(LOGIN));
      const fails = completing(secret, new Chaos({ faults: new Map([[call, fault]]) }));
      await expect(fails).rejects.toThrow(fault === 'throttle' ? 'Rate exceeded' : Crash);
      await completing(secret);
      expect(current(secret)).toBe(complete(LOGIN));
      expect(secret.withStage('AWSCURRENT')).toHaveLength(1);
      expect(secret.withStage(COMPLETED)).toEqual([]);
    },
  );

  test('takes the label of a run that stopped from whatever version has it', async () => {
    const secret = new FakeSecret('arn', complete(LOGIN));
    secret.put('stopped', complete(ROTATED), COMPLETED);
    expect(await completing(secret)).toBe(false);
    expect(secret.withStage(COMPLETED)).toEqual([]);
    expect(current(secret)).toBe(complete(LOGIN));
  });

  test('succeeds where another delivery takes the label away at the same moment', async () => {
    const secret = new FakeSecret('arn', JSON.stringify(LOGIN));
    const takeAway = () => {
      const [labelled] = secret.withStage(COMPLETED);
      if (labelled?.stages.has('AWSCURRENT')) {
        secret.move(COMPLETED, labelled.id);
      }
    };
    expect(await completing(secret, new Chaos({ afterCall: takeAway }))).toBe(true);
    expect(current(secret)).toBe(complete(LOGIN));
  });

  test('does not wait for labels that nobody moves, and quotes nothing that it cannot read', async () => {
    const secret = new FakeSecret('arn', JSON.stringify(LOGIN));
    const store = storeOf([secret], new Invocation(new Chaos()));
    const refused = { ...store, moveStage: () => Promise.reject(new Error('AccessDenied')) };
    await expect(completeUrl('arn', refused, () => 'id')).rejects.toThrow('AccessDenied');
    await expect(completing(new FakeSecret('arn', '{"password":"p0'))).rejects.toThrow('the secret is not JSON');
    await expect(completing(new FakeSecret('arn', ''))).rejects.toThrow('the secret is not JSON');
    const empty = { ...store, stages: async () => ({}) };
    await expect(completeUrl('arn', empty, () => 'id')).rejects.toThrow('the secret has no current value');
  });
});
