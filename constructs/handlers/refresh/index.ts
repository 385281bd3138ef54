import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeServicesCommand, ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { REFRESH, type RefreshedServices } from './contract';
import { type IRefreshWorld, type RefreshEvent, refresh } from './refresh';

const ecs = new ECSClient({ maxAttempts: 5 });
const stacks = new CloudFormationClient({ maxAttempts: 5 });
const groups = JSON.parse(process.env[REFRESH.services] ?? '[]') as RefreshedServices[];
const services = groups.flatMap(({ services, ...shared }) => services.map((service) => ({ service, ...shared })));

const world: IRefreshWorld = {
  async stackStatus() {
    const { Stacks } = await stacks.send(new DescribeStacksCommand({ StackName: process.env[REFRESH.stackId] }));
    return Stacks?.[0]?.StackStatus ?? '';
  },
  async deployment({ cluster, service }) {
    const found = (await ecs.send(new DescribeServicesCommand({ cluster, services: [service] }))).services?.[0];
    const primary = found?.deployments?.find(({ status }) => status === 'PRIMARY');
    if (found?.status !== 'ACTIVE' || primary === undefined) {
      return undefined;
    }
    return { createdAt: primary.createdAt?.getTime() ?? 0, inProgress: primary.rolloutState === 'IN_PROGRESS' };
  },
  async redeploy({ cluster, service }) {
    await ecs.send(new UpdateServiceCommand({ cluster, service, forceNewDeployment: true }));
  },
  log: console.log,
};

/**
 * Replaces the tasks that run with an older value of a secret: called with the messages of the queue behind
 * the EventBridge rule.
 */
export async function handler(event: RefreshEvent): Promise<object> {
  return refresh(event, services, world);
}
