import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { type HandlerFunction, handlerFunction } from '../../core/handler-function';
import { type Profile, profileValues } from '../../core/profile';

/** Longest run of the function, in seconds. */
const TIMEOUT = 120;

/** Properties of `firstFunction`. */
export interface FirstFunctionProps {
  readonly profile?: Profile;
  readonly reservedConcurrentExecutions?: number;
}

/**
 * The function of what is made before everything else, `Custom::TerminationProtection` and
 * `Custom::ChangeGuard`: it uses nothing of the stack, and knows its status.
 */
export function firstFunction(scope: Construct, props: FirstFunctionProps): HandlerFunction {
  const { logRetention, removalPolicy } = profileValues(props.profile);
  const made = handlerFunction(scope, {
    logRetention,
    removalPolicy,
    reservedConcurrentExecutions: props.reservedConcurrentExecutions,
    bundle: 'protection',
    entry: 'first',
    description: 'Lets a stack go whose creation has failed, and stops changes that would lose something',
    timeout: TIMEOUT,
    whyNoDeadLetters:
      'Only CloudFormation invokes it, once for a deployment, and waits for the answer. It is made before everything else, the topic for dead letters too.',
  });
  made.role.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [Stack.of(scope).stackId] }),
  );
  acknowledge(
    made.logGroup,
    'CloudWatchLogGroupEncrypted',
    'CloudWatch Logs encrypts it. It is made before the key of the application, and holds two lines for each deployment that say nothing of the application.',
  );
  return made;
}
