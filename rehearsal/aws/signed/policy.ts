import { matchesPattern } from '../../edge/listener-rules';

/** One statement of a policy, its references resolved. */
export interface Statement {
  readonly Effect: string;
  /** In policies of resources alone. */
  readonly Principal?: string | Readonly<Record<string, string | string[]>>;
  readonly Action?: string | string[];
  readonly Resource?: string | string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
}

/** What somebody wants to do. */
export interface Wish {
  readonly action: string;
  readonly resource: string;
  /**
   * Values of condition keys, by lower-case name. A condition on another key is not judged: Allow holds
   * with it, and Deny does not.
   */
  readonly context?: Readonly<Record<string, string>>;
}

/** Whether one of the statements allows it, and none denies it. */
export function decide(statements: readonly Statement[], wish: Wish): boolean {
  const fitting = statements.filter((statement) => fits(statement, wish));
  return fitting.some(({ Effect }) => Effect === 'Allow') && !fitting.some(({ Effect }) => Effect === 'Deny');
}

function fits(statement: Statement, { action, resource, context = {} }: Wish): boolean {
  const { Effect, Action, Resource, Condition = {} } = statement;
  const isMet = (operator: string, [key, values]: [string, string | string[]]) => {
    const given = context[key.toLowerCase()];
    const met = given === undefined ? undefined : compares(operator, [values].flat(), given);
    return met ?? Effect === 'Allow';
  };
  return (
    [Action ?? []].flat().some((pattern) => matchesPattern(pattern, action, true)) &&
    [Resource ?? []].flat().some((pattern) => matchesPattern(pattern, resource)) &&
    Object.entries(Condition).every(([operator, keys]) => Object.entries(keys).every((one) => isMet(operator, one)))
  );
}

/** Undefined for an operator that is not known here. */
function compares(operator: string, values: readonly string[], given: string): boolean | undefined {
  const name = operator.replace(/^For(AnyValue|AllValues):|IfExists$/g, '');
  switch (name) {
    case 'StringLike':
    case 'ArnLike':
    case 'ArnEquals':
      return values.some((value) => matchesPattern(value, given));
    case 'StringNotLike':
    case 'ArnNotLike':
    case 'ArnNotEquals':
      return !values.some((value) => matchesPattern(value, given));
    case 'StringEquals':
      return values.includes(given);
    case 'StringNotEquals':
      return !values.includes(given);
    case 'Bool':
      return values.map(String).includes(given);
    default:
      return undefined;
  }
}
