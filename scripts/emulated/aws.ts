import { Agent } from 'node:https';
import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  type Stack,
  type StackEvent,
  type StackResource,
} from '@aws-sdk/client-cloudformation';
import { DescribeServicesCommand, ECSClient, ListClustersCommand, ListServicesCommand } from '@aws-sdk/client-ecs';
import {
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  type DBInstance,
  type DBSnapshot,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Emulator, REGION } from './emulator';

/** What the emulator says of what was made: the only thing that any check believes. */
export class Aws {
  readonly cloudFormation: CloudFormationClient;
  readonly ecs: ECSClient;
  readonly balancers: ElasticLoadBalancingV2Client;
  readonly rds: RDSClient;
  readonly secrets: SecretsManagerClient;
  private readonly agent: Agent;

  constructor({ endpoint, ca }: Emulator) {
    this.agent = new Agent({ ca: ca.cert, keepAlive: true, maxSockets: 8 });
    const settings = {
      endpoint,
      region: REGION,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: { httpsAgent: this.agent, requestTimeout: 60_000 },
      maxAttempts: 5,
    };
    this.cloudFormation = new CloudFormationClient(settings);
    this.ecs = new ECSClient(settings);
    this.balancers = new ElasticLoadBalancingV2Client(settings);
    this.rds = new RDSClient(settings);
    this.secrets = new SecretsManagerClient(settings);
  }

  /** A stack by its name or, once it is deleted, by its id; undefined when there is none. */
  async stack(StackName: string): Promise<Stack | undefined> {
    try {
      return (await this.cloudFormation.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
    } catch (error) {
      if (/does not exist/.test((error as Error).message)) {
        return undefined;
      }
      throw error;
    }
  }

  async resources(StackName: string): Promise<StackResource[]> {
    return (await this.cloudFormation.send(new DescribeStackResourcesCommand({ StackName }))).StackResources ?? [];
  }

  /** Every event of a stack, oldest first. */
  async events(StackName: string): Promise<StackEvent[]> {
    const found: StackEvent[] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.cloudFormation.send(new DescribeStackEventsCommand({ StackName, NextToken }));
      found.push(...(page.StackEvents ?? []));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return found.reverse();
  }

  async secretValue(SecretId: string): Promise<string | undefined> {
    return (await this.secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString;
  }

  async secretVersion(SecretId: string): Promise<string> {
    return String((await this.secrets.send(new GetSecretValueCommand({ SecretId }))).VersionId);
  }

  /** The task definition of each service of each cluster, by the service's name. */
  async services(): Promise<{ [name: string]: string }> {
    const { clusterArns = [] } = await this.ecs.send(new ListClustersCommand({}));
    const found = await Promise.all(
      clusterArns.map(async (cluster) => {
        const { serviceArns: services = [] } = await this.ecs.send(new ListServicesCommand({ cluster }));
        return services.length === 0
          ? []
          : ((await this.ecs.send(new DescribeServicesCommand({ cluster, services }))).services ?? []);
      }),
    );
    const active = found.flat().filter(({ status }) => status === 'ACTIVE');
    return Object.fromEntries(active.map(({ serviceName, taskDefinition }) => [serviceName, String(taskDefinition)]));
  }

  /** Whether each load balancer refuses to be deleted. */
  async protectedBalancers(): Promise<string[]> {
    const { LoadBalancers = [] } = await this.balancers.send(new DescribeLoadBalancersCommand({}));
    const found = await Promise.all(
      LoadBalancers.map(async ({ LoadBalancerArn }) => {
        const { Attributes } = await this.balancers.send(
          new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn }),
        );
        return Attributes?.find(({ Key }) => Key === 'deletion_protection.enabled')?.Value ?? 'unknown';
      }),
    );
    return found;
  }

  async instances(): Promise<DBInstance[]> {
    return (await this.rds.send(new DescribeDBInstancesCommand({}))).DBInstances ?? [];
  }

  async snapshots(): Promise<DBSnapshot[]> {
    return (await this.rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }))).DBSnapshots ?? [];
  }

  close(): void {
    this.agent.destroy();
  }
}
