import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readAssembly } from '../../../rehearsal/template/assembly';

const task = (metadata?: object) => ({ Type: 'AWS::ECS::TaskDefinition', Metadata: metadata });
const OURS = { Resources: { Web: task({ 'cdk-django-fargate': { process: 'web' } }) } };
const FOREIGN = { Resources: { Search: task() } };
const EMPTY = { Parameters: { BootstrapVersion: { Type: 'String' } } };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'assembly-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A cloud assembly with these templates. */
function write(templates: Record<string, object>, environment?: string): string {
  const artifacts = Object.keys(templates).map((name) => {
    const properties = { templateFile: `${name}.template.json` };
    return [name, { type: 'aws:cloudformation:stack', environment, properties }] as const;
  });
  const tree = { type: 'cdk:tree', properties: { file: 'tree.json' } };
  const manifest = { artifacts: { ...Object.fromEntries(artifacts), Tree: tree } };
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  for (const [name, template] of Object.entries(templates)) {
    writeFileSync(path.join(folder, `${name}.template.json`), JSON.stringify(template));
  }
  return folder;
}

test('a stack without resources is no trouble', () => {
  expect(readAssembly(write({ Mail: EMPTY, Shop: OURS })).stackName).toBe('Shop');
  expect(readAssembly(folder, 'Mail').template.Resources).toEqual({});
});

test.each([
  ['aws://999988887777/ap-southeast-2', { account: '999988887777', region: 'ap-southeast-2' }],
  ['aws://999988887777/unknown-region', { account: '999988887777', region: 'eu-central-1' }],
  ['aws://unknown-account/us-east-1', { account: '123456789012', region: 'us-east-1' }],
  [undefined, { account: '123456789012', region: 'eu-central-1' }],
])('a stack in %s has its account and region, or those that stand for them', (environment, where) => {
  expect(readAssembly(write({ Shop: OURS }, environment))).toMatchObject(where);
});

test('a stack of this library comes before one that runs other things', () => {
  expect(readAssembly(write({ Search: FOREIGN, Shop: OURS })).stackName).toBe('Shop');
  expect(readAssembly(folder, 'Search').stackName).toBe('Search');
});

test('the load balancer of another stack of the assembly is part of the stack that imports it', () => {
  const Type = 'AWS::ElasticLoadBalancingV2::Listener';
  const Rule = {
    Type: 'AWS::ElasticLoadBalancingV2::ListenerRule',
    Properties: { ListenerArn: { 'Fn::ImportValue': 'Listener' } },
  };
  const Outputs = { Listener: { Value: { Ref: 'Listener' }, Export: { Name: 'Listener' } } };
  write({ Platform: { Resources: { Listener: { Type } }, Outputs }, Shop: { Resources: { ...OURS.Resources, Rule } } });
  const { owners, template } = readAssembly(folder, 'Shop');
  expect(owners).toEqual(['Platform']);
  expect(template.Resources.PlatformListener).toMatchObject({ Type });
  expect(template.Resources.Rule.Properties).toEqual({ ListenerArn: { Ref: 'PlatformListener' } });
});

test.each([
  ['two of this library', { Shop: OURS, Blog: OURS }, 'several stacks with ECS task definitions: Shop, Blog.'],
  ['two of others', { Search: FOREIGN, Mail: FOREIGN }, 'several stacks with ECS task definitions: Search, Mail.'],
  ['none', { Empty: EMPTY }, 'has an ECS task definition; it has Empty.'],
])('fails with %s, and names what is there', (_, templates, message) => {
  expect(() => readAssembly(write(templates))).toThrow(message);
});
