import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepsLimits, resourcesOf } from '../../bench/rollout';
import { bound, criticalPath } from '../../bench/rollout/critical-path';
import { type Resources, type Rollout, rolloutsOf } from '../../bench/rollout/timings';
import { Profile } from '../../constructs/core/profile';

/** What `npm run bench -- rollout` says is only as good as its model: each case here is computed by hand. */
const ofService = (rollouts: Rollout[], name: string) =>
  rollouts.find(({ service }) => service.includes(name)) as Rollout;

describe.each([
  ['production', Profile.production(), 118],
  ['development', Profile.development(), 236],
])('a roll-out in %s', (_, profile, givenUp) => {
  const resources = resourcesOf(profile);
  const rollouts = rolloutsOf(resources);

  test('of web settles after start, two health checks, drain and stop', () => {
    // 57 + 2 × 5, of which the container's first check at 15 s is the slower one, + 15 + 1.
    expect(ofService(rollouts, 'Web')).toMatchObject({ settled: 57 + 15 + 15 + 1, bake: 2 * 60 });
  });

  test('of web is given up after the second failure: one round of two tasks, or two of one', () => {
    // The target is unhealthy after 10 × 5 s, and the grace period lasts 60: 57 + 60 + 1 a round.
    expect(ofService(rollouts, 'Web').givenUp).toBe(givenUp);
  });

  test('of a worker is given up after two rounds, of beat after one, when the old one starts again', () => {
    expect(ofService(rollouts, 'worker').givenUp).toBe(2 * (57 + 30 + 2 * 15 + 1));
    expect(ofService(rollouts, 'Beat').givenUp).toBe(1 + (57 + 30 + 2 * 15 + 1) + (57 + 15));
  });

  test('keeps its limits, and would not with what was there before', () => {
    expect(rollouts.filter((rollout) => !keepsLimits(rollout, true))).toEqual([]);
    const group = Object.keys(resources).find((id) => id.startsWith('AppWebTargets')) as string;
    const slow: Resources = {
      ...resources,
      [group]: {
        ...resources[group],
        Properties: { ...resources[group].Properties, HealthCheckIntervalSeconds: 15, UnhealthyThresholdCount: 3 },
      },
    };
    expect(keepsLimits(ofService(rolloutsOf(slow), 'Web'), true)).toBe(false);
  });

  test('takes as long as docs/architecture.md says', () => {
    const page = readFileSync(join(__dirname, '..', '..', 'docs', 'architecture.md'), 'utf8');
    const rows = { Web: 'web, ASGI', worker: 'worker', Beat: 'beat' };
    for (const [name, row] of Object.entries(rows)) {
      const rollout = ofService(rollouts, name);
      const [, settled, bake, given] =
        new RegExp(`^\\| ${row} \\| (\\d+) s.*?\\| (\\d+|–)[^|]*\\| ([^|]+) \\|$`, 'm').exec(page) ?? [];
      expect([Number(settled), bake === '–' ? 0 : Number(bake)]).toEqual([rollout.settled, rollout.bake]);
      expect(given).toMatch(new RegExp(`\\b${rollout.givenUp} s`));
    }
  });

  test('waits for nothing that could be made beside it, the first time', () => {
    const path = criticalPath(resources);
    expect(path.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'AWS::RDS::DBInstance',
        'Custom::DatabaseRoles',
        'Custom::ReleaseCommand',
        'AWS::ECS::Service',
      ]),
    );
    expect(path[path.length - 1].end / bound(resources)).toBeLessThanOrEqual(1.02);
  });
});

test('a drain of a minute makes every roll-out as much longer', () => {
  expect(ofService(rolloutsOf(resourcesOf(Profile.production(), 60)), 'Web').settled).toBe(57 + 15 + 60 + 1);
});

describe('the path of a deployment', () => {
  const chain: Resources = {
    Key: { Type: 'AWS::KMS::Key', Properties: {} },
    Database: { Type: 'AWS::RDS::DBInstance', Properties: { KmsKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } } },
    Service: { Type: 'AWS::ECS::Service', DependsOn: ['Database'], Properties: {} },
    Balancer: { Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer' },
  };

  test('is the longest chain: 35 + 900 + 180', () => {
    expect(criticalPath(chain).map(({ id, end }) => [id, end])).toEqual([
      ['Key', 35],
      ['Database', 935],
      ['Service', 1115],
    ]);
    expect(bound(chain)).toBe(1115);
  });

  test('grows when the key waits for a role', () => {
    const slow: Resources = { ...chain, Role: { Type: 'AWS::IAM::Role' }, Key: { ...chain.Key, DependsOn: 'Role' } };
    expect(criticalPath(slow).at(-1)?.end).toBe(1115 + 17);
  });
});
