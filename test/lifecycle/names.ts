import type { Resource } from './template';

/** What a template knows of where it is deployed. */
export interface Place {
  readonly stackName: string;
  readonly stackId: string;
}

/**
 * The names of which an account has one in a region, by type of resource: the properties that form the name.
 *
 * Types whose name CloudFormation makes up (roles, buckets, queues, balancers, secrets) are in the table too: a
 * template may give them one. A task definition gets a new revision, and a policy inside a role has its role to itself.
 */
const NAMESPACES: { readonly [type: string]: readonly string[] } = {
  'AWS::Backup::BackupPlan': [],
  'AWS::Backup::BackupVault': ['BackupVaultName'],
  'AWS::Backup::RestoreTestingPlan': ['RestoreTestingPlanName'],
  'AWS::CloudWatch::Alarm': ['AlarmName'],
  'AWS::CloudWatch::Dashboard': ['DashboardName'],
  'AWS::CodePipeline::Pipeline': ['Name'],
  'AWS::EC2::Subnet': ['VpcId', 'CidrBlock'], // Not a name: no two subnets of a VPC have the same addresses.
  'AWS::ECS::Cluster': ['ClusterName'],
  'AWS::ElasticLoadBalancingV2::ListenerRule': ['ListenerArn', 'Priority'],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name'],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ['Name'],
  'AWS::Events::Rule': ['Name'],
  'AWS::IAM::ManagedPolicy': ['ManagedPolicyName'],
  'AWS::IAM::Role': ['RoleName'],
  'AWS::KMS::Alias': ['AliasName'],
  'AWS::Lambda::Function': ['FunctionName'],
  'AWS::Logs::LogGroup': ['LogGroupName'],
  'AWS::Logs::ResourcePolicy': ['PolicyName'],
  'AWS::RDS::DBInstance': ['DBInstanceIdentifier'],
  'AWS::RDS::DBParameterGroup': ['DBParameterGroupName'],
  'AWS::RDS::DBSubnetGroup': ['DBSubnetGroupName'],
  'AWS::RDS::EventSubscription': ['SubscriptionName'],
  'AWS::Route53::RecordSet': ['HostedZoneId', 'Name', 'Type'],
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::SNS::Topic': ['TopicName'],
  'AWS::SQS::Queue': ['QueueName'],
  'AWS::Scheduler::Schedule': ['Name'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::StepFunctions::StateMachine': ['StateMachineName'],
  'AWS::WAFv2::WebACL': ['Name'],
};

/** Types whose names count inside another resource, which the template may refer to. */
const INSIDE = ['AWS::EC2::Subnet', 'AWS::ElasticLoadBalancingV2::ListenerRule', 'AWS::Route53::RecordSet'];

/** The fixed name of a resource in its account and region, with its type; undefined where AWS makes the name up. */
export function fixedName(resource: Resource, place: Place): string | undefined {
  const properties = NAMESPACES[resource.Type] ?? [];
  const isInside = INSIDE.includes(resource.Type);
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
