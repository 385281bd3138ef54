import { nameOf } from './names';
import type { Resource } from './template';

/** Something that exists in the account. */
export interface Thing {
  readonly id: number;
  readonly type: string;
  /** Type and fixed name, where it has one. */
  name?: string;
  /** Stack and logical id under which it was made; a service makes some things by itself. */
  readonly stack?: string;
  readonly logicalId?: string;
  resource: Resource;
  /** What its properties refer to. */
  uses: ReadonlySet<number>;
  /** The service refuses to delete it. */
  isProtected: boolean;
  /** Objects, recovery points: what makes a store not empty. */
  contents: number;
  /** How often it was changed, and how often a service made up a value for it, such as a password. */
  changes: number;
  generated: number;
}

/** What AWS says when it refuses something. */
export class Refusal extends Error {}

/** Types whose service works through a role of its own, which a new account does not have. */
export const SERVICE_LINKED_ROLES: { readonly [type: string]: string } = {
  'AWS::ApplicationAutoScaling::ScalableTarget': 'ecs.application-autoscaling.amazonaws.com',
  'AWS::ECS::Cluster': 'ecs.amazonaws.com',
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 'elasticloadbalancing.amazonaws.com',
  'AWS::RDS::DBCluster': 'rds.amazonaws.com',
  'AWS::RDS::DBInstance': 'rds.amazonaws.com',
};

/** Of these the first call makes the role and fails, since the role cannot be assumed yet. */
const FAILS_AT_FIRST = ['ecs.amazonaws.com'];

/** The things of one account in one region. */
export class Account {
  public readonly things = new Map<number, Thing>();
  private readonly names = new Map<string, number>();
  private readonly late: (() => void)[] = [];
  private next = 1;

  constructor(private readonly linkedRoles = new Set(Object.values(SERVICE_LINKED_ROLES))) {}

  /** Makes a thing, as the service would: a name that is taken is refused, and so is a role that is missing. */
  public make(thing: Omit<Thing, 'id' | 'isProtected' | 'contents' | 'changes' | 'generated'>): Thing {
    this.needLinkedRole(thing.type);
    if (thing.name !== undefined && this.names.has(thing.name)) {
      throw new Refusal(`${thing.name} already exists`);
    }
    const made: Thing = { ...thing, id: this.next, isProtected: false, contents: 0, changes: 0, generated: 1 };
    this.next += 1;
    this.things.set(made.id, made);
    if (made.name !== undefined) {
      this.names.set(made.name, made.id);
    }
    return made;
  }

  public remove(thing: Thing): void {
    this.things.delete(thing.id);
    if (thing.name !== undefined) {
      this.names.delete(thing.name);
    }
  }

  /** Gives a thing another name, which must be free. */
  public rename(thing: Thing, name: string | undefined): void {
    if (name === thing.name) {
      return;
    }
    if (name !== undefined && this.names.has(name)) {
      throw new Refusal(`${name} already exists`);
    }
    if (thing.name !== undefined) {
      this.names.delete(thing.name);
    }
    if (name !== undefined) {
      this.names.set(name, thing.id);
    }
    thing.name = name;
  }

  /** Something that a service does after everything else. */
  public later(act: () => void): void {
    this.late.push(act);
  }

  /** What the services do by themselves once a stack is at rest. */
  public settle(): void {
    for (const act of this.late.splice(0)) {
      act();
    }
  }

  /** A log group that a service makes by itself, unless there is one. */
  public makeLogGroup(name: string): void {
    const type = 'AWS::Logs::LogGroup';
    if (!this.names.has(nameOf(type, name))) {
      this.make({ type, name: nameOf(type, name), resource: { Type: type }, uses: new Set() });
    }
  }

  /** The things that use another one. */
  public users(of: Thing): Thing[] {
    return [...this.things.values()].filter(({ uses }) => uses.has(of.id));
  }

  /** What a thing uses, as far as it exists. */
  public used(thing: Thing): Thing[] {
    return [...thing.uses].map((id) => this.things.get(id)).filter((each) => each !== undefined);
  }

  private needLinkedRole(type: string): void {
    const role = SERVICE_LINKED_ROLES[type];
    if (role !== undefined && !this.linkedRoles.has(role)) {
      this.linkedRoles.add(role);
      if (FAILS_AT_FIRST.includes(role)) {
        throw new Refusal(`Unable to assume the service linked role of ${role}`);
      }
    }
  }
}
