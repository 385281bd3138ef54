import { explicit, Graph, type Resource as Node } from '../wiring/graph';

/** A resource of a template, with what decides about its end. */
export interface Resource extends Node {
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Resources {
  readonly [id: string]: Resource;
}

/** A template in the order in which CloudFormation works: who is made after whom. */
export class Plan {
  /** Every resource after what it depends on. */
  public readonly order: readonly string[];
  private readonly graph: Graph;
  private readonly direct = new Map<string, readonly string[]>();
  private readonly closures = new Map<string, ReadonlySet<string>>();

  constructor(public readonly resources: Resources) {
    this.graph = new Graph(resources as { [id: string]: Node });
    for (const [id, resource] of Object.entries(resources)) {
      const needed = new Set([...explicit(resource), ...this.graph.mentions(resource.Properties)]);
      this.direct.set(
        id,
        [...needed].filter((other) => other !== id && other in resources),
      );
    }
    const order = new Set<string>();
    for (const id of Object.keys(resources)) {
      for (const needed of this.ancestors(id)) {
        order.add(needed);
      }
      order.add(id);
    }
    this.order = [...order];
  }

  /** Everything that exists before a resource is made, each after what it depends on. */
  public ancestors(id: string): ReadonlySet<string> {
    const known = this.closures.get(id);
    if (known !== undefined) {
      return known;
    }
    const all = new Set<string>();
    for (const needed of this.needs(id)) {
      for (const further of this.ancestors(needed)) {
        all.add(further);
      }
      all.add(needed);
    }
    this.closures.set(id, all);
    return all;
  }

  /** What a resource directly depends on, by reference or by word. */
  public needs(id: string): readonly string[] {
    return this.direct.get(id) ?? [];
  }

  /** The resources that the properties of a resource mention. */
  public mentions(value: unknown): string[] {
    return this.graph.mentions(value);
  }
}
