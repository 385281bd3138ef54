import type { DeletionProtectionProperties } from '../../constructs/handlers/protection/contract';
import {
  deletionProtection,
  type IProtectionWorld,
  terminationProtection,
} from '../../constructs/handlers/protection/protection';
import { type CustomResourceEvent, customResource } from '../../constructs/handlers/shared/custom-resource';

const PROPERTIES: DeletionProtectionProperties = {
  Instances: [],
  KeptInstances: ['shop-db'],
  LoadBalancers: ['arn:balancer'],
};

/** An account in which switches can be stuck, slow or gone. */
class Fixture {
  public status = 'CREATE_IN_PROGRESS';
  public termination = true;
  public readonly on = new Map<string, boolean>([
    ['shop-db', false],
    ['arn:balancer', false],
  ]);
  public readonly errors: Error[] = [];
  public isStuck = false;
  public remaining = 600_000;
  private readonly world: IProtectionWorld = {
    stackStatus: async () => this.status,
    setTerminationProtection: async (_, on) => {
      this.termination = on;
    },
    instance: (id) => this.switchOf(id),
    cluster: (id) => this.switchOf(id),
    loadBalancer: (arn) => this.switchOf(arn),
    sleep: async (milliseconds) => {
      this.remaining -= milliseconds;
    },
  };
  private readonly context = { logStreamName: 'log', getRemainingTimeInMillis: () => this.remaining };

  public async send(
    RequestType: 'Create' | 'Update' | 'Delete',
    ResourceProperties = PROPERTIES,
    OldResourceProperties?: DeletionProtectionProperties,
  ): Promise<void> {
    await deletionProtection(
      this.world,
      { ...event(RequestType), ResourceProperties, OldResourceProperties },
      this.context,
    );
  }

  public async guard(RequestType: 'Create' | 'Update' | 'Delete'): Promise<boolean> {
    await terminationProtection(this.world, { ...event(RequestType), ResourceProperties: {} }, this.context);
    return this.termination;
  }

  private switchOf(name: string) {
    return {
      command: `turn off ${name}`,
      isOn: async () => this.on.get(name),
      turn: async (on: boolean) => {
        const error = this.errors.shift();
        if (error !== undefined) {
          throw error;
        }
        if (!this.isStuck) {
          this.on.set(name, on);
        }
      },
    };
  }
}

function event(RequestType: 'Create' | 'Update' | 'Delete'): Omit<CustomResourceEvent<never>, 'ResourceProperties'> {
  return {
    RequestType,
    ResponseURL: 'https://s3',
    StackId: 'arn:stack',
    RequestId: '1',
    LogicalResourceId: 'Protection',
    ResourceType: 'Custom::Protection',
  };
}

function errorNamed(name: string): Error {
  return Object.assign(new Error('a message of AWS'), { name });
}

