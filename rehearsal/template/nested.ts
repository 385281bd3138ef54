import { readFileSync } from 'node:fs';
import type { Resource, Template } from './assembly';

const NESTED = 'AWS::CloudFormation::Stack';

/**
 * A template with the resources of its nested stacks, as if it had none.
 *
 * Parameters become what the template gives for them, and references to outputs what the nested stack has
 * there. A resource whose logical id is taken has that of its stack before its own.
 */
export function withNested(template: Template, fileOf: (hash: string) => string | undefined): Template {
  const nested = Object.entries(template.Resources).flatMap(([id, resource]) => {
    const file = resource.Type === NESTED ? fileOf(hashOf(resource) ?? '') : undefined;
    return file === undefined ? [] : [{ id, file }];
  });
  return nested.reduce((whole, { id, file }) => {
    const read = { Resources: {}, ...JSON.parse(readFileSync(file, 'utf8')) } as Template;
    return merged(whole, id, withNested(read, fileOf));
  }, template);
}

/** With a nested stack in the place of the resource that makes it. */
function merged(whole: Template, id: string, template: Template): Template {
  const { [id]: resource, ...others } = whole.Resources;
  const names = new Map(Object.keys(template.Resources).map((name) => [name, name in others ? `${id}${name}` : name]));
  const given: Readonly<Record<string, unknown>> = resource.Properties?.Parameters ?? {};
  const defaults = Object.entries(template.Parameters ?? {}).map(([name, { Default }]) => [name, Default] as const);
  const values = new Map<string, unknown>([...defaults, ...Object.entries(given)]);
  const inWhole = (value: unknown) => mapped(value, (name, argument) => ofNested(name, argument, { names, values }));
  const made = Object.entries(template.Resources).map(([name, each]) => {
    const { Type, Properties, Condition = resource.Condition, Metadata } = each;
    return [names.get(name), { Type, Properties: inWhole(Properties), Condition, Metadata }];
  });
  const outputs = new Map(
    Object.entries(template.Outputs ?? {}).map(([name, { Value }]) => [`Outputs.${name}`, inWhole(Value)]),
  );
  const { Parameters, Conditions, Mappings, Outputs } = whole;
  return mapped(
    {
      ...{ Parameters, Outputs },
      Conditions: { ...template.Conditions, ...Conditions },
      Mappings: { ...template.Mappings, ...Mappings },
      Resources: { ...others, ...Object.fromEntries(made) },
    },
    (name, argument) => {
      const [owner, ...attribute] = typeof argument === 'string' ? argument.split('.') : [argument].flat();
      return name === 'Fn::GetAtt' && owner === id ? outputs.get(attribute.join('.')) : undefined;
    },
  ) as Template;
}

/** What a reference of a nested stack is in the whole; undefined where it stays as it is. */
function ofNested(
  name: string,
  argument: unknown,
  { names, values }: { readonly names: ReadonlyMap<string, string>; readonly values: ReadonlyMap<string, unknown> },
): unknown {
  if (name === 'Ref') {
    const id = String(argument);
    return values.get(id) ?? { Ref: names.get(id) ?? id };
  }
  const [owner, ...attribute] = typeof argument === 'string' ? argument.split('.') : [argument].flat();
  return name === 'Fn::GetAtt' ? { 'Fn::GetAtt': [names.get(String(owner)) ?? owner, ...attribute] } : undefined;
}

/** The hash that the file of a nested stack's template has among the assets. */
function hashOf({ Properties }: Resource): string | undefined {
  return /([0-9a-f]{64})\.json/.exec(JSON.stringify(Properties?.TemplateURL ?? ''))?.[1];
}

/** A copy in which each object with one key is what `change` makes of it, if it makes something. */
export function mapped(value: unknown, change: (name: string, argument: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => mapped(item, change));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const entries = Object.entries(value);
  const changed = entries.length === 1 ? change(...entries[0]) : undefined;
  return changed ?? Object.fromEntries(entries.map(([key, item]) => [key, mapped(item, change)]));
}
