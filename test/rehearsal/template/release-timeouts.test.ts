import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { releaseTimeouts } from '../../../rehearsal/template/release-timeouts';

test('a release has the time limit of the template, by its task definition', () => {
  const template = {
    Resources: {
      Definition: { Type: 'AWS::ECS::TaskDefinition' },
      Run: {
        Type: 'Custom::ReleaseCommand',
        Properties: { TaskDefinition: { Ref: 'Definition' }, TimeoutSeconds: '300' },
      },
    },
  };
  const intrinsics = new Intrinsics({ template, stackName: 'Shop', region: 'eu-central-1', account: '123456789012' });
  intrinsics.register('Definition', { ref: 'arn:definition' });
  expect([...releaseTimeouts(intrinsics)]).toEqual([['arn:definition', 300]]);
});
