import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepareImages } from '../../../rehearsal/image/images';
import type { Sandbox } from '../../../rehearsal/task/sandbox';
import type { Assembly, ImageAsset } from '../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';

const IMAGE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/cdk-assets:abc';

function prepared(images: [string, ImageAsset][]) {
  const Properties = { ContainerDefinitions: [{ Image: IMAGE }] };
  const template = { Resources: { Task: { Type: 'AWS::ECS::TaskDefinition', Properties } } };
  const common = { stackName: 'Shop', region: 'eu-central-1', account: '111122223333', template };
  const assembly: Assembly = { ...common, images: new Map(images), files: new Map() };
  const silent = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  return prepareImages({
    assembly,
    intrinsics: new Intrinsics(common),
    sandbox: { directory: '/nonexistent' } as Sandbox,
    cache: '/nonexistent',
    announce: silent,
  });
}

test('the source of an image that has gone is named, with what to do', async () => {
  const asset = { directory: path.join(__dirname, 'gone'), dockerFile: 'docker/web' };
  await expect(prepared([['abc', asset]])).rejects.toThrow(
    `the cloud assembly names ${asset.directory}/docker/web, which is not there. Synthesize again, or give the folder`,
  );
});

test('a Dockerfile that the CDK has not copied because of .dockerignore is said so, with the line that helps', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'asset-'));
  writeFileSync(path.join(directory, '.dockerignore'), '*\n!/app\n');
  const rejected = await prepared([['abc', { directory, dockerFile: 'docker/web.Dockerfile' }]]).catch(String);
  rmSync(directory, { recursive: true });
  expect(rejected).toContain(
    ".dockerignore leaves it out, so that the CDK does not copy it and no image can be built: give fromAsset `exclude: ['!docker/web.Dockerfile']`",
  );
});

test('images of registries alone cannot be prepared, and --app is the way out', async () => {
  await expect(prepared([])).rejects.toThrow('Give its source folder with --app');
});
