import { RemovalPolicy, Token } from 'aws-cdk-lib';
import { ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { DesyncMitigationMode } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DatabaseInsightsMode, EngineLifecycleSupport } from 'aws-cdk-lib/aws-rds';
import { Dependable, type IConstruct, type IDependable } from 'constructs';
import { Checks, isUnknown, type Rule } from './checks';
import { ENUMS, OBJECTS, STRUCTS } from './private/kind-table';
import { isKnownAtSynthesis } from './private/known-props';
import { isHandedOn, isWhole, plain, remedyFor } from './private/strange-names';

/** Name of a struct whose props can be checked. */
export type Struct = keyof typeof STRUCTS;

const WHOLE_LIST: Rule = {
  must: 'be written out as a list',
  remedy: 'How many values there are decides what is made: give them one by one, tokens where they are allowed.',
};

/** Enums that name all there is. Others grow with AWS, and any value of theirs may be right. */
const CLOSED_ENUMS: { [name: string]: readonly unknown[] } = {
  ...ENUMS,
  RemovalPolicy: valuesOf(RemovalPolicy),
  RetentionDays: valuesOf(RetentionDays),
  ContainerInsights: valuesOf(ContainerInsights),
  DatabaseInsightsMode: valuesOf(DatabaseInsightsMode),
  EngineLifecycleSupport: valuesOf(EngineLifecycleSupport),
  DesyncMitigationMode: valuesOf(DesyncMitigationMode),
};

const FROM_OUTSIDE = 'What comes from `-c name=value` or a variable of the shell is a string';
const UNSET = 'a variable of your shell that is not set arrives here as undefined';
const NUMBER: Rule = { must: 'be a number', remedy: `${FROM_OUTSIDE}: convert it, as in Number(value).` };
const BOOLEAN: Rule = { must: 'be true or false', remedy: `${FROM_OUTSIDE}: compare it, as in value === 'true'.` };
const STRING: Rule = {
  must: 'be a string',
  remedy: `Give it a value, or leave the name out; ${UNSET}.`,
};
const OBJECT_REMEDIES: { [type: string]: string } = {
  Duration: 'Write it as in Duration.minutes(5).',
  Size: 'Write it as in Size.mebibytes(512) or Size.gibibytes(1).',
  Profile: 'Make it with Profile.production() or Profile.development().',
  ContainerImage: "Make it as in ContainerImage.fromAsset('app').",
  AsgiServer: 'Make it as in AsgiServer.uvicorn().',
  ContainerHealthCheck: 'Make it as in ContainerHealthCheck.http().',
  CpuArchitecture: 'Take CpuArchitecture.ARM64 or CpuArchitecture.X86_64.',
  CaCertificate: 'Take for example CaCertificate.RDS_CA_RSA2048_G1.',
  IDependable: 'Give a construct, or a DependencyGroup.',
  WebServer: 'Make it as in WebServer.gunicorn().',
};

/** How objects are known whose type has no public member of its own. */
const KNOWN_BY: { readonly [type: string]: (given: object) => boolean } = {
  AsgiServer: (given) => '_asgiCommand' in given,
  CaCertificate: (given) => !Array.isArray(given) && given.toString !== Object.prototype.toString,
  ContainerHealthCheck: (given) => '_render' in given,
  CpuArchitecture: (given) => '_cpuArchitecture' in given,
  IDependable: isDependable,
  WebServer: (given) => '_wsgiCommand' in given,
};

/** Members of the CDK's objects that something is decided by here. */
const DECIDED_BY: { readonly [type: string]: string } = { CpuArchitecture: '_cpuArchitecture' };

/**
 * Refuses, by what the types of the sources say, a value of another kind: a string where a list, a number or
 * a construct belongs.
 *
 * Who writes TypeScript hears it from the compiler; who takes values from the context, or writes JavaScript,
 * hears it here and not from a TypeError further on.
 *
 * `isSubclass` says that a user's own class hands on props, with names that only this class knows.
 */
export function checkKinds(scope: IConstruct | string, struct: Struct, props: unknown, isSubclass = false): void {
  new KindChecks(new Checks(scope), struct, isSubclass).check(props);
}

