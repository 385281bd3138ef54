import { MISSING_ATTRIBUTES, PLAIN_METRIC } from './unknown-types';

/** A resource of a template, as far as it is read here. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
  readonly Properties?: any;
  readonly DependsOn?: string | readonly string[];
  readonly DeletionPolicy?: string;
}

/** A template of CloudFormation. */
export interface Template {
  readonly Resources: { readonly [id: string]: Resource };
  readonly Outputs?: { readonly [id: string]: { readonly Value: unknown } };
}

/** Why a resource is not in the template that the emulator gets. */
export interface LeftOut {
  readonly id: string;
  readonly type: string;
  /** The resource without which it cannot be; undefined when its own type is unknown. */
  readonly needs?: string;
}

/** A template without what the emulator cannot make. */
export interface Reduced {
  readonly template: Template;
  readonly leftOut: readonly LeftOut[];
  /** Alarms that are made with a plain metric. */
  readonly altered: readonly string[];
}

/**
 * Takes the resources that cannot be made out of a template, and those that refer to them.
 *
 * A `DependsOn` alone does not take a resource with it: the name is taken out of the list.
 */
export function reduced(template: Template, unknown: readonly string[]): Reduced {
  const { Resources } = template;
  const leftOut = new Map<string, LeftOut>();
  for (const [id, { Type }] of Object.entries(Resources)) {
    if (unknown.includes(Type)) {
      leftOut.set(id, { id, type: Type });
    }
  }
  for (let before = -1; before !== leftOut.size; ) {
    before = leftOut.size;
    for (const [id, { Type, Properties }] of Object.entries(Resources)) {
      const needs = [...referencesIn(Properties)].find((name) => leftOut.has(name));
      if (needs !== undefined && !leftOut.has(id)) {
        leftOut.set(id, { id, type: Type, needs });
      }
    }
  }
  const kept = Object.entries(Resources).filter(([id]) => !leftOut.has(id));
  const Outputs = Object.entries(template.Outputs ?? {}).filter(
    ([, { Value }]) => ![...referencesIn(Value)].some((name) => leftOut.has(name)),
  );
  const resources = kept.map(([id, resource]) => [
    id,
    {
      ...(withAttributes(plain(resource), Resources) as Resource),
      DependsOn: dependenciesOf(resource).filter((name) => !leftOut.has(name)),
    },
  ]);
  return {
    template: { ...template, Resources: Object.fromEntries(resources), Outputs: Object.fromEntries(Outputs) },
    leftOut: [...leftOut.values()],
    altered: kept.filter(([, resource]) => isMath(resource)).map(([id]) => id),
  };
}

function isMath({ Type, Properties }: Resource): boolean {
  return Type === 'AWS::CloudWatch::Alarm' && Properties.Metrics !== undefined;
}

function plain(resource: Resource): Resource {
  if (!isMath(resource)) {
    return resource;
  }
  const { Metrics: _, ...properties } = resource.Properties;
  return { ...resource, Properties: { ...properties, ...PLAIN_METRIC } };
}

/** A value with what the emulator returns no attribute for written out. */
function withAttributes(value: unknown, resources: Template['Resources']): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => withAttributes(each, resources));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const [id, attribute] = (value as { 'Fn::GetAtt'?: string[] })['Fn::GetAtt'] ?? [];
  const { Type = '', Properties } = resources[id] ?? {};
  const written = MISSING_ATTRIBUTES[Type]?.[attribute];
  if (written !== undefined) {
    return written(Properties);
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withAttributes(inner, resources)]));
}

/** The logical ids in the `DependsOn` of a resource. */
export function dependenciesOf({ DependsOn = [] }: Resource): string[] {
  return [DependsOn].flat();
}

/** The logical ids and parameters that a value refers to: by `Ref`, `Fn::GetAtt` and `Fn::Sub`. */
export function referencesIn(value: unknown): Set<string> {
  if (Array.isArray(value)) {
    return new Set(value.flatMap((each) => [...referencesIn(each)]));
  }
  if (typeof value !== 'object' || value === null) {
    return new Set();
  }
  return new Set(Object.entries(value).flatMap(([name, inner]) => [...direct(name, inner), ...referencesIn(inner)]));
}

function direct(name: string, inner: unknown): string[] {
  switch (name) {
    case 'Ref':
      return [String(inner)];
    case 'Fn::GetAtt':
      return [String(Array.isArray(inner) ? inner[0] : String(inner).split('.')[0])];
    case 'Fn::Sub':
      return [...String(Array.isArray(inner) ? inner[0] : inner).matchAll(/\$\{([^!.}]+)[^}]*\}/g)].map(([, id]) => id);
    default:
      return [];
  }
}
