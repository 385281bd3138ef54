import { Stack } from 'aws-cdk-lib';
import { Cluster, ContainerImage, FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Profile } from '../../constructs/core/profile';
import { SecretRefresh, type SecretRefreshProps } from '../../constructs/secrets/secret-refresh';
import { errorOf, Match, only, type Template, templateOf, testStack, testVpc } from '../support';

function services(stack: Stack, ...ids: string[]): FargateService[] {
  const cluster = new Cluster(stack, 'Cluster', { vpc: testVpc(stack) });
  const taskDefinition = new FargateTaskDefinition(stack, 'Task');
  taskDefinition.addContainer('app', { image: ContainerImage.fromRegistry('app') });
  return ids.map((id) => new FargateService(stack, id, { cluster, taskDefinition }));
}

function made(props: Partial<SecretRefreshProps> = {}) {
  const stack = testStack();
  const [web, worker] = services(stack, 'Web', 'Worker');
  const secret = new Secret(stack, 'Secret');
  const refresh = new SecretRefresh(stack, 'Refresh', { secrets: [secret], services: [web, worker], ...props });
  return { stack, web, worker, secret, refresh, template: templateOf(stack) };
}

function queues(template: Template) {
  const found = Object.values(template.findResources('AWS::SQS::Queue')).map(({ Properties, ...rest }) => ({
    ...rest,
    ...Properties,
  }));
  return { queue: found.find((each) => each.RedrivePolicy), deadLetters: found.find((each) => !each.RedrivePolicy) };
}

describe('with secrets and services', () => {
  const { stack, web, worker, secret, refresh, template } = made();
  const { queue, deadLetters } = queues(template);

  test('a rule sends every new current value of these secrets to a queue', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.secretsmanager'],
        'detail-type': ['Secret Label Updated'],
        detail: { labelUpdated: ['AWSCURRENT'] },
        resources: [stack.resolve(secret.secretArn)],
      },
      Targets: [
        Match.objectLike({ Arn: stack.resolve(refresh.queue.queueArn), SqsParameters: { MessageGroupId: 'refresh' } }),
      ],
    });
  });

  test('the queue collects changes for a minute, tries for three hours, and keeps what failed for two weeks', () => {
    expect(queue).toMatchObject({
      FifoQueue: true,
      ContentBasedDeduplication: true,
      DelaySeconds: 60,
      VisibilityTimeout: 300,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { maxReceiveCount: 36, deadLetterTargetArn: stack.resolve(refresh.deadLetterQueue.queueArn) },
      DeletionPolicy: 'RetainExceptOnCreate',
    });
    expect(deadLetters).toMatchObject({
      FifoQueue: true,
      MessageRetentionPeriod: 1_209_600,
      DeletionPolicy: 'RetainExceptOnCreate',
    });
  });

  test('both queues refuse plain text, and only the rule may send', () => {
    const policies = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
    const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
    expect(statements.filter(({ Effect }) => Effect === 'Deny')).toHaveLength(2);
    expect(statements.filter(({ Effect }) => Effect === 'Allow')).toEqual([
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Principal: { Service: 'events.amazonaws.com' },
        Resource: stack.resolve(refresh.queue.queueArn),
        Condition: {
          ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [only(template, 'AWS::Events::Rule').id, 'Arn'] } },
        },
      },
    ]);
  });

  test('the function knows the services by name and the stack that must be at rest', () => {
    const { Variables } = only(template, 'AWS::Lambda::Function').resource.Properties.Environment;
    expect(Variables.STACK_ID).toEqual({ Ref: 'AWS::StackId' });
    const parts: unknown[] = Variables.SERVICES['Fn::Join'][1];
    const text = parts.map((part) => (typeof part === 'string' ? part : 'x')).join('');
    expect(JSON.parse(text)).toEqual([{ cluster: 'x', services: ['x', 'x'], secrets: ['x'] }]);
    expect(parts).toEqual(
      expect.arrayContaining(
        [web.serviceName, worker.serviceName, secret.secretArn].map((each) => stack.resolve(each)),
      ),
    );
  });

  test('the function may replace the tasks of these services, look at the stack, and read its queue', () => {
    const { Statement } = only(template, 'AWS::IAM::ManagedPolicy').resource.Properties.PolicyDocument;
    expect(Statement.slice(1)).toEqual([
      {
        Effect: 'Allow',
        Action: ['ecs:DescribeServices', 'ecs:UpdateService'],
        Resource: [web, worker].map(({ serviceArn }) => stack.resolve(serviceArn)),
      },
      { Effect: 'Allow', Action: 'cloudformation:DescribeStacks', Resource: { Ref: 'AWS::StackId' } },
      {
        Effect: 'Allow',
        Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
        Resource: stack.resolve(refresh.queue.queueArn),
      },
    ]);
  });

  test('messages that must wait come again one by one', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: stack.resolve(refresh.queue.queueArn),
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  test('no service waits for it', () => {
    const text = JSON.stringify(template.findResources('AWS::ECS::Service'));
    expect(text).not.toContain('Refresh');
  });

  test('metrics are those of the dead-letter queue and of the function', () => {
    expect(stack.resolve(refresh.metricDeadLetters())).toMatchObject({
      metricName: 'ApproximateNumberOfMessagesVisible',
      statistic: 'Maximum',
      dimensions: { QueueName: stack.resolve(refresh.deadLetterQueue.queueName) },
    });
    expect(stack.resolve(refresh.metricErrors())).toMatchObject({
      metricName: 'Errors',
      dimensions: { FunctionName: stack.resolve(refresh.handler.functionName) },
    });
  });
});

