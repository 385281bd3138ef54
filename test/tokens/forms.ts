import { Aws, CfnParameter, Duration, Fn, Lazy, Size, Stack, Token } from 'aws-cdk-lib';
import { StringListParameter, StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

/** One way to write what is known only at deployment. What it is made of can be found in the template. */
export interface TokenForm {
  readonly text: (scope: Construct) => string;
  readonly number: (scope: Construct) => number;
  readonly list: (scope: Construct) => string[];
}

/** What the token of a row is known by in the template: `Q12Q` of the scope `Row12`. */
export function markOf(scope: Construct): string {
  return `Q${numberOf(scope)}Q`;
}

/** The same as a number, for what is lazily made. */
export function numberMarkOf(scope: Construct): number {
  return 7_000_000 + numberOf(scope);
}

/** What users write: a lazy value, a parameter of the stack, an export of another one, a parameter of SSM. */
export const FORMS: readonly TokenForm[] = [
  {
    text: (scope) => Lazy.string({ produce: () => `lazy-${markOf(scope)}` }),
    number: (scope) => Lazy.number({ produce: () => numberMarkOf(scope) }),
    list: (scope) => Lazy.list({ produce: () => [`lazy-${markOf(scope)}`] }),
  },
  {
    text: (scope) => parameter(scope, 'String').valueAsString,
    number: (scope) => parameter(scope, 'Number').valueAsNumber,
    list: (scope) => parameter(scope, 'CommaDelimitedList').valueAsList,
  },
  {
    text: (scope) => Fn.importValue(markOf(scope)),
    number: (scope) => Token.asNumber(Fn.importValue(markOf(scope))),
    list: (scope) => Fn.split(',', Fn.importValue(markOf(scope))),
  },
  {
    text: (scope) => StringParameter.valueForStringParameter(scope, `/${markOf(scope)}`),
    number: (scope) => Token.asNumber(StringParameter.valueForStringParameter(scope, `/${markOf(scope)}`)),
    list: (scope) => StringListParameter.valueForTypedListParameter(scope, `/${markOf(scope)}/list`),
  },
  {
    text: (scope) => `shop-${Aws.REGION}-${markOf(scope)}`,
    number: (scope) => Token.asNumber(Fn.select(0, Fn.split('-', Fn.importValue(markOf(scope))))),
    list: (scope) => [`shop-${Aws.REGION}-${markOf(scope)}`],
  },
];

/** Durations of it, in units that users write. */
export function durations(scope: Construct, form: TokenForm): Duration[] {
  return [Duration.seconds(form.number(scope)), Duration.days(form.number(scope))];
}

/** Sizes of it. */
export function sizes(scope: Construct, form: TokenForm): Size[] {
  return [Size.mebibytes(form.number(scope))];
}

function numberOf({ node }: Construct): number {
  return Number(node.id.replace('Row', ''));
}

function parameter(scope: Construct, type: string): CfnParameter {
  const stack = Stack.of(scope);
  const id = `${markOf(scope)}${type}`;
  return (stack.node.tryFindChild(id) as CfnParameter | undefined) ?? new CfnParameter(stack, id, { type });
}
