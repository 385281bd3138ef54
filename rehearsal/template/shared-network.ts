import type { Resource, Template } from './assembly';
import { mapped } from './nested';

/** A stack of the assembly. */
interface Stack {
  readonly stackName: string;
  readonly template: Template;
}

/** A template with what it shares, and the stacks that this belongs to. */
export interface Shared {
  readonly template: Template;
  readonly owners: readonly string[];
}

const [VPC, BALANCER, LISTENER, RULE] = [
  'AWS::EC2::VPC',
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  'AWS::ElasticLoadBalancingV2::Listener',
  'AWS::ElasticLoadBalancingV2::ListenerRule',
];

/**
 * Takes the VPC and the load balancer of other stacks into a template that imports them.
 *
 * A load balancer comes with all of its listeners, and with those of its rules that forward to nobody, such
 * as redirects to HTTPS. What else a template imports stays as it is.
 */
export function withShared(template: Template, others: readonly Stack[]): Shared {
  const resources: Record<string, Resource> = {};
  const exports = new Map<string, unknown>();
  const owners: string[] = [];
  const text = JSON.stringify(template);
  for (const { stackName, template: owner } of others) {
    const found = Object.values(owner.Outputs ?? {}).flatMap(({ Value, Export }) =>
      typeof Export?.Name === 'string' && text.includes(`{"Fn::ImportValue":${JSON.stringify(Export.Name)}}`)
        ? [{ name: Export.Name, value: Value }]
        : [],
    );
    const shared = sharedOf(
      owner,
      found.map(({ value }) => referredTo(value)),
    );
    const prefix = stackName.replace(/[^A-Za-z0-9]/g, '');
    for (const id of shared) {
      const { Type, Properties, Metadata } = owner.Resources[id];
      resources[`${prefix}${id}`] = {
        Type,
        Properties: renamed(Properties, prefix) as Resource['Properties'],
        Metadata,
      };
    }
    for (const { name, value } of found.filter(({ value: one }) => shared.has(referredTo(one) ?? ''))) {
      exports.set(name, renamed(value, prefix));
    }
    owners.push(...(shared.size > 0 ? [stackName] : []));
  }
  const own = exports.size === 0 ? template : (imported(template, exports) as Template);
  return { template: { ...own, Resources: { ...own.Resources, ...resources } }, owners };
}

/** Logical ids of what a stack shares by these of its resources. */
function sharedOf({ Resources }: Template, ids: readonly (string | undefined)[]): ReadonlySet<string> {
  const all = Object.entries(Resources);
  const ofType = (type: string) => all.filter(([, resource]) => resource.Type === type);
  const imports = (id: string) => ids.includes(id);
  const vpcs = ofType(VPC).filter(([id]) => imports(id));
  const balancers = new Set([
    ...ofType(BALANCER).flatMap(([id]) => (imports(id) ? [id] : [])),
    ...ofType(LISTENER).flatMap(([id, { Properties }]) =>
      imports(id) ? [referredTo(Properties?.LoadBalancerArn) ?? ''] : [],
    ),
  ]);
  const listeners = ofType(LISTENER).filter(
    ([id, { Properties }]) => imports(id) || balancers.has(referredTo(Properties?.LoadBalancerArn) ?? ''),
  );
  const known = new Set(listeners.map(([id]) => id));
  const rules = ofType(RULE).filter(
    ([, { Properties }]) =>
      known.has(referredTo(Properties?.ListenerArn) ?? '') &&
      !(Properties?.Actions ?? []).some(({ Type }: { Type?: string }) => Type === 'forward'),
  );
  const one = [...balancers].filter((id) => Resources[id] !== undefined);
  return new Set([...one, ...[...vpcs, ...listeners, ...rules].map(([id]) => id)]);
}

/** The resource that a reference is to. */
function referredTo(value: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (value ?? {}) as { Ref?: string; 'Fn::GetAtt'?: string | string[] };
  return Ref ?? (typeof attribute === 'string' ? attribute.split('.')[0] : attribute?.[0]);
}

/** The same with the names that its resources have in another template. */
function renamed(value: unknown, prefix: string): unknown {
  return mapped(value, (name, argument) => {
    if (name === 'Ref' && !String(argument).startsWith('AWS::')) {
      return { Ref: `${prefix}${argument}` };
    }
    const [id, ...attribute] = typeof argument === 'string' ? argument.split('.') : [argument].flat();
    return name === 'Fn::GetAtt' ? { 'Fn::GetAtt': [`${prefix}${id}`, ...attribute] } : undefined;
  });
}

function imported(value: unknown, exports: ReadonlyMap<string, unknown>): unknown {
  return mapped(value, (name, argument) => (name === 'Fn::ImportValue' ? exports.get(String(argument)) : undefined));
}
