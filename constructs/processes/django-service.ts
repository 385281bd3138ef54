import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { ApplicationTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IConstruct } from 'constructs';

/** A process of the application that keeps running: what alarms, dashboards and outputs read. */
export interface IDjangoService extends IConstruct, IConnectable {
  /** The ECS service. */
  readonly service: FargateService;
  /** The task definition that it runs. */
  readonly taskDefinition: FargateTaskDefinition;
  /** What the running process may do. */
  readonly taskRole: IRole;
  /** Where it writes its logs. */
  readonly logGroup: ILogGroup;
  /** Tasks that are always there. */
  readonly minCapacity: number;
  /** Tasks at the largest scale. */
  readonly maxCapacity: number;
  /** Database connections that one task may hold open at most. */
  readonly connectionsPerTask: number;
}

/** A service behind the load balancer. */
export interface ILoadBalancedService extends IDjangoService {
  /** Its tasks, as the load balancer sees them. */
  readonly targetGroup: ApplicationTargetGroup;
}
