import type { Resource, Template } from './assembly';

const STACK = 'AWS::CloudFormation::Stack';

/** The template of a nested stack, by the resource that stands for it. */
export type NestedTemplate = (resource: Resource) => Template | undefined;

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
type Json = any;

/**
 * A template with the resources of its nested stacks in place of them, as if all were one stack.
 *
 * Their ids begin with that of the nested stack. Parameters and outputs, by which the stacks tell each other
 * what they made, are gone: each reference leads to the resource itself.
 */
export function withNestedStacks(template: Template, nestedTemplate: NestedTemplate): Template {
  let whole = template;
  for (const [id, resource] of Object.entries(template.Resources)) {
    const nested = resource.Type === STACK ? nestedTemplate(resource) : undefined;
    if (nested !== undefined) {
      whole = replaced(whole, id, withNestedStacks(nested, nestedTemplate));
    }
  }
  return whole;
}

/** The template with one nested stack put in its place. */
function replaced(template: Template, stackId: string, nested: Template): Template {
  const { [stackId]: stack, ...others } = template.Resources;
  const given: { [name: string]: Json } = {
    ...Object.fromEntries(Object.entries(nested.Parameters ?? {}).map(([name, { Default }]) => [name, Default])),
    ...stack.Properties?.Parameters,
  };
  const nameOf = (id: string) => `${stackId}${id}`;
  const inside = (value: Json) =>
    changed(value, (key, target) => {
      const [name, ...attribute] = [target].flat() as string[];
      if (key === 'Ref' && name in given) {
        return given[name];
      }
      if (key === 'Condition' && name in (nested.Conditions ?? {})) {
        return { Condition: nameOf(name) };
      }
      const isLocal = name in nested.Resources;
      return isLocal ? { [key]: key === 'Ref' ? nameOf(name) : [nameOf(name), ...attribute] } : undefined;
    });
  const waitsFor = listOf(stack.DependsOn);
  const resources = Object.entries(nested.Resources).map(([id, resource]): [string, Resource] => {
    const { DependsOn, Condition, ...rest } = resource;
    return [
      nameOf(id),
      {
        ...inside(rest),
        ...(Condition === undefined ? {} : { Condition: nameOf(Condition) }),
        DependsOn: [...listOf(DependsOn).map(nameOf), ...waitsFor],
      },
    ];
  });
  const made = Object.fromEntries(resources);
  const outside = (value: Json) =>
    changed(value, (key, target) => {
      const [name, attribute] = [target].flat() as string[];
      const output = key === 'Fn::GetAtt' && name === stackId ? attribute?.replace(/^Outputs\./, '') : undefined;
      return output === undefined ? undefined : inside(nested.Outputs?.[output]?.Value);
    });
  const around = Object.entries(others).map(([id, resource]): [string, Resource] => {
    const { DependsOn, ...rest } = resource;
    const before = listOf(DependsOn).flatMap((each) => (each === stackId ? Object.keys(made) : [each]));
    return [id, { ...outside(rest), ...(before.length === 0 ? {} : { DependsOn: before }) }];
  });
  const conditions = Object.entries(nested.Conditions ?? {}).map(([name, value]) => [nameOf(name), inside(value)]);
  return {
    ...template,
    Resources: { ...Object.fromEntries(around), ...outside(made) },
    ...(template.Outputs === undefined ? {} : { Outputs: outside(template.Outputs) }),
    Conditions: { ...template.Conditions, ...Object.fromEntries(conditions) },
    Mappings: { ...nested.Mappings, ...template.Mappings },
  };
}

/** A value with some of its references changed; those that `change` says nothing about stay. */
function changed(value: Json, change: (key: string, target: Json) => Json | undefined): Json {
  if (Array.isArray(value)) {
    return value.map((item) => changed(item, change));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const entries = Object.entries(value);
  const [[key, target] = ['', undefined]] = entries;
  if (entries.length === 1 && ['Ref', 'Fn::GetAtt', 'Condition'].includes(key)) {
    const other = change(key, target);
    return other === undefined ? value : other;
  }
  return Object.fromEntries(entries.map(([name, item]) => [name, changed(item, change)]));
}

function listOf(dependsOn: string | string[] | undefined): string[] {
  return dependsOn === undefined ? [] : [dependsOn].flat();
}