test('a key encrypts both queues and the log, and lets EventBridge and the log service use it', () => {
  const stack = testStack();
  const encryptionKey = new Key(stack, 'Key');
  const topic = new Topic(stack, 'Topic', { masterKey: encryptionKey });
  new SecretRefresh(stack, 'Refresh', {
    secrets: [new Secret(stack, 'Secret')],
    services: services(stack, 'Web'),
    encryptionKey,
    deadLetterTopic: topic,
    handlerReservedConcurrency: 1,
    profile: Profile.development(),
  });
  const template = templateOf(stack);
  const key = stack.resolve(encryptionKey.keyArn);
  template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: key });
  template.hasResource('AWS::Logs::LogGroup', {
    Properties: { KmsKeyId: key, RetentionInDays: 30 },
    DeletionPolicy: 'Delete',
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    ReservedConcurrentExecutions: 1,
    DeadLetterConfig: { TargetArn: stack.resolve(topic.topicArn) },
  });
  const policy = JSON.stringify(only(template, 'AWS::KMS::Key').resource.Properties.KeyPolicy);
  expect(policy).toContain('events.amazonaws.com');
  expect(policy).toContain('"AllowLogGroups"');
});

test.each([
  ['no secret', 'secrets', { secrets: [] }],
  ['no service', 'services', { services: [] }],
  ['no concurrency at all', 'handlerReservedConcurrency', { handlerReservedConcurrency: 0 }],
])('fails when there is %s', (_, prop, props) => {
  expect(errorOf(() => made(props))).toMatch(new RegExp(`^Shop/Refresh: \`${prop}\` must .+, got .+\\. .+\\.$`));
});

test('fails when a secret is known by its name only, and when a service is in another stack', () => {
  const stack = testStack();
  const other = new Stack(stack.node.root, 'Other');
  const message = errorOf(
    () =>
      new SecretRefresh(stack, 'Refresh', {
        secrets: [Secret.fromSecretNameV2(stack, 'Named', 'shop/key')],
        services: services(other, 'Web'),
      }),
  );
  expect(message.split('\n')).toEqual([
    'Shop/Refresh: `secrets[0]` must have its full ARN, got Shop/Named. Import it with `Secret.fromSecretCompleteArn`: the event of its change names the whole ARN.',
    'Shop/Refresh: `services[0]` must be in the stack of the refresh, or in a nested stack of it, got Other/Web. Make one refresh in every stack with services: each waits for the deployment of its own stack.',
  ]);
});
