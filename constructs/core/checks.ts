import { Duration, Size, Token } from 'aws-cdk-lib';
import type { IVpc, SelectedSubnets, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';
import { show } from './private/show';

/**
 * What a prop may hold, and what to do when it does not.
 *
 * Both complete the sentence “`prop` must {must}, got X. {remedy}”
 */
export interface Rule {
  readonly must: string;
  readonly remedy: string;
}

/** Bounds of a number, both included. */
export interface NumberRule {
  readonly min?: number;
  readonly max?: number;
  /** Shown behind the limits, for example `on Fargate`. */
  readonly where?: string;
  readonly remedy: string;
}

/**
 * Bounds of a duration, in the unit of `whole`; in seconds, of which there may be fractions, where `whole` is
 * not given.
 */
export interface DurationRule extends NumberRule {
  /** The unit that AWS counts in: the duration must be a whole number of it. */
  readonly whole?: 'seconds' | 'minutes' | 'hours' | 'days';
}

/** Of a token where this library computes with the value, or decides by it. */
const KNOWN: Rule = {
  must: 'be known at synthesis',
  remedy: 'Other values follow from it: write it out, or read it from the context or the environment.',
};

const DURATION: Rule = { must: 'be a Duration', remedy: 'Write it as in Duration.minutes(5).' };

const SELECTION: Rule = {
  must: 'select subnets that the VPC has, by what is known of them at synthesis',
  remedy: "Give `subnets`, or the name of a group, as in { subnetGroupName: 'private' }.",
};

/**
 * Collects every problem of one construct and reports them together, before anything is created.
 *
 * A value that is missing, or known only at deployment (a token), is not checked.
 */
export class Checks {
  private readonly problems: string[] = [];
  private readonly names: { [prop: string]: string } = {};

  /** @param scope construct that the values are for, or what makes it, where there is none yet */
  constructor(private readonly scope: IConstruct | string) {}

  /** Records a problem unless `holds`. */
  public that(prop: string, given: unknown, holds: boolean, rule: Rule): this {
    return holds || isUnknown(given) ? this : this.refuse(prop, given, rule);
  }

  /** Records a problem, also of a value that is known only at deployment. */
  public refuse(prop: string, given: unknown, rule: Rule): this {
    const path = typeof this.scope === 'string' ? this.scope : this.scope.node.path || 'App';
    const [must, remedy] = [rule.must, rule.remedy].map((text) => this.inWords(text));
    this.problems.push(`${path}: \`${this.written(prop)}\` must ${must}, got ${show(given)}. ${remedy}`);
    return this;
  }

  /**
   * Calls props by other names in messages: those that the user wrote, where a value came from elsewhere.
   *
   * What follows the name of the prop (`[0]`, `.name`) stays, unless it is part of the name that is replaced.
   */
  public called(names: { readonly [prop: string]: string }): this {
    Object.assign(this.names, names);
    return this;
  }

  /** Refuses what is known only at deployment, where something is decided by it. */
  public known(prop: string, given: unknown): this {
    return isUnknown(given) ? this.refuse(prop, given, KNOWN) : this;
  }

  /** Refuses a selection that finds no subnet, as one by a name or a zone known only at deployment. */
  public selects(prop: string, vpc: IVpc, selection: SubnetSelection | undefined): this {
    if (selection === undefined) {
      return this;
    }
    const selected = selectedSubnets(vpc, selection);
    const any = selected?.isPendingLookup === true || (selected?.subnetIds.length ?? 0) > 0;
    const { subnetGroupName, subnetType, availabilityZones } = selection;
    const given = subnetGroupName ?? subnetType ?? availabilityZones ?? selection;
    return any ? this : this.refuse(prop, given, SELECTION);
  }

  /** Like `that`, for optional props. */
  public optional(prop: string, given: unknown, holds: () => boolean, rule: Rule): this {
    return given === undefined || isUnknown(given) ? this : this.that(prop, given, holds(), rule);
  }

  /** A whole number within bounds, both included. */
  public integer(prop: string, given: number | undefined, rule: NumberRule): this {
    const holds = () => Number.isInteger(given) && within(given as number, rule);
    return this.optional(prop, given, holds, { must: `be a whole number${bounds(rule, '')}`, remedy: rule.remedy });
  }

  /** A number within bounds, both included. */
  public number(prop: string, given: number | undefined, rule: NumberRule): this {
    const holds = () => Number.isFinite(given) && within(given as number, rule);
    return this.optional(prop, given, holds, { must: `be a number${bounds(rule, '')}`, remedy: rule.remedy });
  }

  /** A duration within bounds, both included. */
  public duration(prop: string, given: Duration | undefined, { whole, ...rule }: DurationRule): this {
    if (given !== undefined && !isUnknown(given) && typeof given.toMilliseconds !== 'function') {
      return this.refuse(prop, given, DURATION); // The arguments of factories come here unchecked.
    }
    const holds = () => {
      const amount = secondsOf(given as Duration) / SECONDS[whole ?? 'seconds'];
      return within(amount, rule) && (whole === undefined || Number.isInteger(amount));
    };
    const must = whole === undefined ? `be${bounds(rule, ' seconds')}` : `be whole ${whole}${bounds(rule, '')}`;
    return this.optional(prop, given, holds, { must, remedy: rule.remedy });
  }

  /** A string of a given form. */
  public matches(prop: string, given: string | undefined, form: RegExp, rule: Rule): this {
    return this.optional(prop, given, () => typeof given === 'string' && form.test(given), rule);
  }

  /** A name that the user gives a part, by which it is found in an object. */
  public partName(prop: string, name: string): this {
    return this.that(prop, name, !(name in Object.prototype), {
      must: 'not be named like a property that every object of JavaScript has',
      remedy: 'Take another name.',
    });
  }

  /** The problems so far, a line each. */
  public get found(): string[] {
    return [...this.problems];
  }

  /** Throws one error that names every recorded problem, a line each. */
  public throwIfAny(): void {
    if (this.problems.length > 0) {
      throw new Error(this.problems.join('\n'));
    }
  }

  /** The prop as the user wrote it. */
  private written(prop: string): string {
    return writtenIn(this.scope, prop, this.names);
  }

  private inWords(text: string): string {
    return inWords(text, (prop) => this.written(prop));
  }
}

function writtenIn(scope: IConstruct | string, prop: string, own: { readonly [prop: string]: string } = {}): string {
  const [root] = prop.split(/[.[]/);
  const scopes = typeof scope === 'string' ? [] : scope.node.scopes;
  const names: { [prop: string]: string } = Object.assign({}, own, ...scopes.map((each) => WRITTEN.get(each)));
  return names[prop] ?? `${names[root] ?? root}${prop.slice(root.length)}`;
}

/** A text in which each prop between backticks is called as the user wrote it. */
function inWords(text: string, written: (prop: string) => string): string {
  return text.replace(/`([A-Za-z][\w.[\]]*)`/g, (_, prop: string) => `\`${written(prop)}\``);
}

/** What the props of parts are called in the props of what makes them. */
const WRITTEN = new WeakMap<IConstruct, { readonly [prop: string]: string }>();

/**
 * Has every message about the constructs in `scope`, which need not be made yet, call props as the user wrote
 * them: a prop of a part becomes one of what makes it.
 */
export function writtenAs(scope: IConstruct, names: { readonly [prop: string]: string }): void {
  WRITTEN.set(scope, { ...WRITTEN.get(scope), ...names });
}

/** The text of a warning about a construct, with props between backticks called as the user wrote them. */
export function inWordsOf(scope: IConstruct, text: string): string {
  return inWords(text, (prop) => writtenIn(scope, prop));
}

const SECONDS = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 };

/**
 * A duration in seconds, with fractions: for comparisons, where the CDK's own conversion refuses a fraction.
 */
export function secondsOf(duration: Duration): number {
  return duration.toMilliseconds({ integral: false }) / 1000;
}

/** The subnets of a selection; undefined where the VPC has no group of that name or type. */
export function selectedSubnets(vpc: IVpc, selection: SubnetSelection): SelectedSubnets | undefined {
  try {
    return vpc.selectSubnets(selection);
  } catch {
    return undefined; // `selectSubnets` throws when a subnet group does not exist.
  }
}

/** True when the value is only known at deployment. */
export function isUnknown(value: unknown): boolean {
  if (value instanceof Duration || value instanceof Size) {
    return value.isUnresolved();
  }
  if (Array.isArray(value)) {
    return Token.isUnresolved(value) || value.some((item) => Token.isUnresolved(item));
  }
  return Token.isUnresolved(value);
}

function within(value: number, { min, max }: NumberRule): boolean {
  return value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY);
}

function bounds({ min, max, where }: NumberRule, unit: string): string {
  const place = where === undefined ? '' : ` ${where}`;
  if (min !== undefined && max !== undefined) {
    return ` from ${min} to ${max}${unit}${place}`;
  }
  if (max !== undefined) {
    return ` at most ${max}${unit}${place}`;
  }
  return min === undefined ? place : ` at least ${min}${unit}${place}`;
}
