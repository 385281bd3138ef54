import { createPrivateKey } from 'node:crypto';
import { resourceWithAttributes } from '../../constructs/handlers/shared/custom-resource';
import { FRESH_SECONDS, REFRESH_SECONDS } from '../../constructs/handlers/shared/retirement';
import { rotate } from '../../constructs/handlers/shared/rotation';
import {
  KEY_GROUP_ID,
  MOST_PREVIOUS,
  ORPHAN_SECONDS,
  PROPAGATION_SECONDS,
  type SigningSecret,
  URL_SIGNING_KEYS_TYPE,
} from '../../constructs/handlers/url-signing-keys/contract';
import { SigningKeyGroup } from '../../constructs/handlers/url-signing-keys/key-group';
import { isPair, newKeyPair } from '../../constructs/handlers/url-signing-keys/key-pair';
import { handleResource } from '../../constructs/handlers/url-signing-keys/resources';
import { retireKeys, SigningKeyRotation } from '../../constructs/handlers/url-signing-keys/rotation';
import { Chaos, Invocation } from '../faults/chaos';
import { FakeCloudFront } from '../faults/fake-cloudfront';
import { FakeSecret, storeOf } from '../faults/fake-secrets-manager';
import { runRotationCases } from '../faults/rotation-cases';
import { DAY, STEPS } from '../faults/rotation-model';
import { naiveCreation, runCreationCases } from '../faults/signing-creation';
import {
  hastySigningHandler,
  naiveSigningHandler,
  realSigningHandler,
  replacingSigningHandler,
  signingSubject,
} from '../faults/signing-subject';
import { signedUrl, verdictOn } from '../storage/signed-url';

const OPTIONS = { period: 30 * DAY, rotations: 2 };
const HOUR = 3600;
const LIFETIME = 2 * DAY;
const FILE = 'https://d111111abcdef8.cloudfront.net/invoices/7.pdf';

/** The handler with real keys, a CloudFront that is consistent after a minute, and a secret that is empty at first. */
class Fixture {
  public readonly clock = { seconds: 1_800_000_000 };
  public readonly cloudFront = new FakeCloudFront(this.clock);
  public readonly secret = new FakeSecret('arn');
  public lifetime = LIFETIME;
  public slept = 0;

  public get options() {
    const group = new SigningKeyGroup(this.cloudFront.behind({ call: async (effect) => effect() }), {
      now: () => this.clock.seconds,
      sleep: async (milliseconds) => {
        this.slept += milliseconds / 1_000;
        this.clock.seconds += milliseconds / 1_000;
      },
    });
    return { group, lifetime: this.lifetime, newKeyPair, isPair };
  }

  public get store() {
    const putCurrent = async (_: string, id: string, value: string) => void this.secret.put(id, value, 'AWSCURRENT');
    return { ...storeOf([this.secret], new Invocation(new Chaos())), putCurrent };
  }

  public request(RequestType: 'Create' | 'Update' | 'Delete', RequestId = 'r1'): Promise<{ [name: string]: string }> {
    const event = {
      RequestType,
      RequestId,
      StackId: 's',
      LogicalResourceId: 'Keys',
      ResourceType: URL_SIGNING_KEYS_TYPE,
    };
    const ResourceProperties = { SecretArn: 'arn', LongestLifetime: '1' };
    return handleResource({ ...event, ResourceProperties }, { ...this.options, store: this.store });
  }

  public async step(Step: string, token: string): Promise<void> {
    const event = { Step, SecretId: 'arn', ClientRequestToken: token };
    await rotate(event, this.store, new SigningKeyRotation(this.options), () => undefined);
  }

  public async rotate(token: string): Promise<SigningSecret> {
    this.secret.startRotation(token);
    for (const step of STEPS) {
      await this.step(step, token);
    }
    return this.current();
  }

  public retire(revoke?: boolean): Promise<string> {
    return retireKeys('arn', this.store, { group: this.options.group, revoke });
  }

  public current(): SigningSecret {
    return JSON.parse(this.secret.withStage('AWSCURRENT')[0].value ?? '');
  }

