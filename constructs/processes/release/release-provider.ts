import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction, IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { type CfnStateMachine, LogLevel } from 'aws-cdk-lib/aws-stepfunctions';
import { Provider, type WaiterStateMachine } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import {
  acknowledgeInvocation,
  addDeadLetterTopic,
  type HandlerNetwork,
  type HandlerSettings,
  handlerRole,
} from '../../core/handler-function';
import type { WorkloadRole } from '../../core/workload-role';

/** How often the framework asks whether the release has finished. */
export const QUERY_INTERVAL = Duration.seconds(10);

export interface ReleaseProviderProps extends HandlerSettings {
  readonly onEvent: IFunction;
  readonly isComplete: IFunction;
  readonly totalTimeout: Duration;
  readonly logGroup: ILogGroup;
  readonly network?: HandlerNetwork;
}

/**
 * The provider framework of the CDK, held to the same rules as our own functions: three functions and a state
 * machine between CloudFormation and the two handlers.
 *
 * Its roles are ours and closed to its grants, which would allow every version and alias of a function; the
 * framework calls the function itself.
 *
 * @internal
 */
export class ReleaseProvider extends Construct {
  public readonly serviceToken: string;

  constructor(scope: Construct, id: string, props: ReleaseProviderProps) {
    super(scope, id);
    const { onEvent, isComplete, network, logGroup } = props;

    const startRole = handlerRole(
      this,
      'StartRole',
      'Framework of the release: calls the handler that starts it',
      network,
    );
    const watchRole = handlerRole(
      this,
      'WatchRole',
      'Framework of the release: calls the handler that watches',
      network,
    );
    const provider = new Provider(this, 'Provider', {
      onEventHandler: onEvent,
      isCompleteHandler: isComplete,
      queryInterval: QUERY_INTERVAL,
      totalTimeout: props.totalTimeout,
      frameworkOnEventRole: startRole.withoutPolicyUpdates(),
      frameworkCompleteAndTimeoutRole: watchRole.withoutPolicyUpdates(),
      logGroup,
      vpc: network?.vpc,
      vpcSubnets: network?.subnets,
      securityGroups: network && [network.securityGroup],
      disableWaiterStateMachineLogging: false,
      waiterStateMachineLogOptions: { destination: logGroup, level: LogLevel.ALL },
    });
    const waiter = provider.node.findChild('waiter-state-machine') as WaiterStateMachine;
    trace(waiter);
    call(startRole, onEvent, logGroup);
    call(watchRole, isComplete, logGroup);
    startRole.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['states:StartExecution'], resources: [waiter.stateMachineArn] }),
    );
    guard(
      provider,
      { 'framework-onEvent': startRole, 'framework-isComplete': watchRole, 'framework-onTimeout': watchRole },
      props,
    );
    acknowledgeWaiter(waiter, provider);
    this.serviceToken = provider.serviceToken;
  }
}

/** Each call of the framework shows in X-Ray. */
function trace(waiter: WaiterStateMachine): void {
  (waiter.node.findChild('Resource') as CfnStateMachine).tracingConfiguration = { enabled: true };
  (waiter.node.findChild('Role') as Role).addToPrincipalPolicy(
    new PolicyStatement({
      actions: [
        'xray:GetSamplingRules',
        'xray:GetSamplingTargets',
        'xray:PutTelemetryRecords',
        'xray:PutTraceSegments',
      ],
      resources: ['*'], // These actions of X-Ray take no resource.
    }),
  );
}

/** What a function of the framework may do. */
function call(role: WorkloadRole, handler: IFunction, logGroup: ILogGroup): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['lambda:InvokeFunction', 'lambda:GetFunction'], resources: [handler.functionArn] }),
  );
  logGroup.grantWrite(role);
}

/** Dead letters and reserved concurrency, which the framework has no props for. */
function guard(provider: Provider, roles: { [id: string]: WorkloadRole }, props: ReleaseProviderProps): void {
  const { deadLetterTopic, encryptionKey, reservedConcurrentExecutions } = props;
  for (const [id, role] of Object.entries(roles)) {
    const handler = provider.node.findChild(id) as LambdaFunction;
    (handler.node.defaultChild as CfnFunction).reservedConcurrentExecutions = reservedConcurrentExecutions;
    if (deadLetterTopic !== undefined) {
      addDeadLetterTopic(handler, role, deadLetterTopic, encryptionKey);
    }
  }
  acknowledgeInvocation(provider, {
    ...props,
    whyNoDeadLetters:
      'CloudFormation and the state machine beside it invoke it, and a lost answer fails the deployment.',
  });
}

function acknowledgeWaiter(waiter: WaiterStateMachine, provider: Provider): void {
  const reason =
    'The framework makes the role of its state machine itself: it may call two functions of the framework, deliver its log, and write traces; the last two actions take no resource.';
  const functions = ['framework-isComplete', 'framework-onTimeout'].map(
    (id) => provider.node.findChild(id) as LambdaFunction,
  );
  for (const { functionArn } of functions) {
    acknowledge(waiter, `IAM5[Resource::${findingOf(Stack.of(waiter).resolve(functionArn))}:*]`, reason);
  }
  acknowledge(waiter, 'IAM5[Resource::*]', reason);
  acknowledge(waiter, 'IAMNoInlinePolicy', reason);
}
