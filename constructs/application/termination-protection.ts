import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct, type IDependable } from 'constructs';
import { SERVICE_TIMEOUT } from '../handlers/protection/contract';
import { type FirstFunctionProps, firstFunction } from './private/first-function';

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
  /** Its function, which also guards changes. */
  public readonly serviceToken: string;

  constructor(scope: Construct, id: string, props: FirstFunctionProps) {
    super(scope, id);
    const { handler, role } = firstFunction(this, props);
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['cloudformation:UpdateTerminationProtection'],
        resources: [Stack.of(this).stackId],
      }),
    );
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::TerminationProtection',
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
    });
    resource.node.addDependency(handler, role);
    this.ready = resource;
    this.serviceToken = handler.functionArn;
  }
}
