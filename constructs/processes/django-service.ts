import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { ApplicationTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';

/** A process of the application that keeps running: what alarms, dashboards and outputs read. */
export interface IDjangoService extends IConstruct, IConnectable {
  /** The ECS service. */
  readonly service: FargateService;
  /** The task definition that it runs. */
  readonly taskDefinition: FargateTaskDefinition;
  /** IAM role of the running process. */
  readonly taskRole: IRole;
  /** Log group of the process. */
  readonly logGroup: ILogGroup;
  /** Fewest ECS tasks. */
  readonly minCapacity: number;
  /** Most ECS tasks. */
  readonly maxCapacity: number;
  /** Secrets that the process reads and that may change while it runs: `SecretRefresh` takes them. */
  readonly changingSecrets: ISecret[];
  /** Database connections that one task may hold open at most. */
  readonly connectionsPerTask: number;
}

/** A service behind the load balancer. */
export interface ILoadBalancedService extends IDjangoService {
  /** Target group of its tasks. */
  readonly targetGroup: ApplicationTargetGroup;
}