describe('deletion protection', () => {
  test('is switched on for every part, and read back', async () => {
    const fixture = new Fixture();
    await fixture.send('Create');
    expect([...fixture.on.values()]).toEqual([true, true]);
  });

  test('is switched on for a cluster, whether the stack deletes it or keeps it', async () => {
    const fixture = new Fixture();
    fixture.on.set('orders', false).set('kept', false);
    const clusters = { ...PROPERTIES, Clusters: ['orders'], KeptClusters: ['kept'] };
    await fixture.send('Create', clusters);
    expect([fixture.on.get('orders'), fixture.on.get('kept')]).toEqual([true, true]);
    await fixture.send('Update', { ...PROPERTIES, KeptClusters: ['kept'] }, clusters);
    expect([fixture.on.get('orders'), fixture.on.get('kept')]).toEqual([false, true]);
  });

  test('fails when it stays off, and names the part', async () => {
    const fixture = new Fixture();
    fixture.isStuck = true;
    await expect(fixture.send('Create')).rejects.toThrow('deletion protection is still off (turn off arn:balancer)');
    expect(fixture.remaining).toBeLessThan(70_000); // It asked until the time was over.
  });

  test('fails when it stays on at a load balancer that leaves the stack', async () => {
    const fixture = new Fixture();
    await fixture.send('Create');
    fixture.isStuck = true;
    const without = { ...PROPERTIES, LoadBalancers: [] };
    await expect(fixture.send('Update', without, PROPERTIES)).rejects.toThrow('deletion protection is still on');
  });

  test('leaves a cluster that the stack does not have any more, in place of which it has an instance', async () => {
    const fixture = new Fixture();
    const before = { ...PROPERTIES, Clusters: ['orders'] };
    await fixture.send('Create', before);
    expect(fixture.on.get('orders')).toBe(true);
    await fixture.send('Update', PROPERTIES, before);
    expect(Object.fromEntries(fixture.on)).toEqual({ orders: false, 'shop-db': true, 'arn:balancer': true });
  });

  test('waits for an instance that is being modified, and for a throttled call', async () => {
    const fixture = new Fixture();
    fixture.errors.push(errorNamed('InvalidDBInstanceState'), errorNamed('InvalidDBClusterStateFault'));
    fixture.errors.push(errorNamed('ThrottlingException'));
    await fixture.send('Create');
    expect([...fixture.on.values()]).toEqual([true, true]);
    expect(fixture.remaining).toBe(585_000);
  });

  test('gives up at once when it may not, without the message of AWS', async () => {
    const fixture = new Fixture();
    fixture.errors.push(errorNamed('AccessDenied'));
    await expect(fixture.send('Create')).rejects.toThrow(/^AccessDenied \(turn off arn:balancer\)$/);
  });

  test.each(['ROLLBACK_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'])(
    'is switched off in %s, also where a part is gone already',
    async (status) => {
      const fixture = new Fixture();
      fixture.on.set('shop-db', true).delete('arn:balancer');
      fixture.status = status;
      await fixture.send('Delete');
      expect([...fixture.on.values()]).toEqual([false]);
    },
  );

  test('stops a deletion of the stack, and says by which command it goes on', async () => {
    const fixture = new Fixture();
    await fixture.send('Create');
    fixture.status = 'DELETE_IN_PROGRESS';
    await expect(fixture.send('Delete')).rejects.toThrow(/nothing is deleted .* Run: turn off arn:balancer$/);
    expect([...fixture.on.values()]).toEqual([true, true]);
  });

  test('lets a deletion go on when only what is kept is protected, and leaves that protected', async () => {
    const fixture = new Fixture();
    await fixture.send('Create');
    fixture.on.set('arn:balancer', false);
    fixture.status = 'DELETE_IN_PROGRESS';
    await fixture.send('Delete');
    expect(fixture.on.get('shop-db')).toBe(true);
  });

  test('leaves a replaced load balancer, and stays on a replaced instance that is kept', async () => {
    const fixture = new Fixture();
    await fixture.send('Create');
    fixture.on.set('shop-db-2', false).set('arn:other', false);
    const now = { Instances: [], KeptInstances: ['shop-db-2'], LoadBalancers: ['arn:other'] };
    await fixture.send('Update', now, PROPERTIES);
    expect(Object.fromEntries(fixture.on)).toEqual({
      'shop-db': true,
      'arn:balancer': false,
      'shop-db-2': true,
      'arn:other': true,
    });
  });
});

describe('termination protection', () => {
  test.each(['DELETE_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'])(
    'stays on in %s',
    async (status) => {
      const fixture = new Fixture();
      fixture.status = status;
      expect(await fixture.guard('Delete')).toBe(true);
    },
  );

  test('is switched on when the resource is made, for those who deploy without the CDK', async () => {
    const fixture = new Fixture();
    fixture.termination = false;
    expect(await fixture.guard('Create')).toBe(true);
  });

  test('stays off in an update when somebody has switched it off by hand', async () => {
    const fixture = new Fixture();
    fixture.termination = false;
    expect(await fixture.guard('Update')).toBe(false);
  });

  test('is switched off while a creation is rolled back, by the deletion of the resource alone', async () => {
    const fixture = new Fixture();
    fixture.status = 'ROLLBACK_IN_PROGRESS';
    expect([await fixture.guard('Create'), await fixture.guard('Update')]).toEqual([true, true]);
    expect(await fixture.guard('Delete')).toBe(false);
  });
});

describe('the answer to CloudFormation', () => {
  const answer = async (handle: () => Promise<void>, refusals = 0) => {
    const bodies: string[] = [];
    const respond = async (_: string, body: string) => {
      bodies.push(body);
      if (bodies.length <= refusals) {
        throw new Error('no answer');
      }
    };
    const context = { logStreamName: 'stream', getRemainingTimeInMillis: () => 1 };
    await customResource(handle, respond)({ ...event('Create'), ResourceProperties: {} }, context);
    return bodies.map((body) => JSON.parse(body));
  };
  beforeEach(() => void jest.spyOn(console, 'log').mockImplementation());
  afterEach(() => void jest.restoreAllMocks());

  test('is success with an id that stays the same', async () => {
    expect(await answer(async () => undefined)).toMatchObject([
      { Status: 'SUCCESS', PhysicalResourceId: 'Protection', StackId: 'arn:stack', RequestId: '1' },
    ]);
  });

  test('is failure with the reason and where to read on, and is sent twice if need be', async () => {
    const failing = () => Promise.reject(new Error('still off'));
    const expected = { Status: 'FAILED', Reason: 'still off (log stream stream)' };
    expect(await answer(failing, 1)).toMatchObject([expected, expected]);
  });
});
