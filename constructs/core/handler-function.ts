import { basename, join } from 'node:path';
import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { type IManagedPolicy, ManagedPolicy, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  type CfnFunction,
  Code,
  type ILayerVersion,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge';
import type { Checks } from './checks';
import { grantKeyVia } from './key-policy';
import { logGroup as newLogGroup } from './log-group';
import { WorkloadRole } from './workload-role';

/** What the functions of one construct have in common. */
export interface HandlerSettings {
  readonly encryptionKey?: IKey;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  readonly reservedConcurrentExecutions?: number;
  /** SNS topic for asynchronous invocations that Lambda gave up on. */
  readonly deadLetterTopic?: ITopic;
  /** @default - the authorities that the bundle and Lambda have */
  readonly caBundle?: CaBundle;
}

/** Certificate authorities that a function trusts besides its own. */
export interface CaBundle {
  readonly layer: ILayerVersion;
  /** Where the function finds the file. */
  readonly path: string;
}

/** The network of a function that runs in a VPC. */
export interface HandlerNetwork {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroup: ISecurityGroup;
  /**
   * Policy that lets Lambda place a function in the VPC.
   *
   * @default - the role of the function has `placementStatement`
   */
  readonly placement?: IManagedPolicy;
}

/** Properties of `handlerFunction`. */
export interface HandlerFunctionProps extends HandlerSettings {
  /** Name of its bundle in assets/. */
  readonly bundle: string;
  /** What it does, for example `Rotates the SECRET_KEY of Django`. */
  readonly description: string;
  /** Time limit of an invocation in seconds. */
  readonly timeout: number;
  readonly environment?: { [name: string]: string };
  /**
   * Function of the bundle that Lambda calls.
   *
   * @default 'handler'
   */
  readonly entry?: string;
  /**
   * A role that is shared with other functions of the bundle; it may be placed in the network already.
   *
   * @default - a new one
   */
  readonly role?: WorkloadRole;
  /**
   * Why no invocation is lost without a dead-letter topic, and why few run at once: the reason in
   * acknowledgements.
   */
  readonly whyNoDeadLetters: string;
  /** @default - outside of any VPC */
  readonly network?: HandlerNetwork;
  /** @default - a new one */
  readonly logGroup?: ILogGroup;
}

/** A function with its role and its log group. */
export interface HandlerFunction {
  readonly handler: LambdaFunction;
  readonly role: WorkloadRole;
  readonly logGroup: ILogGroup;
}

/**
 * A Lambda function of ours with its role and its log group, as children `Handler`, `Role` and `Logs` of the
 * scope.
 */
export function handlerFunction(scope: Construct, props: HandlerFunctionProps): HandlerFunction {
  const { network, encryptionKey } = props;
  const role = props.role ?? handlerRole(scope, 'Role', props.description, network);
  const logGroup = props.logGroup ?? newLogGroup(scope, 'Logs', props);
  logGroup.grantWrite(role);
  const handler = new LambdaFunction(scope, 'Handler', {
    description: props.description,
    code: handlerCode(props.bundle),
    handler: `index.${props.entry ?? 'handler'}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 256,
    timeout: Duration.seconds(props.timeout),
    environment: props.caBundle
      ? { ...props.environment, NODE_EXTRA_CA_CERTS: props.caBundle.path }
      : props.environment,
    layers: props.caBundle && [props.caBundle.layer],
    vpc: network?.vpc,
    vpcSubnets: network?.subnets,
    securityGroups: network && [network.securityGroup],
    role,
    logGroup,
    reservedConcurrentExecutions: props.reservedConcurrentExecutions,
  });
  if (props.deadLetterTopic !== undefined) {
    addDeadLetterTopic(handler, role, props.deadLetterTopic, encryptionKey);
  }
  acknowledgeInvocation(handler, props);
  return { handler, role, logGroup };
}

/** Validates the concurrency that is reserved for a function. */
export function checkReservedConcurrency(checks: Checks, handlerReservedConcurrency: number | undefined): void {
  checks.integer('handlerReservedConcurrency', handlerReservedConcurrency, {
    min: 1,
    max: 1000,
    remedy: 'Leave it out in an account with a concurrency quota of 10, none of which can be reserved.',
  });
}

/** Lets Lambda place a function in a VPC. */
export function placementStatement(): PolicyStatement {
  return new PolicyStatement({
    actions: [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ],
    // Lambda checks for these before it places a function in a VPC; the interfaces do not exist yet.
    resources: ['*'],
  });
}

/** A policy that lets Lambda place the functions of a construct in a VPC. */
export function placementPolicy(scope: Construct, id: string, description: string): ManagedPolicy {
  const policy = new ManagedPolicy(scope, id, { description, statements: [placementStatement()] });
  acknowledge(
    policy,
    'IAM5[Resource::*]',
    'AWS Lambda asks for these six network interface actions on every resource before it places a function in a VPC. The policy holds nothing else.',
  );
  return policy;
}

/**
 * The role of a function, which lets Lambda place it in the network where there is one.
 *
 * Without a condition on the source, because AWS documents none for roles of functions. A role can be passed
 * to Lambda within its own account only.
 */
export function handlerRole(scope: Construct, id: string, description: string, network?: HandlerNetwork): WorkloadRole {
  return new WorkloadRole(scope, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description,
    managedPolicies: network?.placement && [network.placement],
  });
}

/** Like `deadLetterTopic` of the L2, which makes an inline policy depending on a feature flag. */
export function addDeadLetterTopic(
  handler: LambdaFunction,
  role: WorkloadRole,
  topic: ITopic,
  encryptionKey: IKey | undefined,
): void {
  role.addToPrincipalPolicy(new PolicyStatement({ actions: ['sns:Publish'], resources: [topic.topicArn] }));
  (handler.node.defaultChild as CfnFunction).deadLetterConfig = { targetArn: topic.topicArn };
  const topicKey = topic.masterKey ?? encryptionKey;
  if (topicKey !== undefined) {
    grantKeyVia(
      { service: 'sns', region: Stack.of(handler).region, key: topicKey },
      role,
      'kms:Decrypt',
      'kms:GenerateDataKey',
    );
  }
}

/** Acknowledges findings on a function, or on all functions below a construct, that cannot be removed. */
export function acknowledgeInvocation(
  handler: Construct,
  props: Pick<
    HandlerFunctionProps,
    'deadLetterTopic' | 'reservedConcurrentExecutions' | 'network' | 'whyNoDeadLetters'
  >,
): void {
  if (props.deadLetterTopic === undefined) {
    acknowledge(handler, 'LambdaDLQ', props.whyNoDeadLetters);
  }
  if (props.reservedConcurrentExecutions === undefined) {
    acknowledge(
      handler,
      'LambdaConcurrency',
      `${props.whyNoDeadLetters} New accounts have a concurrency quota of 10, none of which can be reserved. ` +
        'Set `handlerReservedConcurrency` when yours is higher.',
    );
  }
  if (props.network === undefined) {
    acknowledge(
      handler,
      'LambdaInsideVPC',
      'It calls the APIs of AWS over TLS and nothing else, and nobody can connect to it. In a VPC it would need a NAT gateway or endpoints, which not every network has.',
    );
  }
}

/**
 * The bundled Lambda handler of that name; `npm run build:handlers` makes it from
 * constructs/handlers/<name>/index.ts.
 */
function handlerCode(name: string): Code {
  return Code.fromAsset(join(packageRoot(), 'assets', name));
}

/**
 * The folder of package.json: sources live two folders below it, compiled files three (dist/constructs/core).
 */
function packageRoot(): string {
  const up = join(__dirname, '..', '..');
  return basename(up) === 'dist' ? join(up, '..') : up;
}