/** The props that a struct has, of all that a user's own class hands on. */
export function onlyKnown<T extends object>(struct: Struct, props: T): T {
  return Object.fromEntries(Object.entries(props).filter(([name]) => Object.hasOwn(kindsOf(struct), name))) as T;
}

/** The path of a construct that is about to be made: for checks that must come before `super`. */
export function pathOf(scope: IConstruct, id: string): string {
  return [scope.node.path, id].filter((part) => part !== '').join('/');
}

class KindChecks {
  constructor(
    private readonly checks: Checks,
    private readonly root: Struct,
    private readonly isSubclass: boolean,
  ) {}

  public check(props: unknown): void {
    this.wrong('props', props, isLiteral(props), { must: `be ${this.root}`, remedy: 'Write the props in braces.' });
    if (isLiteral(props)) {
      this.checkStruct('', this.root, props);
    }
    this.checks.throwIfAny();
  }

  private checkStruct(path: string, struct: string, given: object): void {
    for (const [prop, kind] of Object.entries(kindsOf(struct))) {
      this.checkKind(`${path}${prop}`, kind, Reflect.get(given, prop));
      this.checkSnapshot(`${path}${prop}`, kind, Reflect.get(given, prop), /^(PostgresDatabase|Cache)/.test(struct));
    }
    for (const name of Object.keys(given).filter((each) => Reflect.get(given, each) !== undefined)) {
      this.checkName(path, name, struct);
    }
  }

  /** CloudFormation makes a last snapshot of few things; the CDK writes the policy on everything. */
  private checkSnapshot(prop: string, kind: string, given: unknown, isMade: boolean): void {
    const other = kind.startsWith('enum RemovalPolicy') && !isMade && prop.split('.').pop() !== 'databaseRemovalPolicy';
    this.checks.that(prop, given, !other || given !== RemovalPolicy.SNAPSHOT, {
      must: 'not be RemovalPolicy.SNAPSHOT, which only a database or a cache can have',
      remedy: 'Take RETAIN_ON_UPDATE_OR_DELETE, RETAIN or DESTROY.',
    });
  }

  /**
   * Options may hold no strange names. The props of a part may, since they are handed on from part to part.
   */
  private checkName(path: string, name: string, struct: string): void {
    const kinds = kindsOf(struct);
    if (Object.hasOwn(kinds, name) || (path === '' && isHandedOn(struct, name))) {
      return;
    }
    const meant = Object.keys(kinds).find((prop) => plain(prop) === plain(name));
    if (meant !== undefined) {
      this.checks.refuse(`${path}${name}`, name, {
        must: `be written \`${meant}\``,
        remedy: `A name that nobody knows would have no effect; in Python, use the class ${struct}.`,
      });
    } else if (path !== '' || (isWhole(struct) && !this.isSubclass)) {
      this.checks.refuse(`${path}${name}`, name, {
        must: `be a property of ${struct}`,
        remedy: remedyFor(name, { root: this.root, path, struct }),
      });
    }
  }

  private checkKind(prop: string, kind: string, given: unknown): void {
    const optional = kind.endsWith('?');
    if (given === undefined && optional) {
      return;
    }
    const [what, ...rest] = kind.replace(/\?$/, '').split(' ');
    const inner = rest.slice(1).join(' ');
    switch (what) {
      case 'string':
        this.checkPlain(prop, given, kind, STRING);
        return;
      case 'number':
        this.checkPlain(prop, given, kind, NUMBER);
        return;
      case 'boolean':
        this.wrong(prop, given, typeof given === 'boolean', BOOLEAN);
        return;
      case 'enum':
        this.checkEnum(prop, rest, given);
        return;
      case 'list':
        this.checkList(prop, inner, given);
        return;
      case 'map':
        this.checkMap(prop, inner, given);
        return;
      case 'struct':
        this.checkLiteral(prop, rest[0], given);
        return;
      case 'literal':
        this.wrong(prop, given, isLiteral(given), { must: 'be an object', remedy: 'Write its values in braces.' });
        return;
      case 'object':
        this.checkObject(prop, rest[0], given);
    }
  }

  private checkPlain(prop: string, given: unknown, kind: string, rule: Rule): void {
    const holds = typeof given === kind.replace('?', '');
    this.wrong(prop, given, holds, rule);
    if (holds) {
      this.checkKnown(prop, given, kind);
    }
  }

