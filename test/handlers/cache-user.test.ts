import {
  CACHE_ADDRESS_TYPE,
  CACHE_USER_TYPE,
  type CacheSecret,
  cacheUrl,
} from '../../constructs/handlers/cache-user/contract';
import { userIn } from '../../constructs/handlers/cache-user/elasticache';
import { handleResource } from '../../constructs/handlers/cache-user/resources';
import { CacheRotation, retirePrevious } from '../../constructs/handlers/cache-user/rotation';
import { CacheUser } from '../../constructs/handlers/cache-user/user';
import type { CustomResourceEvent } from '../../constructs/handlers/shared/custom-resource';
import { FRESH_SECONDS, RETIRE_SECONDS } from '../../constructs/handlers/shared/retirement';
import { rotate } from '../../constructs/handlers/shared/rotation';
import { cacheSubject, FakeUser, naiveCacheHandler, realCacheHandler } from '../faults/cache-subject';
import { Chaos, Invocation } from '../faults/chaos';
import { FakeSecret, storeOf } from '../faults/fake-secrets-manager';
import { runRotationCases } from '../faults/rotation-cases';
import { DAY, STEPS } from '../faults/rotation-model';

const OPTIONS = { period: 30 * DAY, rotations: 2 };

class Fixture {
  public now = 1_800_000_000;
  public readonly user = new FakeUser();
  public readonly secret: FakeSecret;
  public readonly waited: number[] = [];
  private made = 0;

  public constructor(value: object = { username: 'django', password: 'p0', host: 'cache', port: 6379 }) {
    this.secret = new FakeSecret('arn', JSON.stringify(value));
    this.user.isThere = true;
    this.user.passwords = ['p0'];
  }

  public current(): CacheSecret {
    return JSON.parse(this.secret.withStage('AWSCURRENT')[0].value ?? '');
  }

  private get options() {
    const api = this.user.behind({ call: async (effect) => effect() });
    const user = new CacheUser(api, async (milliseconds) => void this.waited.push(milliseconds));
    return { user, random: () => `p${++this.made}`, now: () => this.now };
  }

  public async step(Step: string, token: string): Promise<void> {
    const event = { Step, SecretId: 'arn', ClientRequestToken: token };
    await rotate(event, this.store, new CacheRotation(this.options), () => undefined);
  }

  public async rotate(token: string): Promise<CacheSecret> {
    this.secret.startRotation(token);
    for (const step of STEPS) {
      await this.step(step, token);
    }
    return this.current();
  }

  public retire(): Promise<string> {
    return retirePrevious('arn', this.store, this.options);
  }

  public async resource(event: object): Promise<void> {
    const putCurrent = async (_: string, id: string, value: string) => void this.secret.put(id, value, 'AWSCURRENT');
    const given = { RequestType: 'Create', RequestId: 'r1', ResourceProperties: { SecretArn: 'arn' }, ...event };
    await handleResource(given as CustomResourceEvent<never>, {
      user: this.options.user,
      store: { ...this.store, putCurrent },
    });
  }

  private get store() {
    return storeOf([this.secret], new Invocation(new Chaos()));
  }
}

