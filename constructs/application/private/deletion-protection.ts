import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IDatabaseCluster, IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { handlerFunction } from '../../core/handler-function';
import { profileValues } from '../../core/profile';
import { isKept } from '../../core/removal';
import { madeDatabase } from '../../database/made-database';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import {
  type DeletionProtectionProperties,
  HANDLER_TIMEOUT,
  SERVICE_TIMEOUT,
} from '../../handlers/protection/contract';
import type { DjangoApplicationProps } from '../django-application-props';
import { lambdaSettings, type Providers } from './providers';

/** What is protected against deletion. */
interface Protected {
  readonly instances: IDatabaseInstance[];
  readonly clusters: IDatabaseCluster[];
  /** Whether instances and clusters stay when the stack goes. */
  readonly areKept: boolean;
  readonly loadBalancers: IHttpsLoadBalancer[];
}

interface DeletionProtectionProps {
  readonly application: DjangoApplicationProps;
  readonly providers: Providers;
  readonly parts: Protected;
}

/**
 * Switches deletion protection on when everything else of the application is there: protected from the start,
 * a creation that fails could not be rolled back.
 *
 * It is the last resource that is made and the first that is deleted. A deletion that would end at a
 * protected part fails at it, before anything is gone.
 *
 * @internal
 */
export class DeletionProtection extends Construct {
  constructor(scope: Construct, id: string, props: DeletionProtectionProps) {
    super(scope, id);
    const { application, providers, parts } = props;
    const others = scope.node.children.filter((child) => child !== this);
    const { handler, role } = handlerFunction(this, {
      ...lambdaSettings(application, providers.notifications),
      reservedConcurrentExecutions: application.handlerReservedConcurrency,
      encryptionKey: providers.encryptionKey,
      logRetention: profileValues(providers.profile).logRetention,
      removalPolicy: profileValues(providers.profile).removalPolicy,
      bundle: 'protection',
      entry: 'deletion',
      description: 'Switches deletion protection on at the end of a deployment',
      timeout: HANDLER_TIMEOUT,
      whyNoDeadLetters:
        'Only CloudFormation invokes it, once for a deployment, and waits for the answer: a lost one fails the deployment, which shows it better than a queue.',
    });
    for (const statement of statements(this, parts)) {
      role.addToPrincipalPolicy(statement);
    }
    acknowledge(
      role,
      'IAM5[Resource::*]',
      'Elastic Load Balancing knows no resources for the action that reads attributes. The actions that change something name one instance, cluster or load balancer each.',
    );
    const instances = parts.instances.map(({ instanceIdentifier }) => instanceIdentifier);
    const clusters = parts.clusters.map(({ clusterIdentifier }) => clusterIdentifier);
    const properties: DeletionProtectionProperties = {
      Instances: parts.areKept ? [] : instances,
      KeptInstances: parts.areKept ? instances : [],
      ...(clusters.length === 0 ? {} : { [parts.areKept ? 'KeptClusters' : 'Clusters']: clusters }),
      LoadBalancers: parts.loadBalancers.map(({ loadBalancer }) => loadBalancer.loadBalancerArn),
    };
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DeletionProtection',
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
      properties: { ...properties },
    });
    resource.node.addDependency(handler, role, ...others);
  }
}

/** Protects what the options and the profile say, among what is made here. */
export function protectAgainstDeletion(scope: Construct, props: DjangoApplicationProps, providers: Providers): void {
  if (!isProtected(props, providers)) {
    return;
  }
  const parts = protectedParts(props, providers);
  new DeletionProtection(scope, 'DeletionProtection', { application: props, providers, parts });
  const last =
    'Protected from the start, a first deployment that fails could not be rolled back. The last resource of the application (Custom::DeletionProtection) switches deletion protection on, reads it back, and fails the deployment when it is off.';
  for (const server of [...parts.instances, ...parts.clusters]) {
    acknowledge(server, 'RDS10', last);
    acknowledge(server, 'RDSInstanceDeletionProtectionEnabled', last);
  }
  for (const { loadBalancer } of parts.loadBalancers) {
    acknowledge(loadBalancer, 'ELBDeletionProtectionEnabled', last);
  }
}

/** Whether something of the application will be protected. */
export function isProtected(props: DjangoApplicationProps, providers: Providers): boolean {
  const { instances, clusters, loadBalancers } = protectedParts(props, providers);
  return instances.length + clusters.length + loadBalancers.length > 0;
}

function protectedParts(props: DjangoApplicationProps, { profile, database, loadBalancer }: Providers): Protected {
  const { deletionProtection, databaseRemovalPolicy } = profileValues(profile);
  const made = props.database === undefined ? madeDatabase(database) : undefined;
  const options = props.aurora ?? props.databaseOptions;
  const {
    instance,
    cluster,
    readReplicas = [],
  } = (options?.deletionProtection ?? deletionProtection) && made ? made : {};
  const ofLoadBalancer = props.loadBalancerOptions?.deletionProtection ?? deletionProtection;
  return {
    instances: instance === undefined ? [] : [instance, ...readReplicas],
    clusters: cluster === undefined ? [] : [cluster], // Its instances have no protection of their own.
    areKept: isKept(options?.removalPolicy ?? databaseRemovalPolicy),
    loadBalancers: props.loadBalancer === undefined && ofLoadBalancer ? [loadBalancer] : [],
  };
}

function statements(scope: Construct, { instances, clusters, loadBalancers }: Protected): PolicyStatement[] {
  return [
    new PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [Stack.of(scope).stackId] }),
    ...instances.map(
      ({ instanceArn }) =>
        new PolicyStatement({ actions: ['rds:DescribeDBInstances', 'rds:ModifyDBInstance'], resources: [instanceArn] }),
    ),
    ...clusters.map(
      ({ clusterArn }) =>
        new PolicyStatement({ actions: ['rds:DescribeDBClusters', 'rds:ModifyDBCluster'], resources: [clusterArn] }),
    ),
    ...loadBalancers.map(
      ({ loadBalancer }) =>
        new PolicyStatement({
          actions: ['elasticloadbalancing:ModifyLoadBalancerAttributes'],
          resources: [loadBalancer.loadBalancerArn],
        }),
    ),
    new PolicyStatement({
      actions: ['elasticloadbalancing:DescribeLoadBalancerAttributes'],
      resources: ['*'], // The action knows no resources.
    }),
  ];
}
