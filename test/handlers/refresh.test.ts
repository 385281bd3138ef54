import type { RefreshedService } from '../../constructs/handlers/refresh/contract';
import { type Deployment, refresh } from '../../constructs/handlers/refresh/refresh';

const WEB: RefreshedService = { cluster: 'c', service: 'web', secrets: ['arn:key', 'arn:db'] };
const WORKER: RefreshedService = { cluster: 'c', service: 'worker', secrets: ['arn:db'] };
const START = Date.parse('2026-01-01T00:00:00Z');

/** A cluster in which time passes and deployments take a while. */
class Fixture {
  public now = START;
  public stackStatus = 'UPDATE_COMPLETE';
  public readonly redeployed: string[] = [];
  public readonly deployments = new Map<string, Deployment>([
    ['web', { createdAt: START - 1_000_000, inProgress: false }],
    ['worker', { createdAt: START - 1_000_000, inProgress: false }],
  ]);

  public async deliver(...changes: [secret: string, seconds: number][]): Promise<string[]> {
    const Records = changes.map(([secret, seconds], index) => ({
      messageId: `m${index}`,
      body: JSON.stringify({
        'detail-type': 'Secret Label Updated',
        time: new Date(START + seconds * 1000).toISOString(),
        resources: [secret],
        detail: { labelUpdated: 'AWSCURRENT' },
      }),
    }));
    const { batchItemFailures } = await refresh({ Records }, [WEB, WORKER], {
      stackStatus: async () => this.stackStatus,
      deployment: async ({ service }) => this.deployments.get(service),
      redeploy: async ({ service }) => {
        this.redeployed.push(service);
        this.deployments.set(service, { createdAt: this.now, inProgress: true });
      },
      log: () => undefined,
    });
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  }
}

test('every service that reads the changed secret is deployed, and no other', async () => {
  const fixture = new Fixture();
  fixture.now += 60_000;
  expect(await fixture.deliver(['arn:key', 0])).toEqual([]);
  expect(fixture.redeployed).toEqual(['web']);
});

test('several changes at once make one deployment, in one batch or in several', async () => {
  const fixture = new Fixture();
  fixture.now += 60_000;
  expect(await fixture.deliver(['arn:key', 0], ['arn:db', 3])).toEqual([]);
  expect(await fixture.deliver(['arn:db', 10])).toEqual([]);
  expect(await fixture.deliver(['arn:key', 0])).toEqual([]);
  expect(fixture.redeployed).toEqual(['web', 'worker']);
});

test('a change during a deployment waits for its end and then makes another', async () => {
  const fixture = new Fixture();
  fixture.now += 60_000;
  await fixture.deliver(['arn:db', 0]);
  expect(await fixture.deliver(['arn:db', 90])).toEqual(['m0']);
  fixture.now += 600_000;
  for (const service of ['web', 'worker']) {
    fixture.deployments.set(service, { createdAt: START + 60_000, inProgress: false });
  }
  expect(await fixture.deliver(['arn:db', 90])).toEqual([]);
  expect(fixture.redeployed).toEqual(['web', 'worker', 'web', 'worker']);
});

test('while CloudFormation changes the stack, the change waits', async () => {
  const fixture = new Fixture();
  fixture.stackStatus = 'UPDATE_IN_PROGRESS';
  expect(await fixture.deliver(['arn:key', 0])).toEqual(['m0']);
  expect(fixture.redeployed).toEqual([]);
});

test('a service that CloudFormation deployed after the change is left alone', async () => {
  const fixture = new Fixture();
  fixture.deployments.set('web', { createdAt: START + 30_000, inProgress: true });
  fixture.stackStatus = 'UPDATE_IN_PROGRESS';
  expect(await fixture.deliver(['arn:key', 0])).toEqual([]);
  expect(fixture.redeployed).toEqual([]);
});

test('a service that is gone needs nothing', async () => {
  const fixture = new Fixture();
  fixture.deployments.delete('web');
  expect(await fixture.deliver(['arn:key', 0])).toEqual([]);
});

test('a failed call brings its messages back, and the other services are deployed', async () => {
  const failing = { ...WEB, service: 'broken' };
  const body = JSON.stringify({ time: new Date(START).toISOString(), resources: ['arn:db'] });
  const redeployed: string[] = [];
  const { batchItemFailures } = await refresh({ Records: [{ messageId: 'm', body }] }, [failing, WORKER], {
    stackStatus: async () => 'UPDATE_COMPLETE',
    deployment: async () => ({ createdAt: 0, inProgress: false }),
    redeploy: async ({ service }) => {
      if (service === 'broken') {
        throw new Error('no');
      }
      redeployed.push(service);
    },
    log: () => undefined,
  });
  expect(batchItemFailures).toEqual([{ itemIdentifier: 'm' }]);
  expect(redeployed).toEqual(['worker']);
});

test('an event that names no secret concerns no service', async () => {
  const redeploy = jest.fn();
  const world = { stackStatus: async () => 'UPDATE_COMPLETE', deployment: async () => undefined, redeploy };
  const body = JSON.stringify({ 'detail-type': 'Secret Label Updated', time: new Date(START).toISOString() });
  const { batchItemFailures } = await refresh({ Records: [{ messageId: 'm', body }] }, [WEB, WORKER], {
    ...world,
    log: () => undefined,
  });
  expect(batchItemFailures).toEqual([]);
  expect(redeploy).not.toHaveBeenCalled();
});