describe('a rotation', () => {
  test('adds a password beside the current one, in the secret and in the address', async () => {
    const fixture = new Fixture();
    const value = await fixture.rotate('t1');
    expect(value).toMatchObject({ username: 'django', password: 'p1', url: 'rediss://django:p1@cache:6379/0' });
    expect(fixture.user.passwords).toEqual(['p0', 'p1']);
    expect(fixture.waited.length).toBeGreaterThan(0);
  });

  test('gives no address to a secret that has none yet', async () => {
    const value = await new Fixture({ username: 'django', password: 'p0' }).rotate('t1');
    expect(value).toMatchObject({ username: 'django', password: 'p1' });
    expect(value).not.toHaveProperty('url');
  });

  test('lets the oldest password go, since a user has two at most', async () => {
    const fixture = new Fixture();
    await fixture.rotate('t1');
    await fixture.rotate('t2');
    expect(fixture.user.passwords).toEqual(['p1', 'p2']);
  });

  test('sets the passwords again before the secret changes, in case a step was lost', async () => {
    const fixture = new Fixture();
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    await fixture.step('finishSecret', 't1');
    expect(fixture.user.accepts('p1')).toBe(true);
  });

  test('is not begun by the trial of a new schedule, which has a copy of the value', async () => {
    const fixture = new Fixture();
    fixture.secret.startRotation('t1');
    fixture.secret.put('t1', JSON.stringify(fixture.current()), 'AWSPENDING');
    await fixture.step('testSecret', 't1');
    expect(fixture.user.passwords).toEqual(['p0']);
  });

  test('gives up a password that was made long ago, and one for a cache elsewhere', async () => {
    const fixture = new Fixture();
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    fixture.now += FRESH_SECONDS;
    await expect(fixture.step('setSecret', 't1')).rejects.toThrow('does not follow the current value');
    await fixture.rotate('t2');
    fixture.secret.startRotation('t3');
    await fixture.step('createSecret', 't3');
    fixture.secret.put('moved', JSON.stringify({ ...fixture.current(), host: 'elsewhere' }), 'AWSCURRENT');
    await expect(fixture.step('setSecret', 't3')).rejects.toThrow('does not follow the current value');
  });

  test('says what is wrong with a secret, and that there is no user, without a value', async () => {
    const fixture = new Fixture({ username: 'django' });
    fixture.secret.startRotation('t1');
    await expect(fixture.step('createSecret', 't1')).rejects.toThrow('the secret must have `password`, a string');
    const without = new Fixture();
    without.user.isThere = false;
    without.secret.startRotation('t1');
    await without.step('createSecret', 't1');
    await expect(without.step('setSecret', 't1')).rejects.toThrow('ElastiCache has no such user');
  });

  test('is right under faults, deliveries side by side, changes by hand and the daily schedule', async () => {
    const breadth = { pairs: false, triples: 150, disturbed: 400 };
    const figures = await runRotationCases(cacheSubject(realCacheHandler), breadth, OPTIONS);
    expect(figures).toMatchObject({ failed: 0, violations: {} });
    expect(figures.cases).toBeGreaterThan(500);
  });

  test('and the model notices one that has only the new password accepted', async () => {
    const breadth = { pairs: false, triples: 0, disturbed: 20 };
    const { violations } = await runRotationCases(cacheSubject(naiveCacheHandler), breadth, OPTIONS);
    expect(Object.keys(violations)).toEqual(expect.arrayContaining(['refused', 'previous']));
  });
});

describe('the daily schedule', () => {
  test('lets the password of before leave when services have had a day', async () => {
    const fixture = new Fixture();
    await fixture.rotate('t1');
    fixture.now += DAY;
    expect(await fixture.retire()).toBe('the password before may still be in use');
    expect(fixture.user.passwords).toEqual(['p0', 'p1']);
    fixture.now += RETIRE_SECONDS - DAY;
    expect(await fixture.retire()).toBe('the password before has left');
    expect(fixture.user.passwords).toEqual(['p1']);
    expect(await fixture.retire()).toBe('there is one password only');
  });

  test('fails where the secret has no value, and takes no password away', async () => {
    const fixture = new Fixture();
    await fixture.rotate('t1');
    fixture.now += 2 * RETIRE_SECONDS;
    jest.spyOn(fixture.secret, 'stages').mockReturnValue({});
    await expect(fixture.retire()).rejects.toThrow('the current version has no value');
    expect(fixture.user.passwords).toEqual(['p0', 'p1']);
  });

  test('does nothing before the first rotation, and during one', async () => {
    const fixture = new Fixture();
    expect(await fixture.retire()).toBe('the password before may still be in use');
    await fixture.rotate('t1');
    fixture.now += 2 * RETIRE_SECONDS;
    fixture.secret.startRotation('t2');
    await fixture.step('createSecret', 't2');
    await fixture.step('setSecret', 't2');
    expect(await fixture.retire()).toBe('a rotation is at work');
    expect(fixture.user.passwords).toEqual(['p1', 'p2']);
  });

  test('gives back what it took from a rotation that began at the same time', async () => {
    const fixture = new Fixture();
    await fixture.rotate('t1');
    fixture.now += 2 * RETIRE_SECONDS;
    const set = fixture.user.set.bind(fixture.user);
    jest.spyOn(fixture.user, 'set').mockImplementationOnce((passwords) => {
      fixture.secret.startRotation('t2');
      fixture.secret.put('t2', JSON.stringify({ ...fixture.current(), password: 'p2' }), 'AWSPENDING');
      return set(passwords);
    });
    expect(await fixture.retire()).toBe('a rotation has begun');
    expect(fixture.user.passwords).toEqual(['p1', 'p2']);
  });
});

