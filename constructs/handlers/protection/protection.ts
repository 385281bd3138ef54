import type { CustomResourceEvent, LambdaContext } from '../shared/custom-resource';
import { Failure } from '../shared/failure';
import type { DeletionProtectionProperties } from './contract';
import { insist, NotYet } from './insist';

/** A switch of one instance, cluster or load balancer: whether AWS refuses to delete it. */
export interface ISwitch {
  /** Undefined when there is no such instance, cluster or load balancer. */
  isOn(): Promise<boolean | undefined>;
  turn(on: boolean): Promise<void>;
  /** The command that turns it off by hand. */
  readonly command: string;
}

/** The outside world, so that tests can bring another. */
export interface IProtectionWorld {
  stackStatus(stackId: string): Promise<string>;
  setTerminationProtection(stackId: string, on: boolean): Promise<void>;
  instance(identifier: string): ISwitch;
  cluster(identifier: string): ISwitch;
  loadBalancer(arn: string): ISwitch;
  sleep(milliseconds: number): Promise<void>;
}

type DeletionEvent = CustomResourceEvent<DeletionProtectionProperties>;

/**
 * Switches deletion protection on once everything else of the stack is there, reads it back, and fails when
 * it is not on.
 *
 * In a rollback it switches it off again. A deletion that would end at a protected part it refuses at once:
 * it is the first resource that CloudFormation deletes.
 */
export async function deletionProtection(
  world: IProtectionWorld,
  event: DeletionEvent,
  context: LambdaContext,
): Promise<void> {
  if (event.RequestType === 'Delete') {
    return release(world, event, context);
  }
  const wanted = event.ResourceProperties;
  for (const each of [...own(world, wanted), ...kept(world, wanted)]) {
    await ensure(world, context, each, true);
  }
  const before = event.OldResourceProperties;
  for (const each of before === undefined ? [] : own(world, without(before, wanted))) {
    await ensure(world, context, each, false);
  }
}

/**
 * Switches termination protection of its stack on when it is made, which the CDK does and a pipeline of
 * CloudFormation actions does not, and off while the creation of the stack is rolled back, never otherwise.
 */
export async function terminationProtection(
  world: IProtectionWorld,
  { RequestType, StackId }: CustomResourceEvent<object>,
  context: LambdaContext,
): Promise<void> {
  if (RequestType === 'Update') {
    return;
  }
  await insist(world, context, 'termination protection', async () => {
    if (RequestType === 'Create') {
      await world.setTerminationProtection(StackId, true);
    } else if ((await world.stackStatus(StackId)) === 'ROLLBACK_IN_PROGRESS') {
      await world.setTerminationProtection(StackId, false);
    }
  });
}

async function release(world: IProtectionWorld, event: DeletionEvent, context: LambdaContext): Promise<void> {
  const properties = event.ResourceProperties;
  const status = await insist(world, context, 'the stack', () => world.stackStatus(event.StackId));
  if (status !== 'DELETE_IN_PROGRESS') {
    for (const each of [...own(world, properties), ...kept(world, properties)]) {
      await ensure(world, context, each, false);
    }
    return;
  }
  const commands: string[] = [];
  for (const each of own(world, properties)) {
    if (await insist(world, context, each.command, () => each.isOn())) {
      commands.push(each.command);
    }
  }
  if (commands.length > 0) {
    throw new Failure(`nothing is deleted while deletion protection is on. Run: ${commands.join('; ')}`);
  }
}

/** Turns a switch, and asks until AWS says that it is so. */
async function ensure(world: IProtectionWorld, context: LambdaContext, each: ISwitch, on: boolean): Promise<void> {
  await insist(world, context, each.command, async () => {
    const before = await each.isOn();
    if (before === on || (before === undefined && !on)) {
      return;
    }
    await each.turn(on);
    if ((await each.isOn()) !== on) {
      throw new NotYet(`deletion protection is still ${on ? 'off' : 'on'}`);
    }
  });
}

/** Protected, and deleted with the stack. */
function own(world: IProtectionWorld, properties: DeletionProtectionProperties): ISwitch[] {
  const { Instances, Clusters = [], LoadBalancers } = properties;
  return [
    ...Instances.map((id) => world.instance(id)),
    ...Clusters.map((id) => world.cluster(id)),
    ...LoadBalancers.map((arn) => world.loadBalancer(arn)),
  ];
}

function kept(world: IProtectionWorld, properties: DeletionProtectionProperties): ISwitch[] {
  const { KeptInstances, KeptClusters = [] } = properties;
  return [...KeptInstances.map((id) => world.instance(id)), ...KeptClusters.map((id) => world.cluster(id))];
}

/**
 * What was protected before and is not wanted any more. An instance or cluster that is kept stays protected.
 */
function without(
  before: DeletionProtectionProperties,
  now: DeletionProtectionProperties,
): DeletionProtectionProperties {
  return {
    Instances: before.Instances.filter((id) => ![...now.Instances, ...now.KeptInstances].includes(id)),
    KeptInstances: [],
    Clusters: before.Clusters?.filter((id) => ![...(now.Clusters ?? []), ...(now.KeptClusters ?? [])].includes(id)),
    LoadBalancers: before.LoadBalancers.filter((arn) => !now.LoadBalancers.includes(arn)),
  };
}
