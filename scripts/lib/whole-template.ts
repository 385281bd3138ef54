import { NestedStack, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
type Json = any;

/**
 * The template of a stack with the resources of its nested stacks, as if it had none: all that they refer to
 * is in it.
 */
export function wholeTemplate(stack: Stack): { Resources: { [id: string]: Json }; [part: string]: Json } {
  const template = Template.fromStack(stack).toJSON() as Json;
  for (const nested of stack.node.findAll().filter((each) => each instanceof NestedStack)) {
    const id: string = stack.resolve(nested.nestedStackResource?.logicalId ?? '');
    const { Parameters = {} } = template.Resources[id].Properties;
    delete template.Resources[id];
    Object.assign(template.Resources, withValues(Template.fromStack(nested).toJSON().Resources, Parameters));
  }
  return template;
}

/** With the values of parameters in the place of references to them. */
function withValues(part: Json, values: { readonly [parameter: string]: Json }): Json {
  if (Array.isArray(part)) {
    return part.map((each) => withValues(each, values));
  }
  if (part === null || typeof part !== 'object') {
    return part;
  }
  return part.Ref in values
    ? values[part.Ref]
    : Object.fromEntries(Object.entries(part).map(([name, each]) => [name, withValues(each, values)]));
}
