import { fallbackLimit, type SecretKeyValue } from '../../constructs/handlers/secret-key-rotation/contract';
import { SecretKeyRotation } from '../../constructs/handlers/secret-key-rotation/secret-key';
import { type RotationEvent, rotate } from '../../constructs/handlers/shared/rotation';
import { Chaos, Invocation } from '../faults/chaos';
import { FakeSecret, storeOf } from '../faults/fake-secrets-manager';
import { runRotationCases } from '../faults/rotation-cases';
import { DAY, STEPS } from '../faults/rotation-model';
import {
  naiveSecretKeyHandler,
  PERIOD,
  realSecretKeyHandler,
  secretKeySubject,
  unannouncedSecretKeyHandler,
} from '../faults/secret-key-subject';

const key = (name: string): string => name.repeat(32);

class Fixture {
  public now = 1_800_000_000;
  public readonly log: string[] = [];
  public readonly secret: FakeSecret;
  private made = 0;

  public constructor(value: unknown = { key: key('k'), fallbacks: [] }) {
    this.secret = new FakeSecret('arn', typeof value === 'string' ? value : JSON.stringify(value));
  }

  public current(): SecretKeyValue {
    return JSON.parse(this.secret.withStage('AWSCURRENT')[0].value ?? '');
  }

  public async step(Step: string, token: string): Promise<void> {
    const event: RotationEvent = { Step, SecretId: 'arn', ClientRequestToken: token };
    const strategy = new SecretKeyRotation({
      sessionCookieAge: 14 * DAY,
      rotationPeriod: 30 * DAY,
      random: () => key(String(this.made++)),
      now: () => this.now,
    });
    await rotate(event, storeOf([this.secret], new Invocation(new Chaos())), strategy, (line) => this.log.push(line));
  }

  public async rotate(token: string): Promise<SecretKeyValue> {
    this.secret.startRotation(token);
    for (const step of STEPS) {
      await this.step(step, token);
    }
    return this.current();
  }
}

test('the first rotation only announces the next key', async () => {
  const { key: kept, next, fallbacks } = await new Fixture().rotate('t1');
  expect([kept, next, fallbacks]).toEqual([key('k'), key('0'), []]);
});

test('the second makes the announced key the key, keeps the one before and announces another', async () => {
  const fixture = new Fixture();
  await fixture.rotate('t1');
  expect(await fixture.rotate('t2')).toMatchObject({ key: key('0'), next: key('1'), fallbacks: [key('k')] });
});

test('on schedule, as many keys are remembered as sessions can need', async () => {
  const fixture = new Fixture();
  for (let rotation = 0; rotation < 6; rotation++) {
    fixture.now += 30 * DAY;
    await fixture.rotate(`t${rotation}`);
  }
  expect(fallbackLimit(14 * DAY, 30 * DAY)).toBe(2);
  expect(fixture.current().fallbacks).toEqual([key('3'), key('2')]);
});

test('rotations by hand in a row never push out a key that sessions still use', async () => {
  const fixture = new Fixture();
  for (let rotation = 0; rotation < 6; rotation++) {
    fixture.now += 60;
    await fixture.rotate(`t${rotation}`);
  }
  expect(fixture.current().fallbacks).toContain(key('k'));
  fixture.now += 15 * DAY;
  await fixture.rotate('later');
  expect(fixture.current().fallbacks).not.toContain(key('k'));
});

test('the trial of a new schedule, testSecret on a copy of the current value, succeeds before anything was announced', async () => {
  const fixture = new Fixture();
  fixture.secret.put('trial', JSON.stringify(fixture.current()), 'AWSPENDING');
  await expect(fixture.step('testSecret', 'trial')).resolves.toBeUndefined();
});

