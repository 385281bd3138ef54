import { randomBytes } from 'node:crypto';
import type { Announce } from '../../announce';
import { matchesPattern } from '../../edge/listener-rules';
import { type Assembly, resourcesOfType } from '../../template/assembly';
import type { Intrinsics } from '../../template/intrinsics';
import { WITHOUT_ROLE } from '../../template/task-definition';
import type { SecretStore } from '../secrets';
import type { Key } from './signature';

/** One statement of a policy, its references resolved. */
interface Statement {
  readonly Effect: string;
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

export interface RolesProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly secrets: SecretStore;
  readonly announce: Announce;
}

/** A role that is not in the template, whose policies are not read: it may do everything. */
const NO_ROLE = '';

/**
 * The roles of tasks: an access key for each, and what the policies of the template let it do.
 *
 * Policies of resources, permission boundaries and policies outside of the template stay paper.
 */
export class Roles {
  private readonly keys = new Map<string, Key>();
  private readonly statements = new Map<string, readonly Statement[]>();

  constructor(private readonly props: RolesProps) {}

  /** The key of a role by its logical id, made when it is first asked for. */
  keyOf(role: string = NO_ROLE): Key {
    const found = this.keys.get(role);
    if (found !== undefined) {
      return found;
    }
    const key = {
      id: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secret: randomBytes(30).toString('base64').replaceAll(/[+/]/g, 'x'),
    };
    this.props.secrets.remember(key.secret);
    this.keys.set(role, key);
    return key;
  }

  secretOf(keyId: string): string | undefined {
    return [...this.keys.values()].find(({ id }) => id === keyId)?.secret;
  }

  /** The logical id of the role that a key belongs to. */
  roleOf(keyId: string): string {
    return [...this.keys].find(([, { id }]) => id === keyId)?.[0] ?? NO_ROLE;
  }

  /** Whether the policies of a role allow something. */
  allows(role: string, wish: Wish): boolean {
    if (role === NO_ROLE || role === WITHOUT_ROLE) {
      return role === NO_ROLE;
    }
    const fitting = this.statementsOf(role).filter((statement) => fits(statement, wish));
    return fitting.some(({ Effect }) => Effect === 'Allow') && !fitting.some(({ Effect }) => Effect === 'Deny');
  }

  /** The resources that the policies of a role name. */
  resourcesOf(role: string): string[] {
    return this.statementsOf(role).flatMap(({ Resource = [] }) => Resource);
  }

  /** The values that the policies of a role compare a condition key with. */
  valuesOf(role: string, key: string): string[] {
    return this.statementsOf(role)
      .flatMap(({ Condition = {} }) => Object.values(Condition))
      .flatMap((keys) => Object.entries(keys))
      .flatMap(([name, values]) => (name.toLowerCase() === key.toLowerCase() ? values : []));
  }

  private statementsOf(role: string): readonly Statement[] {
    const found = this.statements.get(role) ?? this.read(role);
    this.statements.set(role, found);
    return found;
  }

  private read(role: string): readonly Statement[] {
    const { assembly, intrinsics, announce } = this.props;
    const resource = assembly.template.Resources[role];
    const properties = resource === undefined ? {} : intrinsics.properties(resource);
    const own = (properties.Policies ?? []).map(({ PolicyDocument }: { PolicyDocument: unknown }) => PolicyDocument);
    const attached = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy']
      .flatMap((type) => resourcesOfType(assembly.template, type))
      .filter(({ id, resource: policy }) => {
        const isOf = (policy.Properties?.Roles ?? []).some((one: { Ref?: string }) => one.Ref === role);
        const arns = resource?.Properties?.ManagedPolicyArns ?? [];
        return isOf || arns.some((one: { Ref?: string }) => one.Ref === id);
      })
      .map(({ resource: policy }) => intrinsics.properties(policy).PolicyDocument);
    const outside = (resource?.Properties?.ManagedPolicyArns ?? []).filter(
      ({ Ref }: { Ref?: string }) => Ref === undefined || assembly.template.Resources[Ref] === undefined,
    );
    if (outside.length > 0) {
      announce.substitution(`${role} has policies of AWS or of others, which are not read here: it may do everything`);
      return [{ Effect: 'Allow', Action: '*', Resource: '*' }];
    }
    return [...own, ...attached].flatMap(({ Statement: list }: { Statement: Statement[] }) => list);
  }
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
      return values.some((value) => matchesPattern(value, given));
    case 'StringNotLike':
      return !values.some((value) => matchesPattern(value, given));
    case 'StringEquals':
      return values.includes(given);
    case 'StringNotEquals':
      return !values.includes(given);
    default:
      return undefined;
  }
}