  /** Refuses a token of the right kind where its value must be known. */
  private checkKnown(prop: string, given: unknown, kind: string): void {
    if (isKnownAtSynthesis(prop, kind)) {
      this.checks.known(prop, given);
    }
  }

  private checkEnum(prop: string, [name, type]: string[], given: unknown): void {
    const values = CLOSED_ENUMS[name];
    const holds = isUnknown(given) ? typeof given === type : (values?.includes(given) ?? typeof given === type);
    this.wrong(prop, given, holds, {
      must: `be a value of ${name}`,
      remedy: values === undefined ? `Take one of ${name}.` : `Take one of ${name}: ${values.join(', ')}.`,
    });
    if (holds) {
      this.checkKnown(prop, given, `enum ${name}`);
    }
  }

  private checkList(prop: string, inner: string, given: unknown): void {
    this.wrong(prop, given, Array.isArray(given), {
      must: 'be a list',
      remedy: "Put one value into brackets; split a string of several, as in value.split(',').",
    });
    if (Token.isUnresolved(given)) {
      this.checks.refuse(prop, given, WHOLE_LIST);
      return;
    }
    for (const [index, item] of (Array.isArray(given) ? given : []).entries()) {
      this.checkKind(`${prop}[${index}]`, inner, item);
    }
  }

  private checkMap(prop: string, inner: string, given: unknown): void {
    this.wrong(prop, given, isLiteral(given), { must: 'be a map', remedy: 'Write names and values in braces.' });
    for (const [name, value] of isLiteral(given) ? Object.entries(given) : []) {
      this.checkKind(`${prop}.${name}`, inner, value);
    }
  }

  private checkLiteral(prop: string, struct: string, given: unknown): void {
    this.wrong(prop, given, isLiteral(given), { must: `be ${struct}`, remedy: 'Write its properties in braces.' });
    if (isLiteral(given)) {
      this.checkStruct(`${prop}.`, struct, given);
    }
  }

  private checkObject(prop: string, type: string, given: unknown): void {
    const members = OBJECTS[type];
    const holds =
      typeof given === 'object' &&
      given !== null &&
      members.every((member) => member in given) &&
      KNOWN_BY[type]?.(given) !== false;
    this.wrong(prop, given, holds, {
      must: `be ${/^[AEIOU]/.test(type) ? 'an' : 'a'} ${type}`,
      remedy: OBJECT_REMEDIES[type] ?? 'Give the object itself, not its name, id or ARN.',
    });
    const alias: unknown = type === 'IKey' && holds ? Reflect.get(given, 'aliasName') : undefined;
    this.wrong(prop, alias, alias === undefined, {
      must: 'be a key, not an alias',
      remedy:
        'IAM policies have no effect on an alias: take Key.fromKeyArn, or Key.fromLookup, which finds a key by its alias.',
    });
    if (holds) {
      const decides = DECIDED_BY[type];
      this.checks.known(prop, decides === undefined ? undefined : Reflect.get(given, decides));
      this.checkKnown(prop, given, `object ${type}`);
    }
  }

  /** Unlike `that`, it also refuses a token: one of a number is no string. */
  private wrong(prop: string, given: unknown, holds: boolean, rule: Rule): void {
    if (!holds) {
      const remedy = Token.isUnresolved(given)
        ? 'Give a value that is known at synthesis, or a token of that kind.'
        : rule.remedy;
      this.checks.refuse(prop, given, { ...rule, remedy });
    }
  }
}

function kindsOf(struct: string): { readonly [prop: string]: string } {
  return STRUCTS[struct as Struct];
}

/** An object that names values: neither a list nor null, nor a value that is known only at deployment. */
function isLiteral(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Token.isUnresolved(value);
}

function isDependable(given: object): boolean {
  try {
    return Dependable.of(given as IDependable) !== undefined;
  } catch {
    return false; // The CDK throws for what it cannot depend on.
  }
}

function valuesOf(closed: object): unknown[] {
  // Of an enum of numbers the names are values, too.
  return Object.entries(closed).flatMap(([name, value]) => (/^\d+$/.test(name) ? [] : [value]));
}
