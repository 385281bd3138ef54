import type { App } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Struct } from '../../constructs/core/kinds';
import { STRUCTS } from '../../constructs/core/private/kind-table';
import { EDGE_REGION } from '../../constructs/edge/edge-region';
import { MESSAGE_FORM } from '../invalid/case';
import { testStack } from '../support';
import { FORMS, markOf, numberMarkOf, type TokenForm } from './forms';
import { type MakeStruct, neededBy } from './makers';
import { OBJECT_MAKERS, subnetSelections } from './objects';

/** A number that a token stands for and nothing resolved, what became of one by arithmetic, or a part of its name. */
export const NONSENSE = /\d\.\d+e\+\d{3}|\bNaN\b|Infinity|Token\[|[[,:]null\b/;

/** What came of tokens in the props of a struct. */
export interface Swept {
  /** Props that a token is refused for, each with the lines of its message. */
  readonly refused: { readonly [prop: string]: readonly string[] };
  /** Props whose token is in the template. */
  readonly arrived: ReadonlySet<string>;
  /** Props that took a token, and made a template without it. */
  readonly lost: ReadonlySet<string>;
  /** Errors that are not in our form, and nonsense in messages and templates. */
  readonly faults: readonly string[];
  readonly values: number;
}

/** Makes a construct for every prop of a struct with tokens in it, all beside each other in one stack. */
export function sweep(struct: string, make: MakeStruct, only?: readonly string[]): Swept {
  // A stack of its own takes tokens of this one where both are of one region.
  const env = struct === 'EdgeStackProps' ? { region: EDGE_REGION } : undefined;
  const stack = testStack({ env }, { context: { '@aws-cdk/core:stackResourceLimit': 0 } });
  const rows: { readonly prop: string; readonly row: Construct }[] = [];
  const refused: { [prop: string]: string[] } = {};
  const faults: string[] = [];
  let values = 0;
  const props = Object.entries(kindsOf(struct)).filter(([prop]) => only?.includes(prop) ?? true);
  for (const [index, [prop, kind]] of props.entries()) {
    for (let value = 0; ; value++) {
      const row = new Construct(stack, `Row${values + 1}`);
      const form = FORMS[(index + value) % FORMS.length];
      const given = valuesOf(kind, row, form);
      if (value >= given.length) {
        stack.node.tryRemoveChild(row.node.id);
        break;
      }
      values++;
      try {
        make(row, { [prop]: given[value] });
        rows.push({ prop, row });
      } catch (error) {
        const { message, stack: trace } = error as Error;
        const lines = message.split('\n');
        if (lines.every((line) => MESSAGE_FORM.test(line)) && !NONSENSE.test(message)) {
          refused[prop] = [...(refused[prop] ?? []), ...lines];
          stack.node.tryRemoveChild(row.node.id);
        } else {
          faults.push(`${struct}.${prop}, value ${value}: ${trace}`);
        }
      }
    }
  }
  const template = faults.length > 0 ? '' : templatesOf(stack.node.root as App);
  const nonsense = NONSENSE.exec(template);
  if (nonsense !== null) {
    faults.push(`${struct}: …${template.slice(Math.max(0, nonsense.index - 200), nonsense.index + 50)}…`);
  }
  const arrived = rows.filter(({ row }) => template.includes(markOf(row)) || template.includes(`${numberMarkOf(row)}`));
  const lost = rows.filter((each) => !arrived.includes(each));
  return {
    refused,
    faults,
    values,
    arrived: new Set(arrived.map(({ prop }) => prop)),
    lost: new Set(lost.map(({ prop }) => prop)),
  };
}

/** What every prop of a struct may hold. */
export function kindsOf(struct: string): { readonly [prop: string]: string } {
  return STRUCTS[struct as Struct];
}

/** Resources, conditions and outputs of every stack; the parameters alone prove nothing. */
export function templatesOf(app: App): string {
  const templates = app.synth().stacksRecursively.map(({ template }) => ({ ...template, Parameters: undefined }));
  return JSON.stringify(templates);
}

/** Every value of a kind that a token can be in. */
export function valuesOf(kind: string, scope: Construct, form: TokenForm): readonly unknown[] {
  const [what, ...rest] = kind.replace(/\?$/, '').split(' ');
  const inner = rest.slice(1).join(' ');
  switch (what) {
    case 'string':
      return [form.text(scope)];
    case 'number':
      return [form.number(scope)];
    case 'enum':
      return [rest[1] === 'number' ? form.number(scope) : form.text(scope)];
    case 'list':
      return [...(inner === 'string' ? [form.list(scope)] : []), ...valuesOf(inner, scope, form).map((each) => [each])];
    case 'map':
      return valuesOf(inner, scope, form).map((each) => ({ default: each }));
    case 'struct':
      return structValues(rest[0], scope, form);
    case 'literal':
      return subnetSelections(scope, form);
    case 'object':
      return OBJECT_MAKERS[rest[0]](scope, form);
    default:
      return []; // True and false, and what is the CDK's.
  }
}

function structValues(struct: string, scope: Construct, form: TokenForm): readonly unknown[] {
  return Object.entries(kindsOf(struct)).flatMap(([prop, kind]) =>
    valuesOf(kind, scope, form).map((each) => ({ ...neededBy(struct, scope), [prop]: each })),
  );
}
