/** A synthesized template as a graph: who waits for whom. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
  readonly Properties?: any;
  readonly DependsOn?: string | string[];
}

export class Graph {
  private readonly edges: Map<string, Set<string>>;

  constructor(public readonly resources: { [id: string]: Resource }) {
    this.edges = new Map(Object.keys(resources).map((id) => [id, this.edgesOf(id)]));
  }

  /** Ids of the resources of a type. */
  public ofType(...types: string[]): string[] {
    return Object.keys(this.resources).filter((id) => types.includes(this.resources[id].Type));
  }

  // biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
  public properties(id: string): any {
    return this.resources[id].Properties ?? {};
  }

  /** Whether CloudFormation makes `to` before `from`, directly or through others. */
  public waitsFor(from: string, to: string): boolean {
    const seen = new Set<string>();
    const open = [from];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const next of this.edges.get(id) ?? []) {
        if (next === to) {
          return true;
        }
        if (!seen.has(next)) {
          seen.add(next);
          open.push(next);
        }
      }
    }
    return false;
  }

  /** Ids that a value of the template mentions by Ref, GetAtt or Sub. */
  public mentions(value: unknown): string[] {
    return [...new Set(mentioned(value))].filter((id) => id in this.resources);
  }

  /** The resources that depend explicitly on `to`. */
  public dependents(to: string): string[] {
    return Object.keys(this.resources).filter((id) => explicit(this.resources[id]).includes(to));
  }

  /** The same template without one explicit dependency, or several. */
  public without(...dropped: readonly (readonly [from: string, to: string])[]): Graph {
    const resources = { ...this.resources };
    for (const [from, to] of dropped) {
      resources[from] = { ...resources[from], DependsOn: explicit(resources[from]).filter((id) => id !== to) };
    }
    return new Graph(resources);
  }

  private edgesOf(id: string): Set<string> {
    const resource = this.resources[id];
    return new Set([...explicit(resource), ...this.mentions(resource.Properties)]);
  }
}

export function explicit({ DependsOn }: Resource): string[] {
  return DependsOn === undefined ? [] : [DependsOn].flat();
}

/** The logical ids that a value refers to. */
export function mentioned(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(mentioned);
  }
  if (value === null || typeof value !== 'object') {
    return [];
  }
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': sub, ...rest } = value as { [key: string]: unknown };
  return [
    ...(typeof Ref === 'string' ? [Ref] : []),
    ...(attribute === undefined ? [] : [String([attribute].flat()[0]).split('.')[0]]),
    ...(sub === undefined ? [] : [...String([sub].flat()[0]).matchAll(/\$\{(\w+)/g)].map(([, id]) => id)),
    ...Object.values(rest).flatMap(mentioned),
  ];
}