  /** What the distribution knows: the keys of the group, in PEM. */
  public keys(): { [id: string]: string } {
    return Object.fromEntries(
      (this.cloudFront.current?.keyIds ?? []).map((id) => [id, this.cloudFront.keys.get(id)?.pem ?? '']),
    );
  }

  public verdict(address: string): string {
    return verdictOn(address, this.keys(), this.clock.seconds);
  }
}

async function made(): Promise<Fixture> {
  const fixture = new Fixture();
  await fixture.request('Create');
  fixture.clock.seconds += 30 * DAY;
  return fixture;
}

describe('a signed address', () => {
  test('is served until it expires, and refused when it is altered, unsigned or signed with another key', async () => {
    const fixture = await made();
    const now = fixture.clock.seconds;
    const address = signedUrl(FILE, now + HOUR, fixture.current());
    expect(fixture.verdict(address)).toBe('served');
    expect(fixture.verdict(signedUrl(`${FILE}?v=2`, now + HOUR, fixture.current()))).toBe('served');
    expect(fixture.verdict(address.replace('7.pdf', '8.pdf'))).toBe('altered');
    expect(fixture.verdict(address.replace(`${now + HOUR}`, `${now + DAY}`))).toBe('altered');
    const other = address.replace(/(?<=Signature=)./, (first) => (first === 'A' ? 'B' : 'A'));
    expect(fixture.verdict(other)).toBe('altered');
    expect(fixture.verdict(FILE)).toBe('unsigned');
    const { privateKey } = newKeyPair();
    expect(fixture.verdict(signedUrl(FILE, now + HOUR, { ...fixture.current(), key: privateKey }))).toBe('altered');
    expect(fixture.verdict(signedUrl(FILE, now + HOUR, { key: privateKey, keyId: 'K9' }))).toBe('unknown key');
    fixture.clock.seconds += HOUR;
    expect(fixture.verdict(address)).toBe('expired');
  });

  test('outlives a rotation, after which the new key signs', async () => {
    const fixture = await made();
    const before = fixture.current();
    const after = await fixture.rotate('t1');
    expect(after.keyId).not.toBe(before.keyId);
    for (const signer of [before, after]) {
      expect(fixture.verdict(signedUrl(FILE, fixture.clock.seconds + LIFETIME, signer))).toBe('served');
    }
  });
});

