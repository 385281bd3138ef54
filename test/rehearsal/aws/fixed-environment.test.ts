import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication, Profile } from 'cdk-django-fargate';
import type { BackingProps } from '../../../rehearsal/aws/backing';
import type { Doubles } from '../../../rehearsal/aws/doubles';
import { provisionQueues } from '../../../rehearsal/aws/queues';
import { Scheduler } from '../../../rehearsal/aws/scheduler';
import type { SecretStore } from '../../../rehearsal/aws/secrets';
import { provisionSigned } from '../../../rehearsal/aws/signed/provision';
import { registerNetwork } from '../../../rehearsal/edge/network';
import type { Task } from '../../../rehearsal/task/process';
import { readAssembly } from '../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { readDefinitions } from '../../../rehearsal/template/read-definitions';
import { readTaskDefinition, roleOf } from '../../../rehearsal/template/task-definition';
import { testVpc } from '../../support';

const [REGION, ACCOUNT] = ['ap-southeast-2', '999988887777'];
const announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };

/** A stack with a fixed account, read as the rehearsal reads it. */
function read(bring: (stack: Stack) => object = () => ({})) {
  const app = new App();
  const stack = new Stack(app, 'Shop', { env: { account: ACCOUNT, region: REGION } });
  new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('example'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    domainNames: ['shop.example.com'],
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
    mail: {},
    scheduledCommands: { prune: { command: ['prune'], schedule: ScheduleExpression.cron({ hour: '3', minute: '0' }) } },
    ...bring(stack),
  });
  const assembly = readAssembly(app.synth().directory);
  return { assembly, intrinsics: new Intrinsics(assembly) };
}

/** A double of the APIs that keeps what it is sent. */
function doubles() {
  const sent: string[] = [];
  const sqs = async (action: string, { QueueName, QueueUrl }: { QueueName?: string; QueueUrl?: string }) =>
    action === 'GetQueueUrl' ? { QueueUrl: `https://sqs/${QueueName}` } : sent.push(QueueUrl ?? '');
  const made = {
    createQueue: async (name: string) => ({
      url: `https://sqs/${name}`,
      arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
    }),
    createBucket: async () => undefined,
    endpoints: { ofTasks: new Map() },
    sqs,
  };
  return { doubles: made as unknown as Doubles, sent };
}

function broughtCluster(stack: Stack) {
  const vpc = testVpc(stack);
  const securityGroups = [SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0')];
  return { cluster: Cluster.fromClusterAttributes(stack, 'Company', { clusterName: 'company', vpc, securityGroups }) };
}

test.each([
  ['its own cluster', undefined],
  ['a cluster that is brought', broughtCluster],
])('the failure of a scheduled command in %s is reported to a queue', async (_, bring) => {
  const { assembly, intrinsics } = read(bring);
  await registerNetwork(assembly, intrinsics, announce);
  const api = doubles();
  await provisionQueues(assembly, intrinsics, api.doubles);
  const definitions = readDefinitions({ assembly, intrinsics, images: { has: () => true }, announce });
  const exited = Promise.resolve({ code: 1, stopped: false, killed: false });
  const scheduler = new Scheduler({
    ...{ assembly, intrinsics, announce, definitions, doubles: api.doubles },
    run: async (definition) => ({ id: 'scheduled/1', definition, exited, logs: { last: () => [] } }) as unknown as Task,
  });
  const { reports } = await scheduler.trigger(scheduler.schedules[0]);
  expect(reports).toHaveLength(1);
  expect(api.sent).toEqual(reports);
});

test('mail of the identity that the role may use is sent', async () => {
  const { assembly, intrinsics } = read();
  const mails = mkdtempSync(path.join(tmpdir(), 'mails-'));
  const ends: (() => void)[] = [() => rmSync(mails, { recursive: true })];
  const sandbox = { atEnd: (end: () => void) => ends.push(end), folder: () => mails, directory: mails };
  const props = { assembly, intrinsics, announce, sandbox } as unknown as BackingProps;
  try {
    const secrets = { remember: () => undefined } as unknown as SecretStore;
    const { ses, roles } = await provisionSigned(props, doubles().doubles, secrets);
    const [web] = intrinsics.created('AWS::ECS::TaskDefinition').filter(({ id }) => id.startsWith('AppWeb'));
    const role = roleOf(web.resource.Properties?.TaskRoleArn) ?? '';
    expect(roles.resourcesOf(role)).toContain(`arn:aws:ses:${REGION}:${ACCOUNT}:identity/shop.example.com`);
    const { DEFAULT_FROM_EMAIL } = readTaskDefinition('web', web.resource, intrinsics, () => true).environment;
    const raw = Buffer.from(`From: ${DEFAULT_FROM_EMAIL}\r\nTo: ada@example.org\r\n\r\nWelcome`).toString('base64');
    const url = new URL('http://127.0.0.1/v2/email/outbound-emails');
    const body = Buffer.from(JSON.stringify({ Content: { Raw: { Data: raw } } }));
    await expect(ses?.answer({ method: 'POST', url, headers: {}, body }, role)).resolves.toMatchObject({ status: 200 });
  } finally {
    for (const end of ends) {
      end();
    }
  }
});
