import { Graph, type Resource } from '../wiring/graph';

/** What a template must show, and changes after which it no longer shows it. */
export interface Control {
  /** Ids of AWS Security Hub, or the rule of a pack. */
  readonly ids: string;
  readonly sentence: string;
  /** What speaks against it; nothing to look at speaks against it, too. */
  readonly offenders: (template: Graph) => string[];
  /** Each must make at least one offender. */
  readonly mutants: { readonly [name: string]: Mutant };
}

export type Mutant = (resources: { [id: string]: MutableResource }) => void;

export interface MutableResource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
  Properties?: any;
  DeletionPolicy?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
type Properties = any;

/** The resources of a type for which something does not hold; their absence is an offence, too. */
export function unless(
  template: Graph,
  type: string,
  holds: (properties: Properties, id: string, resource: Resource) => boolean,
): string[] {
  const ids = template.ofType(type);
  return ids.length === 0
    ? [`no ${type}`]
    : ids.filter((id) => !holds(template.properties(id), id, template.resources[id]));
}

/** Sets a property, or what lies deeper, of the first resource of a type; `undefined` removes it. */
export function set(type: string, path: string, value: unknown): Mutant {
  return (resources) => {
    const names = path.split('.');
    const last = names.pop() as string;
    const parent = names.reduce((at, name) => {
      at[name] ??= {};
      return at[name];
    }, first(resources, type).Properties);
    parent[last] = value;
  };
}

/** Removes every resource of a type. */
export function without(type: string): Mutant {
  return (resources) => {
    for (const id of Object.keys(resources)) {
      if (resources[id].Type === type) {
        delete resources[id];
      }
    }
  };
}

/** Adds a resource. */
export function add(Type: string, Properties: Properties): Mutant {
  return (resources) => {
    resources.Added = { Type, Properties };
  };
}

/** Changes a list of `{ Key, Value }`, such as the attributes of a load balancer. */
export function setAttribute(type: string, property: string, key: string, value: string): Mutant {
  return (resources) => {
    const list: { Key: string; Value: unknown }[] = first(resources, type).Properties[property];
    for (const attribute of list.filter(({ Key }) => Key === key)) {
      attribute.Value = value;
    }
  };
}

export function attribute(list: { Key: string; Value: unknown }[] | undefined, key: string): unknown {
  return list?.find(({ Key }) => Key === key)?.Value;
}

export function first(resources: { [id: string]: MutableResource }, type: string): MutableResource {
  const all = Object.entries(resources).filter(([, { Type }]) => Type === type);
  // What is made before the application has no key and no topic yet, which other tests are about.
  const [, found] = all.find(([id]) => !id.startsWith('TerminationProtection')) ?? all[0] ?? [];
  if (found === undefined) {
    throw new Error(`the template has no ${type}`);
  }
  return found;
}

/** The template after a change, for a mutant. */
export function mutated(template: Graph, mutant: Mutant): Graph {
  const copy = JSON.parse(JSON.stringify(template.resources));
  mutant(copy);
  return new Graph(copy);
}

/** A statement of a policy in the template, with its lists made lists. */
export interface Statement {
  readonly id: string;
  readonly Effect: string;
  readonly Action: string[];
  readonly Resource: unknown[];
  readonly Principal?: unknown;
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: unknown } };
}

/** Every statement that is given to a role: managed policies, policies, and those inside of roles. */
export function roleStatements(template: Graph): Statement[] {
  return [
    ...template
      .ofType('AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy')
      .flatMap((id) => statements(id, template.properties(id).PolicyDocument)),
    ...template
      .ofType('AWS::IAM::Role')
      .flatMap((id) =>
        (template.properties(id).Policies ?? []).flatMap(({ PolicyDocument }: Properties) =>
          statements(id, PolicyDocument),
        ),
      ),
  ];
}

export function statements(id: string, document: Properties): Statement[] {
  return document.Statement.map((statement: Properties) => ({
    ...statement,
    id,
    Action: [statement.Action].flat(),
    Resource: [statement.Resource].flat(),
  }));
}

/** Whether a statement refuses every request that is not made over TLS. */
export function refusesPlainText({ Effect, Condition, Principal, Action }: Statement, service: string): boolean {
  return (
    Effect === 'Deny' &&
    Action.includes(`${service}:*`) &&
    JSON.stringify(Principal).includes('"*"') &&
    Condition?.Bool?.['aws:SecureTransport'] === 'false'
  );
}

/** Subnets whose route table leads to the internet: by an internet gateway, or by a NAT gateway. */
export function routed(template: Graph, gateway: 'GatewayId' | 'NatGatewayId'): string[] {
  const tables = template
    .ofType('AWS::EC2::Route')
    .filter((id) => template.properties(id)[gateway] !== undefined)
    .flatMap((id) => template.mentions(template.properties(id).RouteTableId));
  return template
    .ofType('AWS::EC2::SubnetRouteTableAssociation')
    .filter((id) => tables.includes(template.mentions(template.properties(id).RouteTableId)[0]))
    .flatMap((id) => template.mentions(template.properties(id).SubnetId));
}

/** How many availability zones some subnets lie in. */
export function zones(template: Graph, subnets: unknown): number {
  const found = template.mentions(subnets).map((id) => JSON.stringify(template.properties(id).AvailabilityZone));
  return new Set(found).size;
}
