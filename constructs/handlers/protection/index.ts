import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeLoadBalancerAttributesCommand,
  ElasticLoadBalancingV2Client,
  ModifyLoadBalancerAttributesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  ModifyDBClusterCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { type CustomResourceEvent, customResource } from '../shared/custom-resource';
import { guardChanges } from './changes';
import { CHANGE_GUARD, type ChangeGuardProperties, type DeletionProtectionProperties } from './contract';
import { NotYet } from './insist';
import { deletionProtection, type IProtectionWorld, terminationProtection } from './protection';

const stacks = new CloudFormationClient({ maxAttempts: 5 });
const balancers = new ElasticLoadBalancingV2Client({ maxAttempts: 5 });
const databases = new RDSClient({ maxAttempts: 5 });
const KEY = 'deletion_protection.enabled';

const world: IProtectionWorld = {
  sleep: (milliseconds) => sleep(milliseconds),
  async stackStatus(StackName) {
    const { Stacks } = await stacks.send(new DescribeStacksCommand({ StackName }));
    const status = Stacks?.[0]?.StackStatus;
    if (status === undefined) {
      // Whoever does not know whether the stack is rolled back or deleted takes no protection away.
      throw new NotYet('CloudFormation does not say how the stack is');
    }
    return status;
  },
  async setTerminationProtection(StackName, EnableTerminationProtection) {
    await stacks.send(new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection }));
  },
  instance: (DBInstanceIdentifier) => ({
    command: `aws rds modify-db-instance --db-instance-identifier ${DBInstanceIdentifier} --no-deletion-protection`,
    isOn: () =>
      unlessGone(async () => {
        const { DBInstances } = await databases.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
        return DBInstances?.[0]?.DeletionProtection ?? false;
      }),
    async turn(DeletionProtection) {
      const change = { DBInstanceIdentifier, DeletionProtection, ApplyImmediately: true };
      await databases.send(new ModifyDBInstanceCommand(change));
    },
  }),
  cluster: (DBClusterIdentifier) => ({
    command: `aws rds modify-db-cluster --db-cluster-identifier ${DBClusterIdentifier} --no-deletion-protection`,
    isOn: () =>
      unlessGone(async () => {
        const { DBClusters } = await databases.send(new DescribeDBClustersCommand({ DBClusterIdentifier }));
        return DBClusters?.[0]?.DeletionProtection ?? false;
      }),
    async turn(DeletionProtection) {
      const change = { DBClusterIdentifier, DeletionProtection, ApplyImmediately: true };
      await databases.send(new ModifyDBClusterCommand(change));
    },
  }),
  loadBalancer: (LoadBalancerArn) => ({
    command: `aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${LoadBalancerArn} --attributes Key=${KEY},Value=false`,
    isOn: () =>
      unlessGone(async () => {
        const { Attributes } = await balancers.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn }));
        return Attributes?.some(({ Key, Value }) => Key === KEY && Value === 'true') ?? false;
      }),
    async turn(on) {
      const Attributes = [{ Key: KEY, Value: String(on) }];
      await balancers.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn, Attributes }));
    },
  }),
};

async function unlessGone(ask: () => Promise<boolean>): Promise<boolean | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (/^(DBInstanceNotFound|DBClusterNotFound|LoadBalancerNotFound)/.test((error as Error).name)) {
      return undefined;
    }
    throw error;
  }
}

/** For `Custom::DeletionProtection`. */
export const deletion = customResource((event: CustomResourceEvent<DeletionProtectionProperties>, context) =>
  deletionProtection(world, event, context),
);

/** For `Custom::TerminationProtection` and `Custom::ChangeGuard`, which go before everything else. */
export const first = customResource((event: CustomResourceEvent<object>, context) =>
  event.ResourceType === CHANGE_GUARD
    ? guardChanges(world, event as CustomResourceEvent<ChangeGuardProperties>, context)
    : terminationProtection(world, event, context),
);
