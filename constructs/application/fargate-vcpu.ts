import { Annotations } from 'aws-cdk-lib';
import type { CfnService, CfnTaskDefinition, TaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { DatabaseDump } from '../dumps/database-dump';
import type { BeatService } from '../processes/beat-service';
import type { IDjangoService } from '../processes/django-service';
import type { ReleaseCommand } from '../processes/release-command';
import type { ScheduledCommand } from '../processes/scheduled-command';
import { inRollOut } from './private/connections';

/**
 * vCPU that an account may use at once in a region, on demand as on Spot, until it asks for more.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/ecs-service.html#limits_fargate
 */
const DEFAULT_QUOTA = 6;
const CPU_UNITS = 1024;

/** The parts of an application that run on Fargate. */
export interface FargateParts {
  readonly services: IDjangoService[];
  readonly beat?: BeatService;
  readonly release: ReleaseCommand;
  readonly scheduledCommands: { readonly [name: string]: ScheduledCommand };
  /** @default - none */
  readonly databaseDump?: DatabaseDump;
}

/** vCPU of one kind of capacity that runs at once. */
export interface Vcpu {
  /** Every service with as few tasks as it may have. */
  readonly atRest: number;
  /**
   * At most while a deployment replaces these tasks.
   *
   * The release runs beside the old ones; then there are two of each, of beat never. A scheduled command or a
   * dump may run at any time.
   */
  readonly rollOut: number;
  /** Every service with as many tasks as it may have, and every scheduled command and dump. */
  readonly ceiling: number;
}

/** vCPU of an application, for each of the two quotas of Fargate. */
export interface FargateVcpu {
  readonly onDemand: Vcpu;
  readonly spot: Vcpu;
}

/** The vCPU that an application needs. */
export function fargateVcpu({ services, beat, release, scheduledCommands, databaseDump }: FargateParts): FargateVcpu {
  const atSetTimes = [...Object.values(scheduledCommands), ...(databaseDump === undefined ? [] : [databaseDump])];
  const scheduled = sum(atSetTimes.map(({ taskDefinition }) => vcpuOf(taskDefinition)));
  const [spot, onDemand] = [true, false].map((onSpot): Vcpu => {
    const all = services.filter((service) => isOnSpot(service) === onSpot);
    const commands = onSpot ? 0 : scheduled;
    const atRest = sum(all.map((service) => service.minCapacity * vcpuOf(service.taskDefinition)));
    const twice = sum(
      all.map((service) => inRollOut(service, beat) * service.minCapacity * vcpuOf(service.taskDefinition)),
    );
    const releasing = onSpot ? 0 : atRest + vcpuOf(release.taskDefinition);
    return {
      atRest,
      rollOut: Math.max(twice, releasing) + commands,
      ceiling: sum(all.map((service) => service.maxCapacity * vcpuOf(service.taskDefinition))) + commands,
    };
  });
  return { onDemand, spot };
}

/** The numbers in one line, for people. */
export function vcpuText({ onDemand, spot }: FargateVcpu): string {
  const text = (name: string, { atRest, rollOut, ceiling }: Vcpu) =>
    `${name}: ${atRest} at rest, ${rollOut} in a roll-out, ${ceiling} at the ceiling`;
  return [text('On demand', onDemand), ...(spot.ceiling > 0 ? [text('Spot', spot)] : [])].join('; ');
}

/** Says at synth when the tasks of a roll-out do not fit into what every account has. */
export function noteQuota(scope: Construct, vcpu: FargateVcpu): void {
  const over = [
    { name: 'on-demand', code: 'L-3032A538', ...vcpu.onDemand },
    { name: 'Spot', code: 'L-36FBB829', ...vcpu.spot },
  ].filter(({ rollOut }) => rollOut > DEFAULT_QUOTA);
  for (const { name, code, atRest, rollOut } of over) {
    Annotations.of(scope).addInfoV2(
      `cdk-django-fargate:fargateQuota.${code}`,
      `A roll-out needs up to ${rollOut} vCPU of Fargate ${name} at once (${atRest} at rest). An account has ${DEFAULT_QUOTA} in a region until it asks for more, a new one may have fewer: see quota ${code} in docs/first-deployment.md before you deploy.`,
    );
  }
}

function vcpuOf(taskDefinition: TaskDefinition): number {
  return Number((taskDefinition.node.defaultChild as CfnTaskDefinition).cpu) / CPU_UNITS;
}

function isOnSpot({ service }: IDjangoService): boolean {
  const { capacityProviderStrategy } = service.node.findChild('Service') as CfnService;
  return JSON.stringify(service.stack.resolve(capacityProviderStrategy) ?? []).includes('FARGATE_SPOT');
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
