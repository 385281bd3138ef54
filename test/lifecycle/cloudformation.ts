import { type Account, Refusal, type Thing } from './account';
import { beforeDeletion, afterCreation as customCreated } from './custom-resources';
import { fixedName, type Place } from './names';
import { afterCreation, afterDeletion, makeSnapshot, refusalToDelete } from './services';
import { Plan, type Resources } from './template';

/** How a stack is at rest. */
export type Status =
  | 'CREATE_COMPLETE'
  | 'CREATE_FAILED'
  | 'ROLLBACK_COMPLETE'
  | 'ROLLBACK_FAILED'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_ROLLBACK_COMPLETE'
  | 'UPDATE_ROLLBACK_FAILED'
  | 'DELETE_COMPLETE'
  | 'DELETE_FAILED';

/** What is under way in a stack: custom resources ask for it. */
export type Operation = 'create' | 'rollback' | 'update' | 'update-rollback' | 'cleanup' | 'delete';

/** A stack in an account. */
export interface Stack extends Place {
  status: Status;
  operation: Operation;
  terminationProtection: boolean;
  plan: Plan;
  /** The things of the stack by logical id. */
  readonly made: Map<string, Thing>;
  /** Why the last operation did not succeed, as events of the stack say it. */
  reasons: string[];
}

/** A failure to inject: the resource that fails, and how far the others are by then. */
export interface Failure {
  readonly at: string;
  /**
   * `early`: what the resource depends on is complete, and everything whose own dependencies are complete is in
   * progress, and cancelled. `late`: everything that does not depend on it is complete.
   */
  readonly others: 'early' | 'late';
}

/** CloudFormation in one account. */
export class CloudFormation {
  public readonly stacks = new Map<string, Stack>();
  private count = 0;

  constructor(public readonly account: Account) {}

  public create(stackName: string, resources: Resources, terminationProtection: boolean, failure?: Failure): Stack {
    this.count += 1;
    const unique = String(this.count).padStart(12, '0');
    const stack: Stack = {
      stackName,
      stackId: `arn:aws:cloudformation:eu-central-1:111122223333:stack/${stackName}/00000000-0000-0000-0000-${unique}`,
      status: 'CREATE_COMPLETE',
      operation: 'create',
      terminationProtection,
      plan: planOf(resources),
      made: new Map(),
      reasons: [],
    };
    this.stacks.set(stackName, stack);
    if (!this.makeAll(stack, stack.plan.order, failure)) {
      stack.operation = 'rollback';
      stack.status = this.deleteAll(stack, [...stack.made.keys()]) ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED';
    }
    this.account.settle();
    return stack;
  }

  /** Adds and removes resources; a resource whose fixed name changes is replaced. */
  public update(stack: Stack, resources: Resources, failure?: Failure): void {
    const before = stack.plan;
    const after = planOf(resources);
    const added = after.order.filter((id) => !(id in before.resources));
    const removed = before.order.filter((id) => !(id in after.resources));
    stack.reasons = [];
    stack.operation = 'update';
    stack.plan = after;
    if (this.makeAll(stack, added, failure)) {
      stack.status = 'UPDATE_COMPLETE';
      stack.operation = 'cleanup';
      stack.plan = planOf({ ...before.resources, ...after.resources });
      this.deleteAll(stack, removed); // Whether it succeeds or not, the update is complete.
      stack.plan = after;
    } else {
      stack.operation = 'update-rollback';
      const undone = this.deleteAll(
        stack,
        added.filter((id) => stack.made.has(id)),
      );
      stack.plan = before;
      stack.status = undone ? 'UPDATE_ROLLBACK_COMPLETE' : 'UPDATE_ROLLBACK_FAILED';
    }
    this.account.settle();
  }

