import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct, type IDependable } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { handlerFunction } from '../core/handler-function';
import { type Profile, profileValues } from '../core/profile';
import { SERVICE_TIMEOUT } from '../handlers/protection/contract';

/** Longest run of the function, in seconds. */
const TIMEOUT = 120;

/** Properties of `TerminationProtection`. */
export interface TerminationProtectionProps {
  readonly profile?: Profile;
  readonly reservedConcurrentExecutions?: number;
}

/**
 * Switches the termination protection of its stack on when it is made, and off while the creation of the
 * stack is rolled back, never otherwise.
 *
 * `cdk deploy` switches it on before the first deployment; CDK Pipelines, which deploy with actions of
 * CloudFormation, do not. The CDK deletes a stack whose creation failed before it tries again, which
 * CloudFormation would refuse. What depends on `ready` can fail without that.
 *
 * @see https://github.com/aws/aws-cdk/issues/17871
 *
 * @internal
 */
export class TerminationProtection extends Construct {
  /** What the rest of the stack is made after, so that it goes last in a rollback. */
  public readonly ready: IDependable;

  constructor(scope: Construct, id: string, props: TerminationProtectionProps) {
    super(scope, id);
    const { logRetention, removalPolicy } = profileValues(props.profile);
    const { handler, role, logGroup } = handlerFunction(this, {
      logRetention,
      removalPolicy,
      reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      bundle: 'protection',
      entry: 'termination',
      description: 'Protects a stack against deletion, unless its creation has failed',
      timeout: TIMEOUT,
      whyNoDeadLetters:
        'Only CloudFormation invokes it, once for a deployment, and waits for the answer. It is made before everything else, the topic for dead letters too.',
    });
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['cloudformation:DescribeStacks', 'cloudformation:UpdateTerminationProtection'],
        resources: [Stack.of(this).stackId],
      }),
    );
    acknowledge(
      logGroup,
      'CloudWatchLogGroupEncrypted',
      'CloudWatch Logs encrypts it. It is made before the key of the application, and holds two lines for each deployment that say nothing of the application.',
    );
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::TerminationProtection',
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
    });
    resource.node.addDependency(handler, role);
    this.ready = resource;
  }
}