describe('CloudFormation', () => {
  const user = (more: object = {}) => ({
    ResourceType: CACHE_USER_TYPE,
    ResourceProperties: { SecretArn: 'arn', UserId: 'u', AccessString: 'on ~* +@all' },
    ...more,
  });
  const address = (more: object = {}) => ({
    ResourceType: CACHE_ADDRESS_TYPE,
    ResourceProperties: { SecretArn: 'arn', Host: 'master.cache', Port: '6379' },
    ...more,
  });

  test('has the user made with the password of the secret, once and again', async () => {
    const fixture = new Fixture();
    fixture.user.isThere = false;
    for (const _ of [1, 2]) {
      await fixture.resource(user());
      expect(fixture.user).toMatchObject({ passwords: ['p0'], accessString: 'on ~* +@all', isThere: true });
    }
  });

  test('cannot reset passwords with an update, which changes what the user may do', async () => {
    const fixture = new Fixture();
    await fixture.rotate('t1');
    await fixture.resource(user({ RequestType: 'Update' }));
    expect(fixture.user.passwords).toEqual(['p0', 'p1']);
    expect(fixture.user.accessString).toBe('on ~* +@all');
  });

  test('has a user made again that somebody has deleted', async () => {
    const fixture = new Fixture();
    fixture.user.isThere = false;
    await fixture.resource(user({ RequestType: 'Update' }));
    expect(fixture.user).toMatchObject({ passwords: ['p0'], isThere: true });
  });

  test('has the user deleted, also one that was never made', async () => {
    const fixture = new Fixture();
    for (const _ of [1, 2]) {
      await fixture.resource(user({ RequestType: 'Delete' }));
      expect(fixture.user.isThere).toBe(false);
    }
  });

  test('has the secret say where the cache is, with the password that it has', async () => {
    const fixture = new Fixture({ username: 'django', password: 'p 0/', extra: true });
    for (const _ of [1, 2]) {
      await fixture.resource(address());
    }
    expect(fixture.current()).toEqual({
      username: 'django',
      password: 'p 0/',
      extra: true,
      host: 'master.cache',
      port: 6379,
      url: 'rediss://django:p%200%2F@master.cache:6379/0',
    });
    expect(fixture.secret.versionIds()).toEqual(['r1', 'v0']);
  });

  test('has it say so after another cache has taken the place of the first, and forget nothing at the end', async () => {
    const fixture = new Fixture();
    await fixture.resource(address());
    await fixture.resource({
      ...address({ RequestType: 'Update', RequestId: 'r2' }),
      ResourceProperties: { SecretArn: 'arn', Host: 'second', Port: '6379' },
    });
    expect(fixture.current().url).toBe('rediss://django:p0@second:6379/0');
    await fixture.resource(address({ RequestType: 'Delete' }));
    expect(fixture.current().host).toBe('second');
  });

  test('is told that the secret has no value, and makes no user', async () => {
    const fixture = new Fixture();
    fixture.user.isThere = false;
    jest.spyOn(fixture.secret, 'stages').mockReturnValue({});
    await expect(fixture.resource(user())).rejects.toThrow('the secret has no current value');
    expect(fixture.user.isThere).toBe(false);
  });

  test('is told what went wrong, without a value', async () => {
    const fixture = new Fixture({ password: 'hidden' });
    await expect(fixture.resource(address())).rejects.toThrow(
      'Create of Custom::CacheAddress: the secret must have `username`, a string',
    );
  });
});

