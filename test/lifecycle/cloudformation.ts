import { type Account, Refusal, type Thing } from './account';
import { beforeDeletion, customChanged, afterCreation as customCreated } from './custom-resources';
import { differences } from './differences';
import { fixedName, type Place } from './names';
import { afterChange, afterCreation, afterDeletion, makeSnapshot, refusalToChange, refusalToDelete } from './services';
import { Plan, type Resource, type Resources } from './template';

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
  /** What failed or was cancelled in a creation that was not rolled back: the next update makes it anew. */
  readonly failed: string[];
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
  /** `cdk deploy --no-rollback`: everything stays as it is, and the next deployment goes on from there. */
  readonly withoutRollback?: boolean;
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
      failed: [],
      reasons: [],
    };
    this.stacks.set(stackName, stack);
    if (!this.makeAll(stack, stack.plan.order, failure)) {
      if (failure?.withoutRollback) {
        stack.status = 'CREATE_FAILED';
        stack.failed.push(...notComplete(stack, failure));
        return stack;
      }
      stack.operation = 'rollback';
      stack.status = this.deleteAll(stack, [...stack.made.keys()]) ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED';
    }
    this.account.settle();
    return stack;
  }

  /**
   * Adds, changes, replaces and removes resources. When one fails, everything that does not wait for it has been
   * done by then, and is undone.
   */
  public update(stack: Stack, resources: Resources, failure?: Failure): void {
    const before = stack.plan;
    const after = planOf(resources);
    this.deleteFailed(stack);
    const added = after.order.filter((id) => !stack.made.has(id));
    const removed = before.order.filter((id) => !(id in after.resources));
    stack.reasons = [];
    stack.operation = 'update';
    stack.plan = after;
    const replaced = this.changeAll(stack, before);
    if (stack.reasons.length === 0 && this.makeAll(stack, added, failure)) {
      stack.status = 'UPDATE_COMPLETE';
      stack.operation = 'cleanup';
      stack.plan = planOf({ ...before.resources, ...after.resources });
      this.deleteAll(stack, removed); // Whether it succeeds or not, the update is complete.
      for (const thing of replaced.values()) {
        this.deleteReplaced(stack, thing);
      }
      stack.plan = after;
    } else {
      stack.operation = 'update-rollback';
      const made = added.filter((id) => stack.made.has(id));
      const undone = this.deleteAll(stack, made);
      this.changeBack(stack, before, replaced);
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

  /** Changes what differs, and makes anew what a change replaces; returns what was there before that. */
  private changeAll(stack: Stack, before: Plan): Map<string, Thing> {
    const { plan } = stack;
    const replaced = new Map<string, Thing>();
    const failed: string[] = [];
    const difference = differences(before.resources, plan.resources);
    for (const id of plan.order) {
      const thing = stack.made.get(id);
      const what = difference.get(id) ?? 'none';
      if (thing === undefined || what === 'none' || failed.some((other) => plan.ancestors(id).has(other))) {
        continue;
      }
      try {
        if (what === 'replaced') {
          stack.made.delete(id);
          replaced.set(id, thing);
          this.makeOne(stack, id);
        } else {
          this.changeOne(stack, thing, plan.resources[id]);
        }
      } catch (error) {
        stack.reasons.push(`${id}: ${(error as Refusal).message}`);
        failed.push(id);
      }
    }
    return replaced;
  }

  private changeOne(stack: Stack, thing: Thing, resource: Resource): void {
    const old = thing.resource;
    customChanged(stack, old, resource);
    const uses = this.usedBy(stack, resource);
    const refusal = refusalToChange(this.account, thing, uses);
    if (refusal !== undefined && stack.operation === 'update') {
      throw new Refusal(refusal);
    }
    this.account.rename(thing, fixedName(resource, stack));
    thing.resource = resource;
    thing.uses = uses;
    thing.changes += 1;
    afterChange(thing, old);
  }

  /** The way back of a failed update: what was replaced is used again, and what was changed is changed back. */
  private changeBack(stack: Stack, before: Plan, replaced: ReadonlyMap<string, Thing>): void {
    for (const [id, old] of replaced) {
      const made = stack.made.get(id);
      if (made !== undefined) {
        this.account.remove(made);
      }
      stack.made.set(id, old);
    }
    for (const [id, thing] of stack.made) {
      if (thing.resource !== before.resources[id]) {
        this.changeOne(stack, thing, before.resources[id]);
      }
    }
  }

  private deleteReplaced(stack: Stack, thing: Thing): void {
    const { UpdateReplacePolicy } = thing.resource;
    const policy = { ...thing.resource, DeletionPolicy: UpdateReplacePolicy };
    this.deleteOne(stack, Object.assign(thing, { resource: policy }));
  }

  /** What failed in a creation is deleted before it is made again. */
  private deleteFailed(stack: Stack): void {
    stack.operation = 'rollback';
    this.deleteAll(stack, stack.failed.splice(0));
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
    const thing = this.account.make({
      type: resource.Type,
      name: fixedName(resource, stack),
      stack: stack.stackName,
      logicalId,
      resource,
      uses: this.usedBy(stack, resource),
    });
    stack.made.set(logicalId, thing);
    afterCreation(this.account, thing);
    customCreated(this.account, stack, thing);
  }

  private usedBy({ plan, made }: Stack, { Properties }: Resource): ReadonlySet<number> {
    const used = plan.mentions(Properties).map((id) => made.get(id)?.id);
    return new Set(used.filter((id) => id !== undefined));
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

/** Of what has been begun, what was still in progress when the failure came, and what failed. */
function notComplete({ plan, made }: Stack, { at, others }: Failure): string[] {
  const complete = plan.ancestors(at);
  return [...made.keys()].filter((id) => id === at || (others === 'early' && !complete.has(id)));
}

const plans = new WeakMap<Resources, Plan>();

/** The plan of a template, made once. */
export function planOf(resources: Resources): Plan {
  const plan = plans.get(resources) ?? new Plan(resources);
  plans.set(resources, plan);
  return plan;
}
