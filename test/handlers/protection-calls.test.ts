import { once } from 'node:events';
import https from 'node:https';
import { PassThrough } from 'node:stream';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { RDSClient } from '@aws-sdk/client-rds';
import { deletion, first } from '../../constructs/handlers/protection';
import { CHANGE_GUARD } from '../../constructs/handlers/protection/contract';

/** The handlers as Lambda calls them, with clients that answer from a small account. */
const calls: { readonly name: string; readonly input: object }[] = [];
const answers: { [command: string]: () => object } = {};
const context = { logStreamName: 'stream', getRemainingTimeInMillis: () => 70_000 };
let sent: string;

beforeEach(() => {
  calls.length = 0;
  jest.spyOn(console, 'log').mockImplementation();
  for (const client of [CloudFormationClient, ElasticLoadBalancingV2Client, RDSClient]) {
    jest.spyOn(client.prototype, 'send').mockImplementation((async (command: object) => {
      const name = command.constructor.name;
      calls.push({ name, input: (command as { input: object }).input });
      return answers[name]?.() ?? {};
    }) as never);
  }
  jest.spyOn(https, 'request').mockImplementation(((_url: string, _options: object, answered: (r: object) => void) => {
    const body = new PassThrough();
    body.on('data', (chunk) => {
      sent = String(chunk);
    });
    body.on('finish', () => answered(Object.assign(new PassThrough().end(), { statusCode: 200 })));
    return body;
  }) as never);
});

afterEach(() => jest.restoreAllMocks());

const event = (RequestType: 'Create' | 'Delete') => ({
  ResourceType: 'Custom::Protection',
  RequestType,
  ResponseURL: 'https://answers.example.com/',
  StackId: 'arn:stack',
  RequestId: '1',
  LogicalResourceId: 'Protection',
  ResourceProperties: { Instances: [], KeptInstances: ['shop'], LoadBalancers: ['arn:balancer'] },
});

test('deletion protection is asked for, switched on and asked for again, in RDS and in Elastic Load Balancing', async () => {
  let on = false;
  answers.DescribeDBInstancesCommand = () => ({ DBInstances: [{ DeletionProtection: on }] });
  answers.DescribeLoadBalancerAttributesCommand = () => ({
    Attributes: [{ Key: 'deletion_protection.enabled', Value: String(on) }],
  });
  answers.ModifyLoadBalancerAttributesCommand = () => {
    on = true;
    return {};
  };
  answers.ModifyDBInstanceCommand = answers.ModifyLoadBalancerAttributesCommand;
  await deletion(event('Create'), context);
  expect(JSON.parse(sent)).toMatchObject({ Status: 'SUCCESS' });
  expect(calls.find(({ name }) => name === 'ModifyLoadBalancerAttributesCommand')?.input).toEqual({
    LoadBalancerArn: 'arn:balancer',
    Attributes: [{ Key: 'deletion_protection.enabled', Value: 'true' }],
  });
  on = false;
  const onlyInstance = { ...event('Create').ResourceProperties, LoadBalancers: [] };
  await deletion({ ...event('Create'), ResourceProperties: onlyInstance }, context);
  expect(calls.find(({ name }) => name === 'ModifyDBInstanceCommand')?.input).toEqual({
    DBInstanceIdentifier: 'shop',
    DeletionProtection: true,
    ApplyImmediately: true,
  });
});

test('deletion protection of a cluster is asked for, and switched on', async () => {
  let on = false;
  answers.DescribeDBClustersCommand = () => ({ DBClusters: [{ DeletionProtection: on }] });
  answers.ModifyDBClusterCommand = () => {
    on = true;
    return {};
  };
  const ResourceProperties = { Instances: [], KeptInstances: [], KeptClusters: ['orders'], LoadBalancers: [] };
  await deletion({ ...event('Create'), ResourceProperties } as never, context);
  expect(JSON.parse(sent)).toMatchObject({ Status: 'SUCCESS' });
  expect(calls.find(({ name }) => name === 'ModifyDBClusterCommand')?.input).toEqual({
    DBClusterIdentifier: 'orders',
    DeletionProtection: true,
    ApplyImmediately: true,
  });
});

test('a deletion is stopped with the command that turns the switch off', async () => {
  answers.DescribeStacksCommand = () => ({ Stacks: [{ StackStatus: 'DELETE_IN_PROGRESS' }] });
  answers.DescribeLoadBalancerAttributesCommand = () => ({
    Attributes: [{ Key: 'deletion_protection.enabled', Value: 'true' }],
  });
  await deletion(event('Delete'), context);
  expect(JSON.parse(sent)).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:balancer'),
  });
});

