import { App, Stack } from 'aws-cdk-lib';
import { readAssembly } from '../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { releaseTimeouts } from '../../../rehearsal/template/release-timeouts';
import { InventoryStack } from '../../outside/inventory/stack';

test('a release has the time limit of the template, by its task definition', () => {
  const app = new App();
  new Stack(app, 'Empty');
  new InventoryStack(app, 'Inventory');
  const { template, stackName, region } = readAssembly(app.synth().directory);
  const intrinsics = new Intrinsics({ template, stackName, region, account: '123456789012' });
  const processes = new Map<string, string>();
  for (const { id, resource } of intrinsics.created('AWS::ECS::TaskDefinition')) {
    intrinsics.register(id, { ref: `arn:${id}` });
    processes.set(`arn:${id}`, resource.Metadata?.['cdk-django-fargate']?.process);
  }
  const limits = [...releaseTimeouts(intrinsics)].map(([arn, seconds]) => [processes.get(arn), seconds]);
  expect([stackName, limits]).toEqual(['Inventory', [['release', 1800]]]);
});