  /** DeleteStack: refused for a stack with termination protection. */
  public delete(stack: Stack): void {
    if (stack.terminationProtection) {
      throw new Refusal(`${stack.stackName} cannot be deleted while TerminationProtection is enabled`);
    }
    stack.reasons = [];
    stack.operation = 'delete';
    stack.status = this.deleteAll(stack, [...stack.made.keys()]) ? 'DELETE_COMPLETE' : 'DELETE_FAILED';
    if (stack.status === 'DELETE_COMPLETE') {
      this.stacks.delete(stack.stackName);
    }
    this.account.settle();
  }

  /** Makes resources in order; false when one fails, with everything that was begun by then in the stack. */
  private makeAll(stack: Stack, order: readonly string[], failure?: Failure): boolean {
    const begun = failure && begunBy(stack, order, failure);
    for (const id of order) {
      if (begun !== undefined && !begun.has(id)) {
        continue;
      }
      try {
        this.makeOne(stack, id);
      } catch (error) {
        stack.reasons.push(`${id}: ${(error as Refusal).message}`);
        return false;
      }
    }
    return failure === undefined;
  }

  private makeOne(stack: Stack, logicalId: string): void {
    const resource = stack.plan.resources[logicalId];
    const used = stack.plan.mentions(resource.Properties).map((id) => stack.made.get(id)?.id);
    const thing = this.account.make({
      type: resource.Type,
      name: fixedName(resource, stack),
      stack: stack.stackName,
      logicalId,
      resource,
      uses: new Set(used.filter((id) => id !== undefined)),
    });
    stack.made.set(logicalId, thing);
    afterCreation(this.account, thing);
    customCreated(this.account, stack, thing);
  }

  /** Deletes resources, each after everything that depends on it; false when one could not be deleted. */
  private deleteAll(stack: Stack, ids: readonly string[]): boolean {
    const doomed = new Set(ids);
    const stuck = new Set<string>();
    for (const id of [...stack.plan.order].reverse()) {
      const thing = doomed.has(id) ? stack.made.get(id) : undefined;
      if (thing === undefined) {
        continue;
      }
      const waits = [...stuck].some((other) => stack.plan.ancestors(other).has(id));
      const refusal = waits ? 'waits for what depends on it' : this.deleteOne(stack, thing);
      if (refusal === undefined) {
        stack.made.delete(id);
      } else {
        stuck.add(id);
        if (!waits) {
          stack.reasons.push(`${id}: ${refusal}`);
        }
      }
    }
    return stuck.size === 0;
  }

  /** Deletes one resource by its policy; says why not, when the service or a handler refuses. */
  private deleteOne(stack: Stack, thing: Thing): string | undefined {
    if (isKept(stack, thing)) {
      return undefined;
    }
    const refusal = beforeDeletion(this.account, stack, thing) ?? refusalToDelete(this.account, thing);
    if (refusal !== undefined) {
      return refusal;
    }
    if (thing.resource.DeletionPolicy === 'Snapshot') {
      makeSnapshot(this.account, thing);
    }
    this.account.remove(thing);
    afterDeletion(this.account, thing, stack);
    return undefined;
  }
}

/** Whether the deletion policy leaves a thing where it is. */
export function isKept({ operation }: Stack, { resource }: Thing): boolean {
  const undoesCreation = operation === 'rollback' || operation === 'update-rollback';
  return (
    resource.DeletionPolicy === 'Retain' || (resource.DeletionPolicy === 'RetainExceptOnCreate' && !undoesCreation)
  );
}

/** What has been begun when a resource fails. The failing one itself may exist half made. */
function begunBy({ plan, made }: Stack, order: readonly string[], { at, others }: Failure): ReadonlySet<string> {
  const complete = plan.ancestors(at);
  const isBegun = (id: string) =>
    others === 'late'
      ? !plan.ancestors(id).has(at)
      : complete.has(id) || plan.needs(id).every((needed) => complete.has(needed) || made.has(needed));
  return new Set(order.filter((id) => id === at || isBegun(id)));
}

const plans = new WeakMap<Resources, Plan>();

/** The plan of a template, made once. */
export function planOf(resources: Resources): Plan {
  const plan = plans.get(resources) ?? new Plan(resources);
  plans.set(resources, plan);
  return plan;
}
