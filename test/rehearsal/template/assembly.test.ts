import { placeOf } from '../../../rehearsal/template/assembly';

test.each([
  ['Shop/App/Web/Service/Service', 'web'],
  ['Shop/App/Workers/express/Service/Service', 'workers-express'],
  ['Shop/App/Broker/default/Queue/Resource', 'broker-default'],
  ['Shop/App/Broker/default/DeadLetters/Resource', 'default-deadletters'],
  ['Shop/App/Schedules/prune-messages/DeadLetters/Resource', 'prune-messages-deadletters'],
  ['Shop/Resource', undefined],
  [undefined, undefined],
])('the place of %s is called %s', (treePath, name) => {
  const resource = { Type: 'AWS::SQS::Queue', Metadata: treePath && { 'aws:cdk:path': treePath } };
  expect(placeOf(resource as Parameters<typeof placeOf>[0])).toBe(name);
});