test('what is gone needs no protection any more, and another error is told by its name', async () => {
  answers.DescribeStacksCommand = () => ({ Stacks: [{ StackStatus: 'ROLLBACK_IN_PROGRESS' }] });
  const failWith = (name: string) => () => {
    throw Object.assign(new Error('a message of AWS'), { name });
  };
  answers.DescribeDBInstancesCommand = failWith('DBInstanceNotFoundFault');
  answers.DescribeLoadBalancerAttributesCommand = failWith('LoadBalancerNotFoundException');
  await deletion(event('Delete'), context);
  expect(JSON.parse(sent)).toMatchObject({ Status: 'SUCCESS' });
  answers.DescribeDBInstancesCommand = failWith('AccessDenied');
  await deletion(event('Delete'), context);
  expect(JSON.parse(sent).Reason).toMatch(/^AccessDenied \(aws rds modify-db-instance /);
});

test('no protection is taken away where CloudFormation does not say that the stack is rolled back', async () => {
  answers.DescribeStacksCommand = () => ({});
  let remaining = 70_000;
  const running = { ...context, getRemainingTimeInMillis: () => (remaining -= 30_000) };
  await deletion(event('Delete'), running);
  expect(JSON.parse(sent)).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('CloudFormation does not say how the stack is'),
  });
  expect(calls.filter(({ name }) => name.startsWith('Modify'))).toEqual([]);
});

test('what AWS says nothing of is not protected: it is switched on', async () => {
  answers.DescribeDBInstancesCommand = () => ({});
  answers.DescribeDBClustersCommand = () => ({});
  answers.DescribeLoadBalancerAttributesCommand = () => ({});
  let remaining = 70_000;
  const running = { ...context, getRemainingTimeInMillis: () => (remaining -= 30_000) };
  for (const [ResourceProperties, command] of [
    [{ Instances: ['shop'], KeptInstances: [], LoadBalancers: [] }, 'ModifyDBInstanceCommand'],
    [{ Instances: [], Clusters: ['orders'], KeptInstances: [], LoadBalancers: [] }, 'ModifyDBClusterCommand'],
    [{ Instances: [], KeptInstances: [], LoadBalancers: ['arn:b'] }, 'ModifyLoadBalancerAttributesCommand'],
  ] as const) {
    calls.length = 0;
    remaining = 70_000;
    await deletion({ ...event('Create'), ResourceProperties } as never, running);
    expect(calls.map(({ name }) => name)).toContain(command);
    expect(JSON.parse(sent)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('deletion protection is still off'),
    });
  }
});

test('a change that would lose something is refused by the same function, and changes no protection', async () => {
  answers.DescribeStacksCommand = () => ({ Stacks: [{ StackStatus: 'UPDATE_IN_PROGRESS' }] });
  const values = (name: string) => ({ Database: { 'databaseOptions.databaseName': name }, Names: [], Records: [] });
  const change = {
    ...event('Create'),
    ResourceType: CHANGE_GUARD,
    RequestType: 'Update',
    ResourceProperties: values('new'),
    OldResourceProperties: values('old'),
  };
  await first(change as never, context);
  expect(JSON.parse(sent)).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('databaseName') });
  expect(calls.map(({ name }) => name)).not.toContain('UpdateTerminationProtectionCommand');
});

test('termination protection is switched off for the stack of the event', async () => {
  answers.DescribeStacksCommand = () => ({ Stacks: [{ StackStatus: 'ROLLBACK_IN_PROGRESS' }] });
  await first(event('Delete'), context);
  expect(calls.at(-1)).toEqual({
    name: 'UpdateTerminationProtectionCommand',
    input: { StackName: 'arn:stack', EnableTerminationProtection: false },
  });
});

test('termination protection is switched on for the stack of the event', async () => {
  await first(event('Create'), context);
  const input = { StackName: 'arn:stack', EnableTerminationProtection: true };
  expect(calls).toEqual([{ name: 'UpdateTerminationProtectionCommand', input }]);
});

test('an answer that S3 refuses is sent once more, and then the invocation fails', async () => {
  let times = 0;
  jest.spyOn(https, 'request').mockImplementation(((_url: string, _options: object, answered: (r: object) => void) => {
    times += 1;
    const body = new PassThrough();
    body.resume();
    void once(body, 'finish').then(() => answered(Object.assign(new PassThrough().end(), { statusCode: 403 })));
    return body;
  }) as never);
  await expect(first(event('Create'), context)).rejects.toThrow('CloudFormation answered 403');
  expect(times).toBe(2);
});