test('a value that was made long before it could become current is given up', async () => {
  const fixture = new Fixture();
  await fixture.rotate('t1');
  fixture.secret.startRotation('t2');
  await fixture.step('createSecret', 't2');
  fixture.now += 2 * DAY;
  await expect(fixture.step('finishSecret', 't2')).rejects.toThrow('given up. Start the rotation again');
  expect(fixture.secret.withStage('AWSPENDING')).toEqual([]);
  await expect(fixture.rotate('t3')).resolves.toMatchObject({ key: key('0') });
});

test('a value that announces the key of before does not pass the test', async () => {
  const fixture = new Fixture();
  const { key: same, next } = await fixture.rotate('t1');
  fixture.secret.put(
    't2',
    JSON.stringify({ key: next, next: same, fallbacks: [same], retired: [fixture.now] }),
    'AWSPENDING',
  );
  await expect(fixture.step('finishSecret', 't2')).rejects.toThrow('must be there and differ from each other');
  expect(fixture.current().key).toBe(same);
});

test('keys that were remembered before times were stored count as retired long ago', () => {
  const strategy = new SecretKeyRotation({
    sessionCookieAge: 14 * DAY,
    rotationPeriod: 30 * DAY,
    random: () => key('n'),
    now: () => 1_800_000_000,
  });
  const made = strategy.next({ key: key('k'), next: key('m'), fallbacks: [] });
  expect(made).toEqual({ key: key('m'), next: key('n'), fallbacks: [key('k')], retired: [1_800_000_000] });
  const stored = JSON.stringify({ key: key('k'), fallbacks: [key('a'), key('b')] });
  expect(strategy.parse(stored).retired).toEqual([0, 0]);
});

test('a replay of an older rotation changes nothing', async () => {
  const fixture = new Fixture();
  await fixture.rotate('t1');
  const { key: newest } = await fixture.rotate('t2');
  await expect(fixture.step('finishSecret', 't1')).rejects.toThrow('is not AWSPENDING');
  expect(fixture.current().key).toBe(newest);
});

test.each([
  ['plain text', 'a-secret-key-that-is-not-json', 'is not JSON'],
  ['a list', '["a-secret-key-that-is-not-json"]', 'is not a JSON object'],
  ['no fallbacks', { key: key('a-secret-key-that-is-not-json') }, '`fallbacks`'],
  ['a short key', { key: 'a-secret-key-that-is', fallbacks: [] }, '`key`'],
])('a secret with %s is refused without being quoted', async (_, value, message) => {
  const fixture = new Fixture(value);
  fixture.secret.startRotation('t1');
  const error = await fixture.step('createSecret', 't1').catch((thrown) => thrown);
  expect(error.message).toContain(message);
  expect(error.stack + fixture.log.join()).not.toContain('a-secret-key');
});

test('no fault, pair of deliveries or replay violates anything', async () => {
  const breadth = { pairs: false, triples: 100, disturbed: 150 };
  const figures = await runRotationCases(secretKeySubject(realSecretKeyHandler), breadth, {
    period: PERIOD,
    rotations: 3,
  });
  expect(figures).toMatchObject({ failed: 0, example: undefined });
  expect(figures.cases).toBeGreaterThan(350);
});

test('the model bites: a naive handler loses keys, leaks, and wedges', async () => {
  const breadth = { pairs: false, triples: 0, disturbed: 50 };
  const figures = await runRotationCases(secretKeySubject(naiveSecretKeyHandler), breadth, {
    period: PERIOD,
    rotations: 2,
  });
  expect(Object.keys(figures.violations)).toEqual(expect.arrayContaining(['announced', 'accepted', 'leak', 'wedged']));
});

test('the model bites: without an announcement, tasks that still run do not know the new key', async () => {
  const breadth = { pairs: false, triples: 0, disturbed: 0 };
  const subject = secretKeySubject(unannouncedSecretKeyHandler);
  const figures = await runRotationCases(subject, breadth, { period: PERIOD, rotations: 2 });
  expect(figures.violations.announced).toBe(figures.cases);
});
