import { Failure } from '../../constructs/handlers/shared/failure';
import { type IRotationStrategy, rotate } from '../../constructs/handlers/shared/rotation';
import { Chaos, Invocation } from '../faults/chaos';
import { FakeSecret, storeOf } from '../faults/fake-secrets-manager';

/** A value is a number, and follows the one before it. */
class Counting implements IRotationStrategy<number> {
  public readonly calls: string[] = [];

  public parse(text: string): number {
    if (!/^\d+$/.test(text)) {
      throw new Failure('the secret is no number');
    }
    return Number(text);
  }

  public next(current: number): number {
    return current + 1;
  }

  public follows(current: number, pending: number): boolean {
    return pending === current + 1;
  }

  public async apply(_current: number, pending: number): Promise<void> {
    this.calls.push(`apply ${pending}`);
  }

  public async verify(_current: number, pending: number): Promise<void> {
    this.calls.push(`verify ${pending}`);
  }
}

function rotating(secret: FakeSecret) {
  const strategy = new Counting();
  const lines: string[] = [];
  const store = storeOf([secret], new Invocation(new Chaos()));
  const step = (Step: string, ClientRequestToken = 't1') =>
    rotate({ Step, SecretId: 'arn', ClientRequestToken }, store, strategy, (line) => void lines.push(line));
  return { calls: strategy.calls, lines, step };
}

describe('a step of a rotation', () => {
  test('that Secrets Manager does not have fails, and changes nothing', async () => {
    const secret = new FakeSecret('arn', '1');
    secret.startRotation('t1');
    const { step, calls } = rotating(secret);
    await step('createSecret');
    await expect(step('dropSecret')).rejects.toThrow('dropSecret of version t1: is not a step of a rotation');
    expect(calls).toEqual([]);
    expect(secret.withStage('AWSCURRENT')[0].value).toBe('1');
  });

  test.each(['setSecret', 'testSecret', 'finishSecret'])(
    '%s needs a value, which createSecret stores',
    async (name) => {
      const secret = new FakeSecret('arn', '1');
      secret.startRotation('t1');
      const { step, calls } = rotating(secret);
      await expect(step(name)).rejects.toThrow(`${name} of version t1: has no value yet: createSecret comes first`);
      expect(calls).toEqual([]);
      expect(secret.withStage('AWSPENDING').map(({ id }) => id)).toEqual(['t1']);
    },
  );

  test('createSecret leaves a value that is stored already', async () => {
    const secret = new FakeSecret('arn', '1');
    secret.startRotation('t1');
    const { step, lines } = rotating(secret);
    await step('createSecret');
    await step('createSecret');
    expect(lines).toEqual([
      'createSecret of version t1: stored a new value',
      'createSecret of version t1: a value is stored already',
    ]);
    expect(secret.read('t1')).toBe('2');
  });
});

describe('a secret', () => {
  test('without a current version is not rotated', async () => {
    const secret = new FakeSecret('arn');
    secret.startRotation('t1');
    await expect(rotating(secret).step('createSecret')).rejects.toThrow('the secret has no AWSCURRENT version');
    expect(secret.values()).toEqual([]);
  });

  test('whose current version is empty is not rotated', async () => {
    const secret = new FakeSecret('arn');
    const empty = secret.startRotation('empty');
    secret.put('other', '5', 'AWSCURRENT');
    secret.move('AWSCURRENT', 'other', empty);
    secret.move('AWSPENDING', empty);
    secret.startRotation('t1');
    await expect(rotating(secret).step('createSecret')).rejects.toThrow('the current version has no value');
    expect(secret.read('t1')).toBeUndefined();
  });

  test('whose pending value nobody can read loses it, so that the next rotation starts anew', async () => {
    const secret = new FakeSecret('arn', '1');
    secret.put('t1', 'by hand', 'AWSPENDING');
    const { step } = rotating(secret);
    await expect(step('setSecret')).rejects.toThrow('does not follow the current value and was given up');
    expect(secret.withStage('AWSPENDING')).toEqual([]);
  });
});
