import {
  KEY_GROUP_ID,
  type SigningSecret,
  URL_SIGNING_KEYS_TYPE,
} from '../../constructs/handlers/url-signing-keys/contract';
import { SigningKeyGroup } from '../../constructs/handlers/url-signing-keys/key-group';
import type { handleResource, ISigningWorld } from '../../constructs/handlers/url-signing-keys/resources';
import { retireKeys } from '../../constructs/handlers/url-signing-keys/rotation';
import { Chaos, FAULTS, type Fault, Invocation, randomFrom } from './chaos';
import { FakeCloudFront } from './fake-cloudfront';
import { FakeSecret, storeOf } from './fake-secrets-manager';
import { type Figures, someFaults, tally } from './figures';
import { DAY } from './rotation-model';
import { isFakePair, LIFETIME } from './signing-subject';

interface CreationCase {
  readonly faults: ReadonlyMap<number, Fault>;
  /** Given: each request is delivered twice, side by side. */
  readonly seed?: number;
}

export type CreationHandler = typeof handleResource;

/** Makes anew what it does not remember: right as long as CloudFormation asks once. */
export const naiveCreation: CreationHandler = async ({ RequestType, RequestId, ResourceProperties }, world) => {
  const { api } = world.group;
  if (RequestType === 'Delete') {
    const group = await api.group();
    await api.deleteGroup(group as NonNullable<typeof group>);
    return {};
  }
  const { privateKey, publicKey } = world.newKeyPair();
  const keyId = await api.createPublicKey(publicKey);
  const value = { key: privateKey, keyId, made: 0, lifetime: LIFETIME, previous: [] } satisfies SigningSecret;
  await world.store.putCurrent(ResourceProperties.SecretArn, RequestId, JSON.stringify(value));
  await api.createGroup([keyId]);
  const attributes: { [name: string]: string } = { [KEY_GROUP_ID]: (await api.group())?.id ?? '' };
  return attributes;
};

/** The resource is made and deleted again, with every single fault, every pair, and side by side. */
export function runCreationCases(handler: CreationHandler, disturbed: number): Promise<Figures> {
  return tally(plans(disturbed), (plan) => new Run(handler, plan).run());
}

const LENGTH = 30;

function* plans(disturbed: number): Generator<CreationCase> {
  yield { faults: new Map() };
  for (let first = 0; first < LENGTH; first++) {
    for (const fault of FAULTS) {
      yield { faults: new Map([[first, fault]]) };
      for (let second = first + 1; second < LENGTH; second++) {
        yield { faults: new Map([[first, fault], ...FAULTS.map((other, index) => [second + index, other] as const)]) };
      }
    }
  }
  const random = randomFrom(5);
  for (let index = 0; index < disturbed; index++) {
    yield { faults: someFaults(random, 2 * LENGTH, Math.floor(random() * 4)), seed: index + 1 };
  }
}

class Run {
  private readonly clock = { seconds: 1_800_000_000 };
  private readonly cloudFront = new FakeCloudFront(this.clock);
  private readonly secret = new FakeSecret('arn:signing');
  private readonly chaos: Chaos;
  private readonly random: () => number;
  private attributes: { [name: string]: string } = {};
  private count = 0;

  public constructor(
    private readonly handler: CreationHandler,
    private readonly plan: CreationCase,
  ) {
    this.chaos = new Chaos({ faults: plan.faults });
    this.random = randomFrom(plan.seed ?? 1);
  }

  public async run(): Promise<{ violations: string[]; calls: number }> {
    const violations: string[] = [];
    const isMade = await this.request('Create');
    violations.push(...(isMade ? this.afterCreation() : ['wedged: it cannot be made']));
    this.clock.seconds += 2 * DAY;
    const calm = this.world({ call: async (effect) => effect() });
    await retireKeys('arn:signing', calm.store, calm).catch(() => undefined);
    const left = this.cloudFront.keys.size;
    violations.push(...(isMade && left !== 1 ? [`orphans: ${left} public keys after creation`] : []));
    const isDeleted = await this.request('Delete');
    violations.push(...(isDeleted ? [] : ['wedged: it cannot be deleted']));
    const rest = this.cloudFront.keys.size + (this.cloudFront.current === undefined ? 0 : 1);
    violations.push(...(rest === 0 ? [] : ['rest: something is left of what was deleted']));
    return { violations, calls: this.chaos.calls };
  }

  private afterCreation(): string[] {
    const { key, keyId } = JSON.parse(this.secret.withStage('AWSCURRENT')[0]?.value ?? '{}') as SigningSecret;
    const publicKey = this.cloudFront.keys.get(keyId)?.pem ?? '';
    return [
      ...(this.cloudFront.current?.keyIds.includes(keyId) ? [] : ['current: the group must have the current key']),
      ...(isFakePair({ privateKey: key ?? '', publicKey }) ? [] : ['pair: the id must be that of the key']),
      ...(this.attributes[KEY_GROUP_ID] === this.cloudFront.current?.id ? [] : ['id: it must be that of the group']),
    ];
  }

  /** As CloudFormation and Lambda do it: the same request again until it is answered, and a user who tries again. */
  private async request(RequestType: 'Create' | 'Delete'): Promise<boolean> {
    for (let attempts = 0; attempts < 8; attempts++) {
      const event = {
        RequestType,
        RequestId: `${RequestType}-${Math.floor(attempts / 3)}`,
        ResourceType: URL_SIGNING_KEYS_TYPE,
        ResourceProperties: { SecretArn: 'arn:signing', LongestLifetime: '1' },
        StackId: 'stack',
        LogicalResourceId: 'Keys',
      };
      let ok = false;
      const once = async (): Promise<void> => {
        const world = this.world(new Invocation(this.chaos));
        const given = await this.handler(event, world).catch(() => undefined);
        this.attributes = given ?? this.attributes;
        ok = ok || given !== undefined;
      };
      await (this.plan.seed === undefined ? once() : this.chaos.sideBySide([once, once], this.random));
      if (ok) {
        return true;
      }
      this.clock.seconds += 60;
    }
    return false;
  }

  private world(invocation: Pick<Invocation, 'call'>): ISigningWorld {
    const putCurrent = (_: string, id: string, value: string): Promise<void> =>
      invocation.call(() => void this.secret.put(id, value, 'AWSCURRENT'));
    return {
      group: new SigningKeyGroup(this.cloudFront.behind(invocation), {
        now: () => this.clock.seconds,
        sleep: async (milliseconds) => {
          this.clock.seconds += milliseconds / 1_000;
        },
      }),
      store: { ...storeOf([this.secret], invocation as Invocation), putCurrent },
      lifetime: LIFETIME,
      newKeyPair: () => {
        const name = ++this.count;
        return { privateKey: `private-key-${name}`, publicKey: `public-key-${name}` };
      },
      isPair: isFakePair,
    };
  }
}
