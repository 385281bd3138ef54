import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { placeOf, readAssembly } from '../../../rehearsal/template/assembly';

const RUNS = { Resources: { Task: { Type: 'AWS::ECS::TaskDefinition' } } };
const STORES = { Resources: { Bucket: { Type: 'AWS::S3::Bucket' } } };
/** What the CDK writes for a stack that only imports. */
const EMPTY = { Rules: { CheckBootstrapVersion: {} } };

describe('a cloud assembly', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'assembly-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Writes stacks, by the names that `cdk list` has for them. */
  function write(stacks: Record<string, object>, images: object = {}): void {
    const artifacts: Record<string, object> = {};
    for (const [displayName, template] of Object.entries(stacks)) {
      const name = displayName.replace('/', '-');
      const properties = { templateFile: `${name}.template.json`, stackName: name };
      artifacts[name] = { type: 'aws:cloudformation:stack', displayName, properties };
      writeFileSync(path.join(directory, `${name}.template.json`), JSON.stringify(template));
      writeFileSync(path.join(directory, `${name}.assets.json`), JSON.stringify({ dockerImages: images }));
    }
    writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify({ artifacts }));
  }

  test('several stacks that run containers are named as `cdk list` has them, and each name chooses one', () => {
    write({ 'Staging/Shop': RUNS, 'Production/Shop': RUNS, Files: STORES });
    expect(() => readAssembly(directory)).toThrow(
      `${directory} has several stacks with ECS task definitions: Staging/Shop, Production/Shop. Choose with --stack.`,
    );
    expect(readAssembly(directory, 'Production/Shop').stackName).toBe('Production-Shop');
    expect(readAssembly(directory, 'Staging-Shop').stackName).toBe('Staging-Shop');
  });

  test('where no stack fits, those that are there are named', () => {
    write({ Files: STORES, Imports: EMPTY });
    expect(() => readAssembly(directory)).toThrow(
      `no stack of ${directory} has an ECS task definition; it has Files, Imports. Name the cloud assembly of another app`,
    );
    expect(() => readAssembly(directory, 'Shop')).toThrow(
      `no stack of ${directory} is named Shop; it has Files, Imports. Choose with --stack.`,
    );
    rmSync(path.join(directory, 'manifest.json'));
    expect(() => readAssembly(directory)).toThrow('Make it with `npx cdk synth`');
  });

  test('stacks of a stage are in an assembly of their own, and so are the sources of their images', () => {
    const outer = directory;
    directory = path.join(outer, 'assembly-Production');
    mkdirSync(directory);
    write({ 'Production/Shop': RUNS }, { abc: { source: { directory: '../asset.abc', dockerFile: 'docker/web' } } });
    directory = outer;
    const stage = { type: 'cdk:cloud-assembly', properties: { directoryName: 'assembly-Production' } };
    writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify({ artifacts: { stage } }));
    expect(readAssembly(directory).images.get('abc')).toMatchObject({
      directory: path.join(directory, 'asset.abc'),
      dockerFile: 'docker/web',
    });
  });

  test('an image that a program makes has no folder', () => {
    write({ Shop: RUNS }, { abc: { source: { executable: ['docker', 'load'] } }, def: { source: { directory: 'x' } } });
    expect([...readAssembly(directory).images.keys()]).toEqual(['def']);
  });
});

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