describe('the private key', () => {
  test('is PKCS #1, which the packages cryptography and rsa both read, with 2048 bits', async () => {
    const { key } = (await made()).current();
    expect(key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
    expect(createPrivateKey(key).asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(Object.values((await made()).keys())[0]).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    expect(isPair({ privateKey: key, publicKey: newKeyPair().publicKey })).toBe(false);
    expect(isPair({ privateKey: 'no key', publicKey: 'no key' })).toBe(false);
  });
});

describe('a rotation', () => {
  test('waits until each edge location knows the key, and not longer', async () => {
    const fixture = await made();
    await fixture.rotate('t1');
    expect(fixture.slept).toBeGreaterThanOrEqual(PROPAGATION_SECONDS);
    expect(fixture.slept).toBeLessThan(PROPAGATION_SECONDS + 60);
  });

  test('is not begun by the trial of a new schedule, which has a copy of the value', async () => {
    const fixture = await made();
    fixture.secret.startRotation('t1');
    fixture.secret.put('t1', JSON.stringify(fixture.current()), 'AWSPENDING');
    fixture.slept = 0;
    await fixture.step('testSecret', 't1');
    expect([fixture.slept, fixture.cloudFront.keys.size]).toEqual([0, 1]);
  });

  test('adds the key again before the secret changes, in case a step was lost', async () => {
    const fixture = await made();
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    await fixture.step('finishSecret', 't1');
    expect(Object.keys(fixture.keys())).toContain(fixture.current().keyId);
  });

  test('does not make a key current of which CloudFront has no public half, or another one', async () => {
    const fixture = await made();
    const { keyId } = fixture.current();
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    const pending = JSON.parse(fixture.secret.withStage('AWSPENDING')[0].value ?? '') as SigningSecret;
    fixture.cloudFront.keys.set(pending.keyId, { pem: newKeyPair().publicKey, made: 0 });
    await expect(fixture.step('finishSecret', 't1')).rejects.toThrow(
      'does not have the public key of this private key',
    );
    expect(fixture.current().keyId).toBe(keyId);
  });

  test('puts another key in the place of one that somebody has taken out and deleted', async () => {
    const fixture = await made();
    const { keyId } = fixture.current();
    fixture.cloudFront.put([fixture.cloudFront.addKey('of somebody')]);
    fixture.cloudFront.keys.delete(keyId);
    expect(Object.keys(fixture.keys())).not.toContain((await fixture.rotate('t1')).previous[0].keyId);
    expect(Object.keys(fixture.keys())).toContain(fixture.current().keyId);
  });

  test('adds the current key again, if somebody has taken it out', async () => {
    const fixture = await made();
    const { keyId } = fixture.current();
    fixture.cloudFront.put([fixture.cloudFront.addKey('of somebody')]);
    await fixture.rotate('t1');
    expect(Object.keys(fixture.keys())).toContain(keyId);
  });

  test('fails where somebody has deleted the group, which only a deployment makes', async () => {
    const fixture = await made();
    fixture.cloudFront.current = undefined;
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    await expect(fixture.step('setSecret', 't1')).rejects.toThrow(
      'CloudFront has no such key group. It is made when the stack is deployed',
    );
  });

  test.each([
    ['no key', { keyId: 'K1' }, 'the secret must have `key`, a string'],
    ['an empty id', { key: 'hunter2', keyId: '' }, 'the secret must have `keyId`, a string'],
    ['no list of keys', { key: 'hunter2', keyId: 'K1', previous: 'K0' }, 'must have `previous`, a list'],
    ['nothing in its list', { key: 'hunter2', keyId: 'K1', previous: [null] }, 'must have `previous`, a list'],
    ['no time', { key: 'hunter2', keyId: 'K1', previous: [{ keyId: 'K0' }] }, 'must have `previous`, a list'],
  ])('refuses a secret with %s without quoting it', async (_, value, message) => {
    const fixture = await made();
    fixture.secret.put('by-hand', JSON.stringify(value), 'AWSCURRENT');
    const error: Error = await fixture.rotate('t1').catch((thrown) => thrown);
    expect(error.message).toContain(message);
    expect(error.stack).not.toContain('hunter2');
  });

  test('begins with a secret that somebody has stored by hand, without a list', async () => {
    const fixture = await made();
    const { key, keyId } = fixture.current();
    fixture.secret.put('by-hand', JSON.stringify({ key, keyId }), 'AWSCURRENT');
    expect((await fixture.rotate('t1')).previous.map((each) => each.keyId)).toEqual([keyId]);
  });

  test('gives up a key that was made long ago', async () => {
    const fixture = await made();
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    fixture.clock.seconds += FRESH_SECONDS;
    await expect(fixture.step('setSecret', 't1')).rejects.toThrow('does not follow the current value');
  });

  test('refuses to begin while addresses of three keys are valid, and says until when', async () => {
    const fixture = await made();
    for (let count = 1; count <= MOST_PREVIOUS; count++) {
      await fixture.rotate(`t${count}`);
    }
    fixture.secret.startRotation('late');
    await expect(fixture.step('createSecret', 'late')).rejects.toThrow(
      /addresses of 4 keys are still valid, and .* Start the rotation again after 20\d\d-/,
    );
    expect(fixture.cloudFront.keys.size).toBe(1 + MOST_PREVIOUS);
  });

  test('keeps what else somebody has stored in the secret', async () => {
    const fixture = await made();
    fixture.secret.put('by-hand', JSON.stringify({ ...fixture.current(), owner: 'web' }), 'AWSCURRENT');
    expect(await fixture.rotate('t1')).toMatchObject({ owner: 'web' });
  });
});

describe('a key of before', () => {
  test('leaves when processes had a day to be replaced and the last address has expired, with its public key', async () => {
    const fixture = await made();
    const { keyId } = fixture.current();
    await fixture.rotate('t1');
    const until = fixture.current().previous[0].until;
    expect(until).toBeGreaterThanOrEqual(fixture.clock.seconds + REFRESH_SECONDS + LIFETIME);
    fixture.clock.seconds = until - 1;
    expect(await fixture.retire()).toBe('every key is needed');
    fixture.clock.seconds = until;
    expect(await fixture.retire()).toBe('1 public keys have left');
    expect(Object.keys(fixture.keys())).toEqual([fixture.current().keyId]);
    expect(fixture.cloudFront.keys.has(keyId)).toBe(false);
  });

  test('stays as long as the longest life that it signed for, although that has become shorter', async () => {
    const fixture = await made();
    fixture.lifetime = HOUR;
    await fixture.rotate('t1');
    expect(fixture.current().previous[0].until).toBeGreaterThan(fixture.clock.seconds + LIFETIME);
    fixture.lifetime = 7 * DAY;
    await fixture.rotate('t2');
    expect(fixture.current().previous[0].until).toBeGreaterThan(fixture.clock.seconds + 7 * DAY);
  });

  test('stays when somebody has made an older version current again', async () => {
    const fixture = await made();
    const [{ id: old }] = fixture.secret.withStage('AWSCURRENT');
    const { keyId: newer } = await fixture.rotate('t1');
    fixture.secret.move('AWSCURRENT', 't1', old);
    fixture.clock.seconds += 5 * DAY;
    await fixture.retire();
    expect(Object.keys(fixture.keys())).toContain(newer);
  });

  test('leaves in spite of a version that somebody has stored by hand, which nobody can read', async () => {
    const fixture = await made();
    await fixture.rotate('t1');
    fixture.secret.put('by-hand', 'no JSON', 'AWSPENDING');
    fixture.clock.seconds = fixture.current().previous[0].until;
    expect(await fixture.retire()).toBe('1 public keys have left');
  });

  test('stays where the secret cannot be read for another reason, or has no current value', async () => {
    const fixture = await made();
    await fixture.rotate('t1');
    fixture.clock.seconds = fixture.current().previous[0].until;
    const size = fixture.cloudFront.keys.size;
    const read = fixture.secret.read.bind(fixture.secret);
    const denied = Object.assign(new Error('denied'), { name: 'AccessDenied' });
    const reading = jest.spyOn(fixture.secret, 'read').mockImplementation((id) => {
      if (id !== 't1') {
        throw denied;
      }
      return read(id);
    });
    await expect(fixture.retire()).rejects.toThrow(denied);
    reading.mockRestore();
    jest.spyOn(fixture.secret, 'stages').mockReturnValue({});
    await expect(fixture.retire()).rejects.toThrow('the secret has no current value');
    expect(fixture.cloudFront.keys.size).toBe(size);
  });

  test('leaves at once when an operator revokes it, but never the one that signs', async () => {
    const fixture = await made();
    const { keyId: leaked } = fixture.current();
    const { keyId } = await fixture.rotate('t1');
    await fixture.retire(true);
    expect(Object.keys(fixture.keys())).toEqual([keyId]);
    expect(fixture.cloudFront.keys.has(leaked)).toBe(false);
  });

  test('gives way to a rotation as soon as it is revoked', async () => {
    const fixture = await made();
    for (let count = 1; count <= MOST_PREVIOUS; count++) {
      await fixture.rotate(`t${count}`);
    }
    const { keyId } = fixture.current();
    await fixture.retire(true);
    fixture.clock.seconds += 60;
    const { keyId: next, previous } = await fixture.rotate('late');
    expect(previous).toEqual([expect.objectContaining({ keyId })]);
    expect(Object.keys(fixture.keys()).sort()).toEqual([keyId, next].sort());
  });

  test('is deleted on a later day, if CloudFront does not let it go when it is revoked', async () => {
    const { fixture, leaked } = await revoked({ isDeleted: false });
    expect(fixture.cloudFront.keys.has(leaked)).toBe(true);
    expect(await fixture.retire()).toBe('1 public keys have left');
    expect([...fixture.cloudFront.keys.keys()]).toEqual([fixture.current().keyId]);
  });
});

/** A key was rotated and revoked a minute ago, and CloudFront has deleted it, or thinks that it is in use. */
async function revoked({ isDeleted }: { readonly isDeleted: boolean }) {
  const fixture = await made();
  const { keyId: leaked } = fixture.current();
  const publicKey = fixture.cloudFront.keys.get(leaked);
  await fixture.rotate('t1');
  await fixture.retire(true);
  if (!isDeleted && publicKey !== undefined) {
    fixture.cloudFront.keys.set(leaked, publicKey);
  }
  fixture.clock.seconds += 60;
  return { fixture, leaked };
}

describe('a public key that no version of the secret has', () => {
  test('is deleted a day after it was made, in the group or not', async () => {
    const fixture = await made();
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    await fixture.step('setSecret', 't1');
    fixture.secret.move('AWSPENDING', 't1');
    fixture.cloudFront.addKey('lost');
    fixture.clock.seconds += ORPHAN_SECONDS - 60;
    expect(await fixture.retire()).toBe('every key is needed');
    fixture.clock.seconds += 120;
    expect(await fixture.retire()).toBe('2 public keys have left');
    expect([...fixture.cloudFront.keys.keys()]).toEqual([fixture.current().keyId]);
  });

  test('does not leave while a rotation has it', async () => {
    const fixture = await made();
    fixture.secret.startRotation('t1');
    await fixture.step('createSecret', 't1');
    await fixture.step('setSecret', 't1');
    fixture.clock.seconds += 2 * ORPHAN_SECONDS;
    expect(await fixture.retire()).toBe('every key is needed');
  });
});

describe('the resource', () => {
  test('makes a key, its secret and a group, and gives the id of the group', async () => {
    const fixture = new Fixture();
    const attributes = await fixture.request('Create');
    expect(attributes).toEqual({ [KEY_GROUP_ID]: fixture.cloudFront.current?.id });
    expect(Object.keys(fixture.keys())).toEqual([fixture.current().keyId]);
    expect(fixture.current()).toMatchObject({ lifetime: LIFETIME, previous: [], made: 1_800_000_000 });
  });

  test('resets nothing when it is updated after a rotation', async () => {
    const fixture = await made();
    await fixture.rotate('t1');
    const [value, keys, id] = [fixture.current(), fixture.keys(), fixture.cloudFront.current?.id];
    expect(await fixture.request('Update', 'r2')).toEqual({ [KEY_GROUP_ID]: id });
    expect([fixture.current(), fixture.keys()]).toEqual([value, keys]);
  });

  test('makes a group anew that somebody has deleted, with every key whose addresses are valid', async () => {
    const fixture = await made();
    await fixture.rotate('t1');
    const keys = Object.keys(fixture.keys()).sort();
    fixture.cloudFront.current = undefined;
    await fixture.request('Update', 'r2');
    expect(Object.keys(fixture.keys()).sort()).toEqual(keys);
  });

  test.each([true, false])('adds no revoked key when it is updated, deleted (%s) or not', async (isDeleted) => {
    const { fixture } = await revoked({ isDeleted });
    expect(await fixture.request('Update', 'r2')).toEqual({ [KEY_GROUP_ID]: fixture.cloudFront.current?.id });
    expect(Object.keys(fixture.keys())).toEqual([fixture.current().keyId]);
  });

  test('makes a group anew without a key that was revoked and deleted, which the secret may still list', async () => {
    const fixture = await made();
    const { keyId: leaked } = fixture.current();
    const { keyId: before } = await fixture.rotate('t1');
    fixture.secret.startRotation('t2');
    await fixture.step('createSecret', 't2');
    await fixture.retire(true);
    const { keyId, previous } = await fixture.rotate('t2');
    expect(previous.map((each) => each.keyId)).toEqual([before, leaked]);
    fixture.cloudFront.current = undefined;
    await fixture.request('Update', 'r2');
    expect(Object.keys(fixture.keys()).sort()).toEqual([before, keyId].sort());
  });

  test('adds the current key when it is updated, if somebody has taken it out', async () => {
    const fixture = await made();
    fixture.cloudFront.put([fixture.cloudFront.addKey('of somebody')]);
    await fixture.request('Update', 'r2');
    expect(Object.keys(fixture.keys())).toContain(fixture.current().keyId);
  });

  test('is not deleted while a distribution uses the group, and says so', async () => {
    const fixture = await made();
    fixture.cloudFront.isUsed = true;
    await expect(fixture.request('Delete')).rejects.toThrow(
      'Delete of Custom::UrlSigningKeys: the key group is used by a distribution',
    );
    expect(fixture.slept).toBeLessThan(300);
    fixture.cloudFront.isUsed = false;
    await fixture.request('Delete');
    expect([fixture.cloudFront.current, fixture.cloudFront.keys.size]).toEqual([undefined, 0]);
    await fixture.request('Delete');
  });

  test('fails where the secret does not keep its first key, and makes no group', async () => {
    const fixture = new Fixture();
    jest.spyOn(fixture.secret, 'put').mockReturnValue(false);
    await expect(fixture.request('Create')).rejects.toThrow('the secret has no current value');
    expect(fixture.cloudFront.current).toBeUndefined();
  });

  test('is deleted when CloudFront lets the last public key go, a while after the group', async () => {
    const fixture = await made();
    let refusals = 2;
    const { keys } = fixture.cloudFront;
    const remove = keys.delete.bind(keys);
    const behind = fixture.cloudFront.behind.bind(fixture.cloudFront);
    jest.spyOn(fixture.cloudFront, 'behind').mockImplementation((invocation) => ({
      ...behind(invocation),
      deletePublicKey: async (id) => (refusals-- > 0 ? false : remove(id)),
    }));
    fixture.slept = 0;
    await fixture.request('Delete');
    expect([refusals, keys.size]).toEqual([-1, 0]);
    expect(fixture.slept).toBeGreaterThanOrEqual(15);
  });

  test('hands its attributes to CloudFormation', async () => {
    const answers: string[] = [];
    const answer = resourceWithAttributes<object>(
      async () => ({ [KEY_GROUP_ID]: 'group-1' }),
      async (_, body) => void answers.push(body),
    );
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const event = { RequestType: 'Create' as const, ResponseURL: 'https://cfn', StackId: 's', RequestId: 'r' };
    const rest = { LogicalResourceId: 'Keys', ResourceType: URL_SIGNING_KEYS_TYPE, ResourceProperties: {} };
    await answer({ ...event, ...rest }, { logStreamName: 'stream', getRemainingTimeInMillis: () => 1_000 });
    log.mockRestore();
    expect(JSON.parse(answers[0])).toMatchObject({ Status: 'SUCCESS', Data: { [KEY_GROUP_ID]: 'group-1' } });
  });
});

describe('under faults', () => {
  const NARROW = { pairs: false, triples: 100, disturbed: 200 };

  test('no address is refused before its time, and no public key stays for ever', async () => {
    const { violations } = await runRotationCases(signingSubject(realSigningHandler), NARROW, OPTIONS);
    expect(violations).toEqual({});
  }, 60_000);

  test('the resource is made and deleted whole', async () => {
    expect((await runCreationCases(handleResource, 200)).violations).toEqual({});
    expect((await runCreationCases(naiveCreation, 0)).violations).toMatchObject({ rest: expect.any(Number) });
  }, 60_000);

  test.each([
    ['a key in place of the other', replacingSigningHandler, ['current', 'expired']],
    ['a key that no edge location knows', hastySigningHandler, ['current']],
    ['what does not remember', naiveSigningHandler, ['expired', 'orphans', 'leak']],
  ])('the model notices %s', async (_, handler, kinds) => {
    const few = { pairs: false, triples: 0, disturbed: 50 };
    const { violations } = await runRotationCases(signingSubject(handler), few, OPTIONS);
    expect(Object.keys(violations)).toEqual(expect.arrayContaining(kinds));
  });
});
