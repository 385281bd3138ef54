import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { ContainerImage, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { type Assembly, readAssembly, resourcesOfType } from '../../../rehearsal/template/assembly';

const folder = mkdtempSync(path.join(tmpdir(), 'nested-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An app whose second nested stack reads the first one and its parent, and is read by the parent. */
function read(): Assembly {
  const app = new App({ outdir: folder });
  const stack = new Stack(app, 'Shop', { env: { region: 'eu-central-1', account: '111122223333' } });
  const queue = new Queue(stack, 'Queue');
  const first = new NestedStack(stack, 'First');
  const topic = new Topic(first, 'Topic');
  const second = new NestedStack(stack, 'Second');
  const other = new Topic(second, 'Topic');
  const task = new FargateTaskDefinition(new NestedStack(second, 'Inner'), 'Task');
  task.addContainer('main', {
    image: ContainerImage.fromRegistry('shop'),
    environment: { FIRST: topic.topicArn, QUEUE: queue.queueUrl, OTHER: other.topicName },
  });
  new Topic(stack, 'Reader', { displayName: other.topicName });
  app.synth();
  return readAssembly(folder);
}

test('a stack is read with its nested stacks, whose references lead to the resources themselves', () => {
  const { template } = read();
  expect(resourcesOfType(template, 'AWS::CloudFormation::Stack')).toEqual([]);
  const [{ resource }] = resourcesOfType(template, 'AWS::ECS::TaskDefinition');
  const environment = Object.fromEntries(
    resource.Properties?.ContainerDefinitions[0].Environment.map(
      ({ Name, Value }: { Name: string; Value: unknown }) => [Name, Value],
    ),
  );
  // Both nested stacks call theirs the same: one of them has another name here.
  const topics = resourcesOfType(template, 'AWS::SNS::Topic').map(({ id }) => id);
  const [of2nd, reader, of1st] = ['Second', 'Reader', 'Topic'].map((word) => topics.find((id) => id.startsWith(word)));
  expect(environment).toEqual({
    FIRST: { Ref: of1st },
    QUEUE: { Ref: resourcesOfType(template, 'AWS::SQS::Queue')[0].id },
    OTHER: { 'Fn::GetAtt': [of2nd, 'TopicName'] },
  });
  expect(template.Resources[reader ?? ''].Properties).toEqual({
    DisplayName: { 'Fn::GetAtt': [of2nd, 'TopicName'] },
  });
});
