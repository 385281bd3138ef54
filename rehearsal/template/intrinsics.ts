import { type Resource, resourcesOfType, type Template } from './assembly';

/** The end of a stack's id, of which fixed names take a part. */
const STACK_UUID = '00000000-0000-4000-8000-000000000000';

/** What a logical id turned into on this machine: the value of its Ref and of its attributes. */
export interface Physical {
  readonly ref?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface IntrinsicsProps {
  readonly template: Template;
  readonly stackName: string;
  readonly region: string;
  readonly account: string;
}

/**
 * Resolves the intrinsic functions that task definitions need. What has no local counterpart becomes a
 * *paper* value, which is recognisable, and never passes for a real one.
 */
export class Intrinsics {
  private readonly physical = new Map<string, Physical>();

  constructor(private readonly props: IntrinsicsProps) {}

  /** Says what a logical id is on this machine. */
  register(id: string, physical: Physical): void {
    this.physical.set(id, physical);
  }

  /** A resource's properties with every function resolved. */
  // biome-ignore lint/suspicious/noExplicitAny: properties of any CloudFormation type
  properties(resource: Resource): Record<string, any> {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    return this.resolve(resource.Properties ?? {}) as Record<string, any>;
  }

  /** Resources of a type whose condition holds. */
  created(type: string): { id: string; resource: Resource }[] {
    return resourcesOfType(this.props.template, type).filter(
      ({ resource }) => resource.Condition === undefined || this.condition(resource.Condition),
    );
  }

  resolve(value: unknown): unknown {
    if (Array.isArray(value)) {
      return value.map((item) => this.resolve(item)).filter((item) => item !== undefined);
    }
    if (value === null || typeof value !== 'object') {
      return value;
    }
    const entries = Object.entries(value);
    const name = entries[0]?.[0] ?? '';
    if (entries.length === 1 && (name === 'Ref' || name === 'Condition' || name.startsWith('Fn::'))) {
      return this.call(name, entries[0][1]);
    }
    return Object.fromEntries(
      entries.map(([key, item]) => [key, this.resolve(item)]).filter(([, item]) => item !== undefined),
    );
  }

  private call(name: string, argument: unknown): unknown {
    switch (name) {
      case 'Ref':
        return this.ref(argument as string);
      case 'Condition':
        return this.condition(argument as string);
      case 'Fn::GetAtt': {
        const [id, ...attribute] = typeof argument === 'string' ? argument.split('.') : (argument as string[]);
        return this.attribute(id, attribute.join('.'));
      }
      case 'Fn::Join': {
        const [separator, list] = argument as [string, unknown];
        return (this.resolve(list) as unknown[]).map(String).join(separator);
      }
      case 'Fn::Sub':
        return this.sub(argument as string | [string, Record<string, unknown>]);
      case 'Fn::Select': {
        const [index, list] = argument as [unknown, unknown];
        return (this.resolve(list) as unknown[])[Number(this.resolve(index))];
      }
      case 'Fn::Split': {
        const [separator, text] = argument as [string, unknown];
        return String(this.resolve(text)).split(separator);
      }
      case 'Fn::If': {
        const [condition, yes, no] = argument as [string, unknown, unknown];
        return this.resolve(this.condition(condition) ? yes : no);
      }
      case 'Fn::FindInMap': {
        const [map, first, second] = (argument as unknown[]).map((item) => String(this.resolve(item)));
        return this.props.template.Mappings?.[map]?.[first]?.[second] ?? paper(`map/${map}/${first}/${second}`);
      }
      case 'Fn::ImportValue':
        return paper(`import/${this.resolve(argument)}`);
      case 'Fn::GetAZs':
        return ['a', 'b', 'c'].map((zone) => `${this.props.region}${zone}`);
      case 'Fn::Base64':
        return Buffer.from(String(this.resolve(argument))).toString('base64');
      case 'Fn::Equals': {
        const [left, right] = (argument as unknown[]).map((item) => this.resolve(item));
        return JSON.stringify(left) === JSON.stringify(right);
      }
      case 'Fn::Not':
        return !this.resolve((argument as unknown[])[0]);
      case 'Fn::And':
        return (argument as unknown[]).every((item) => this.resolve(item) === true);
      case 'Fn::Or':
        return (argument as unknown[]).some((item) => this.resolve(item) === true);
      default:
        return paper(name);
    }
  }

  private ref(id: string): unknown {
    const { region, account, stackName, template } = this.props;
    switch (id) {
      case 'AWS::NoValue':
        return undefined;
      case 'AWS::Region':
        return region;
      case 'AWS::AccountId':
        return account;
      case 'AWS::Partition':
        return 'aws';
      case 'AWS::URLSuffix':
        return 'amazonaws.com';
      case 'AWS::StackName':
        return stackName;
      case 'AWS::StackId':
        return `arn:aws:cloudformation:${region}:${account}:stack/${stackName}/${STACK_UUID}`;
      default: {
        const parameter = template.Parameters?.[id];
        if (parameter?.Type?.startsWith('AWS::SSM::Parameter::Value')) {
          return paper(`parameter/${parameter.Default ?? id}`); // Its default is a name, not a value.
        }
        return this.physical.get(id)?.ref ?? (parameter === undefined ? paper(id) : (parameter.Default ?? paper(id)));
      }
    }
  }

  private attribute(id: string, attribute: string): string {
    return this.physical.get(id)?.attributes?.[attribute] ?? paper(`${id}.${attribute}`);
  }

  private condition(name: string): boolean {
    return this.resolve(this.props.template.Conditions?.[name]) === true;
  }

  private sub(argument: string | [string, Record<string, unknown>]): string {
    const [text, values] = typeof argument === 'string' ? [argument, {}] : argument;
    return text.replace(/\$\{(!?)([^}]+)\}/g, (_match, literal: string, name: string) => {
      if (literal === '!') {
        return `\${${name}}`;
      }
      if (name in values) {
        return String(this.resolve(values[name]));
      }
      const dot = name.indexOf('.');
      return String(dot < 0 ? this.ref(name) : this.attribute(name.slice(0, dot), name.slice(dot + 1)));
    });
  }
}

const PAPER = 'paper://';

/** Stands for something that exists only on AWS. */
export function paper(name: string): string {
  return `${PAPER}${name}`;
}

export function isPaper(text: string): boolean {
  return text.includes(PAPER);
}
