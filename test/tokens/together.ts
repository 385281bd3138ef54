import type { App } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { MESSAGE_FORM } from '../invalid/case';
import { testStack } from '../support';
import { FORMS } from './forms';
import { type Given, type MakeStruct, neededBy } from './makers';
import { kindsOf, NONSENSE, templatesOf, valuesOf } from './sweep';

/** What came of tokens in all props of a struct at once, each by its path. */
export interface Together {
  readonly taken: readonly string[];
  readonly refused: readonly string[];
  readonly fault?: string;
}

/** One token, by the path of its prop. */
interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Puts tokens into every prop of a struct but one, and takes away what is refused until the rest is made. */
export function sweepTogether(struct: string, make: MakeStruct, without: string): Together {
  const refused: string[] = [];
  for (;;) {
    const stack = testStack();
    const row = new Construct(stack, 'Row1');
    const leaves = leavesOf(struct, row, []).filter(
      ({ path }) => path[0] !== without && !refused.includes(path.join('.')),
    );
    const taken = leaves.map(({ path }) => path.join('.'));
    try {
      make(row, propsOf(struct, row, leaves));
      const found = NONSENSE.exec(templatesOf(stack.node.root as App));
      return { taken, refused, fault: found?.[0] };
    } catch (error) {
      const { message } = error as Error;
      const named = message.split('\n').map((line) => MESSAGE_FORM.exec(line)?.groups?.prop);
      const wrong = taken.filter((path) => named.some((prop) => prop !== undefined && isOf(prop, path)));
      if (named.includes(undefined) || wrong.length === 0 || NONSENSE.test(message)) {
        return { taken, refused, fault: message };
      }
      refused.push(...wrong);
    }
  }
}

/** Whether a message is about a prop: a part of the application names it without its own path. */
function isOf(named: string, path: string): boolean {
  const prop = named.replace(/\[\d+\]/g, '');
  return path === prop || path.startsWith(`${prop}.`) || path.endsWith(`.${prop}`);
}

/** A token for each prop that is no object of another part; the objects are brought one by one. */
function leavesOf(struct: string, scope: Construct, path: readonly string[]): Leaf[] {
  return Object.entries(kindsOf(struct)).flatMap(([prop, kind]) => {
    const inner = /^(map of )?struct (\w+)/.exec(kind);
    const at = [...path, prop];
    if (inner !== null) {
      return leavesOf(inner[2], scope, inner[1] === undefined ? at : [...at, 'default']);
    }
    const [value] = /object (I[A-Z]|Profile)|literal|struct/.test(kind) ? [] : valuesOf(kind, scope, FORMS[1]);
    if (value === undefined) {
      return [];
    }
    return kind.startsWith('map')
      ? [{ path: [...at, 'default'], value: (value as Given).default }]
      : [{ path: at, value }];
  });
}

/** The props that the leaves are of, and what is needed beside them. */
function propsOf(struct: string, scope: Construct, leaves: readonly Leaf[]): Given {
  const props: { [prop: string]: unknown } = {};
  for (const { path, value } of leaves) {
    let at = props;
    let of: string | undefined = struct;
    for (const part of path.slice(0, -1)) {
      const kind: string | undefined = of === undefined ? undefined : kindsOf(of)[part];
      of = /struct (\w+)/.exec(kind ?? '')?.[1] ?? of;
      at[part] ??= kind?.startsWith('map') === true ? {} : { ...neededBy(of ?? '', scope) };
      at = at[part] as { [prop: string]: unknown };
    }
    at[path[path.length - 1]] = value;
  }
  return props;
}
