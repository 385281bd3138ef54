import { App, Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Profile } from '../constructs/core/profile';
import { DjangoStack } from '../lib/django-stack';
import { bound, criticalPath, guard } from './rollout/critical-path';
import { ASSUMED, type Resources, type Rollout, rolloutsOf } from './rollout/timings';

const DRAINS = [15, 30, 60];
const LIMITS = { settled: 90, bake: 120, givenUp: 240, timesBound: 1.02 };

/**
 * What a roll-out takes by the template: to settle without load, to bake, and to be given up where no new
 * task ever becomes healthy; and what a first deployment waits for.
 *
 * The time of a task start is assumed; everything else is read from the template.
 */
export function run(): void {
  const holds = [Profile.production(), Profile.development()].flatMap((profile) => [
    ...DRAINS.map((drain) => rollouts(profile, drain)),
    firstDeployment(profile),
  ]);
  process.exitCode = holds.every(Boolean) ? 0 : 1;
}

/** An application with one of each kind of service. */
export function resourcesOf(profile: Profile, drain?: number): Resources {
  const app = new App({ stackTraces: false, treeMetadata: false, analyticsReporting: false });
  const longestRequest = drain === undefined ? undefined : Duration.seconds(drain);
  const stack = new DjangoStack(app, 'Shop', {
    profile,
    image: ContainerImage.fromRegistry('shop'),
    settingsModule: 'config.settings',
    domainName: 'shop.example.com',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    web: { longestRequest },
    asgi: { paths: ['/ws/*'], longestRequest },
    queues: { default: {} },
    beat: {},
  });
  return Template.fromStack(stack).toJSON().Resources;
}

/** Whether a roll-out keeps its limits; only the default drain has one for the time to settle. */
export function keepsLimits({ settled, bake, givenUp }: Rollout, isDefault: boolean): boolean {
  return (!isDefault || settled <= LIMITS.settled) && bake <= LIMITS.bake && givenUp <= LIMITS.givenUp;
}

function rollouts(profile: Profile, drain: number): boolean {
  console.log(`Profile.${profile.name}(), drain of ${drain} s, task start ${ASSUMED.taskStart} s; seconds`);
  row('', 'settled', 'bake', 'given up');
  const verdicts = rolloutsOf(resourcesOf(profile, drain)).map((rollout) => {
    const keeps = keepsLimits(rollout, drain === DRAINS[0]);
    const { service, settled, bake, givenUp } = rollout;
    row(
      `  ${service.replace(/Service[0-9A-F]{8}$/, '')}`,
      String(settled),
      String(bake),
      `${givenUp}${keeps ? '' : '  MISSED'}`,
    );
    return keeps;
  });
  console.log();
  return verdicts.every(Boolean);
}

function firstDeployment(profile: Profile): boolean {
  const resources = resourcesOf(profile);
  const path = criticalPath(resources);
  const least = bound(resources);
  const total = path[path.length - 1].end;
  const keeps = total / least <= LIMITS.timesBound;
  console.log(`Profile.${profile.name}(), the first deployment until the last service runs; seconds`);
  for (const { id, end } of path) {
    row(`  ${id}`, String(end));
  }
  console.log(
    `  ${total} ÷ ${least} = ${(total / least).toFixed(3)} ${keeps ? 'keeps' : 'MISSES'} ${LIMITS.timesBound}`,
  );
  const before = guard(resources);
  const without = (total / (least - before)).toFixed(3);
  console.log(`  ${before} s of the bound are for what termination protection needs first; without: ${without}\n`);
  return keeps;
}

function row(name: string, ...cells: string[]): void {
  console.log(name.padEnd(64) + cells.map((cell) => cell.padStart(10)).join(''));
}