describe('a user that another change is at work on', () => {
  const never = {
    describe: async () => ({ status: 'modifying', passwords: 1 }),
    create: async () => false,
    setPasswords: async () => false,
    setAccessString: async () => false,
    remove: async () => false,
  };

  test('is waited for, for two minutes', async () => {
    const pauses: number[] = [];
    const user = new CacheUser(never, async (milliseconds) => void pauses.push(milliseconds));
    await expect(user.setPasswords(['a'])).rejects.toThrow('the user is not active, two minutes after');
    await expect(user.remove()).rejects.toThrow('the user cannot be deleted, two minutes after');
    const waited = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(waited).toBeGreaterThan(240_000);
    expect(waited).toBeLessThan(250_000);
  });
});

describe('ElastiCache', () => {
  const sent: { name: string; input: unknown }[] = [];
  let answer: () => unknown = () => ({});
  const api = userIn(
    {
      send: async (command: { constructor: { name: string }; input: unknown }) => {
        sent.push({ name: command.constructor.name, input: command.input });
        return answer();
      },
    } as never,
    'u',
  );
  const fails = (name: string) => () => {
    throw Object.assign(new Error('no'), { name });
  };

  beforeEach(() => {
    sent.length = 0;
    answer = () => ({});
  });

  test('is asked for a user of Valkey with a password, and for changes of one thing at a time', async () => {
    expect(await api.create({ username: 'django', password: 'p', accessString: 'on' })).toBe(true);
    expect(await api.setPasswords(['p', 'q'])).toBe(true);
    expect(await api.setAccessString('off')).toBe(true);
    expect(await api.remove()).toBe(true);
    expect(sent.map(({ input }) => input)).toEqual([
      {
        UserId: 'u',
        UserName: 'django',
        Engine: 'valkey',
        AccessString: 'on',
        AuthenticationMode: { Type: 'password', Passwords: ['p'] },
      },
      { UserId: 'u', AuthenticationMode: { Type: 'password', Passwords: ['p', 'q'] } },
      { UserId: 'u', AccessString: 'off' },
      { UserId: 'u' },
    ]);
  });

  test('says how a user is', async () => {
    answer = () => ({ Users: [{ Status: 'active', Authentication: { PasswordCount: 2 } }] });
    expect(await api.describe()).toEqual({ status: 'active', passwords: 2 });
    answer = () => ({ Users: [{ UserId: 'u' }] });
    expect(await api.describe()).toEqual({ status: '', passwords: 0 });
    answer = () => ({ Users: [] });
    expect(await api.describe()).toBeUndefined();
    answer = fails('UserNotFoundFault');
    expect(await api.describe()).toBeUndefined();
  });

  test.each([
    ['UserAlreadyExistsFault', () => api.create({ username: 'u', password: 'p', accessString: 'on' }), false],
    ['InvalidUserStateFault', () => api.setPasswords(['p']), false],
    ['InvalidUserState', () => api.setAccessString('on'), false],
    ['InvalidUserStateFault', () => api.remove(), false],
    ['UserNotFoundFault', () => api.remove(), true],
  ])('%s has its meaning', async (name, act, meaning) => {
    answer = fails(name);
    expect(await act()).toBe(meaning);
    answer = fails('AccessDenied');
    await expect(act()).rejects.toThrow('no');
  });
});

test('an address is percent-encoded', () => {
  expect(cacheUrl({ username: 'a@b', password: 'c:d/e', host: 'h', port: 1 })).toBe('rediss://a%40b:c%3Ad%2Fe@h:1/0');
});
