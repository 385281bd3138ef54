import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { WorkloadRole } from '../../constructs/core/workload-role';
import { Notifications } from '../../constructs/notifications/notifications';
import { Annotations, errorOf, Match, only, templateOf, testStack } from '../support';

const SENDERS = ['cloudwatch', 'events.rds', 'events'].map((name) => `${name}.amazonaws.com`);

describe('notifications with a key', () => {
  const stack = testStack();
  const key = new Key(stack, 'Key');
  const { topic } = new Notifications(stack, 'Notifications', {
    encryptionKey: key,
    emailAddresses: ['ops@example.com', 'lead@example.com'],
  });
  const template = templateOf(stack);

  test('are encrypted, and go to every address', () => {
    template.hasResourceProperties('AWS::SNS::Topic', {
      KmsMasterKeyId: stack.resolve(key.keyArn),
      TopicName: Match.absent(),
    });
    for (const Endpoint of ['ops@example.com', 'lead@example.com']) {
      const TopicArn = stack.resolve(topic.topicArn);
      template.hasResourceProperties('AWS::SNS::Subscription', { Endpoint, Protocol: 'email', TopicArn });
    }
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test.each(SENDERS)('let %s in by the policy of the topic and by that of the key', (Service) => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Allow', Action: 'sns:Publish', Principal: { Service } }),
        ]),
      },
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: ['kms:Decrypt', 'kms:GenerateDataKey*'], Principal: { Service } }),
        ]),
      },
    });
  });

  test('believe alarms and database events of this account only, and put no such condition on EventBridge', () => {
    const { resource } = only(template, 'AWS::SNS::TopicPolicy');
    const conditions = Object.fromEntries(
      resource.Properties.PolicyDocument.Statement.map(
        (statement: { Principal: { Service?: string }; Condition?: object }) => [
          statement.Principal.Service,
          statement.Condition,
        ],
      ),
    );
    const here = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } };
    expect(conditions['cloudwatch.amazonaws.com']).toEqual(here);
    expect(conditions['events.rds.amazonaws.com']).toEqual(here);
    expect(conditions['events.amazonaws.com']).toBeUndefined();
  });

  test('refuse messages without TLS', () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Principal: '*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
  });
});

test('without a key there is a warning, and nobody gets mail unless named', () => {
  const stack = testStack();
  new Notifications(stack, 'Notifications');
  Annotations.fromStack(stack).hasWarning('/Shop/Notifications', Match.stringLikeRegexp('give `encryptionKey`'));
  templateOf(stack).resourceCountIs('AWS::SNS::Subscription', 0);
});

test('a process that may publish may use the key for it', () => {
  const stack = testStack();
  const key = new Key(stack, 'Key');
  const notifications = new Notifications(stack, 'Notifications', { encryptionKey: key });
  notifications.grantPublish(
    new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }),
  );
  templateOf(stack).hasResourceProperties('AWS::IAM::ManagedPolicy', {
    PolicyDocument: {
      Statement: [
        Match.objectLike({ Action: 'sns:Publish', Resource: stack.resolve(notifications.topic.topicArn) }),
        Match.objectLike({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: stack.resolve(key.keyArn) }),
      ],
    },
  });
});

test('a topic that is made elsewhere is used as it is', () => {
  const stack = testStack();
  const topic = Topic.fromTopicArn(stack, 'Given', 'arn:aws:sns:eu-central-1:111122223333:alarms');
  const notifications = Notifications.fromTopic(stack, 'Notifications', topic);
  notifications.grantPublish(
    new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }),
  );
  expect(notifications.topic).toBe(topic);
  templateOf(stack).hasResourceProperties('AWS::IAM::ManagedPolicy', {
    PolicyDocument: { Statement: [Match.objectLike({ Action: 'sns:Publish', Resource: topic.topicArn })] },
  });
});

test('fails when an address is none, or is there twice', () => {
  const message = errorOf(
    () => new Notifications(testStack(), 'Notifications', { emailAddresses: ['ops', 'a@b.de', 'a@b.de'] }),
  );
  expect(message.split('\n')).toEqual([
    'Shop/Notifications: `emailAddresses[0]` must be an e-mail address, got "ops". Write it as name@domain, without a display name.',
    'Shop/Notifications: `emailAddresses[2]` must not be repeated, got "a@b.de". Name every address once.',
  ]);
});

test('a topic without a key lets somebody publish, and asks for no key', () => {
  const stack = testStack();
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  new Notifications(stack, 'Notifications').grantPublish(role);
  const { Statement } = only(templateOf(stack), 'AWS::IAM::Policy').resource.Properties.PolicyDocument;
  expect(Statement.map(({ Action }: { Action: unknown }) => Action)).toEqual(['sns:Publish']);
});
