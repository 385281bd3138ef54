import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { Resource } from './template';

/** What a template knows of where it is deployed. */
export interface Place {
  readonly stackName: string;
  readonly stackId: string;
}

/**
 * What exists once inside another resource, which the template may refer to, by the properties that say so; and types
 * whose name may be there twice. AWS's specification knows neither.
 */
const INSIDE: { readonly [type: string]: readonly string[] } = {
  'AWS::ApplicationAutoScaling::ScalingPolicy': [], // Within its target. One policy more is another name here.
  'AWS::Backup::RestoreTestingSelection': ['RestoreTestingPlanName', 'RestoreTestingSelectionName'],
  'AWS::EC2::SecurityGroup': ['VpcId', 'GroupName'],
  'AWS::EC2::Subnet': ['VpcId', 'CidrBlock'], // Not a name: no two subnets of a VPC have the same addresses.
  'AWS::ECS::Service': ['Cluster', 'ServiceName'],
  'AWS::ElasticLoadBalancingV2::ListenerRule': ['ListenerArn', 'Priority'],
  'AWS::Logs::LogStream': ['LogGroupName', 'LogStreamName'],
  'AWS::Logs::MetricFilter': ['LogGroupName', 'FilterName'],
  'AWS::SES::EmailIdentity': ['EmailIdentity'], // Not called a name, and there is one in an account and region.
  'AWS::Route53::RecordSet': ['HostedZoneId', 'Name', 'Type'],
};

const known = new Map<string, readonly string[]>();
let specification: ReturnType<typeof loadAwsServiceSpecSync> | undefined;

/**
 * The properties that form the name of which an account has one in a region.
 *
 * By AWS's own specification: a text that is called after the type, such as `RoleName`, `DBInstanceIdentifier` or just
 * `Name`, and that only a replacement changes. A family of task definitions is no such name, and gets a new revision.
 */
export function nameProperties(type: string): readonly string[] {
  const properties = known.get(type) ?? INSIDE[type] ?? specified(type);
  known.set(type, properties);
  return properties;
}

function specified(type: string): string[] {
  specification ??= loadAwsServiceSpecSync(); // takes half a second
  const [resource] = specification.lookup('resource', 'cloudFormationType', 'equals', type);
  const own = type.split('::')[2];
  return Object.entries(resource?.properties ?? {})
    .filter(([, { causesReplacement, type: of }]) => causesReplacement === 'yes' && of.type === 'string')
    .map(([name]) => name)
    .filter((name) => own.endsWith(name.replace(/(Name|Identifier)$/, '')) && /(Name|Identifier)$/.test(name));
}

/** The fixed name of a resource in its account and region, with its type; undefined where AWS makes the name up. */
export function fixedName(resource: Resource, place: Place): string | undefined {
  const properties = nameProperties(resource.Type);
  const isInside = resource.Type in INSIDE;
  const parts = properties.map((property) => {
    const value: unknown = resource.Properties?.[property];
    return (
      evaluate(value, place) ??
      (isInside && value !== undefined ? `${place.stackId} ${JSON.stringify(value)}` : undefined)
    );
  });
  return parts.length === 0 || parts.includes(undefined) ? undefined : nameOf(resource.Type, parts.join('/'));
}

/** Name of the one thing of a type that may be called so. */
export function nameOf(type: string, name: string): string {
  return `${type} ${name}`;
}

/** The text that an expression gives; undefined where it holds what AWS makes up. */
export function evaluate(value: unknown, place: Place): string | undefined {
  const result = resolve(value, place);
  return typeof result === 'string' ? result : undefined;
}

function resolve(value: unknown, place: Place): string | readonly string[] | undefined {
  if (typeof value === 'string' || value === undefined || value === null) {
    return value ?? undefined;
  }
  if (typeof value === 'number') {
    return String(value);
  }
  const [[intrinsic, argument]] = Object.entries(value as { [intrinsic: string]: unknown });
  const rule = INTRINSICS[intrinsic];
  return rule?.(argument, place);
}

const INTRINSICS: {
  readonly [name: string]: (argument: unknown, place: Place) => string | readonly string[] | undefined;
} = {
  'Fn::GetAZs': () => ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'],
  Ref: (name, place) => pseudo(place)[name as string],
  'Fn::Join': (argument, place) => {
    const [separator, parts] = argument as [string, unknown[]];
    const texts = parts.map((part) => evaluate(part, place));
    return texts.includes(undefined) ? undefined : texts.join(separator);
  },
  'Fn::Split': (argument, place) => {
    const [separator, text] = argument as [string, unknown];
    return evaluate(text, place)?.split(separator);
  },
  'Fn::Select': (argument, place) => {
    const [index, list] = argument as [number | string, unknown];
    const values = Array.isArray(list) ? list.map((each) => evaluate(each, place)) : resolve(list, place);
    return Array.isArray(values) ? values[Number(index)] : undefined;
  },
};

function pseudo({ stackName, stackId }: Place): { readonly [name: string]: string } {
  return {
    'AWS::AccountId': '111122223333',
    'AWS::Partition': 'aws',
    'AWS::Region': 'eu-central-1',
    'AWS::StackId': stackId,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
}
