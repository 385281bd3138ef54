import { join } from 'node:path';
import type { Duration, Stack } from 'aws-cdk-lib';
import { type SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Foundation } from './direct-foundation';
import { statement } from './direct-tasks';

/** Inside the VPC: which security group, and the permission to be there. */
export interface HandlerNetwork {
  readonly securityGroup: SecurityGroup;
  readonly placement: ManagedPolicy;
}

export interface HandlerSettings {
  readonly bundle: string;
  readonly description: string;
  readonly timeout: Duration;
  readonly role: Role;
  readonly logGroup: LogGroup;
  readonly entry?: string;
  readonly environment?: { [name: string]: string };
  readonly network?: HandlerNetwork;
}

/** A function whose role and log group are there already; what it loses is told to the topic. */
export function handler(stack: Stack, id: string, base: Foundation, settings: HandlerSettings): LambdaFunction {
  const { bundle, entry = 'handler', network, role, ...given } = settings;
  const inside = network && {
    vpc: base.vpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    securityGroups: [network.securityGroup],
  };
  return new LambdaFunction(stack, id, {
    ...given,
    ...inside,
    code: Code.fromAsset(join(__dirname, '..', '..', 'assets', bundle)),
    handler: `index.${entry}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 256,
    role: role.withoutPolicyUpdates(),
    deadLetterTopic: base.topic,
    reservedConcurrentExecutions: 1,
  });
}

/** A role for functions, with one managed policy as its child: log, lost invocations, and what is given. */
export function handlerRole(
  stack: Stack,
  id: string,
  { topic, key }: Foundation,
  logGroup: LogGroup,
  statements: PolicyStatement[],
  network?: HandlerNetwork,
): Role {
  const role = new Role(stack, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: 'Handler of Shop',
    managedPolicies: network && [network.placement],
  });
  new ManagedPolicy(role, 'Policy', {
    roles: [role],
    statements: [
      statement(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn),
      statement(['sns:Publish'], topic.topicArn),
      statement(['kms:Decrypt', 'kms:GenerateDataKey'], key.keyArn),
      ...statements,
    ],
  });
  return role;
}

export function placementPolicy(stack: Stack, id: string): ManagedPolicy {
  return new ManagedPolicy(stack, id, {
    description: 'Lets Lambda place functions in the VPC',
    statements: [
      statement(
        [
          'ec2:AssignPrivateIpAddresses',
          'ec2:CreateNetworkInterface',
          'ec2:DeleteNetworkInterface',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeSubnets',
          'ec2:UnassignPrivateIpAddresses',
        ],
        '*',
      ),
    ],
  });
}
