import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { everyPart, productionExample } from '../scripts/production-example';

/** As the CLI synthesizes it: `cdk synth` turns path metadata on. */
const { app, stack } = productionExample({ context: { 'aws:cdk:enable-path-metadata': true } });
const artifact = app.synth().getStackArtifact(stack.artifactId);
const resources: { [id: string]: Resource } = artifact.template.Resources;

interface Resource {
  readonly Type: string;
  readonly Metadata?: { readonly [key: string]: unknown };
  // biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
  readonly Properties?: any;
}

/** The length of every policy document of some types, by logical id. */
function lengths(documentsOf: (resource: Resource) => unknown[]): [string, number][] {
  return Object.entries(resources).flatMap(([id, resource]) =>
    documentsOf(resource).map((document): [string, number] => [id, JSON.stringify(document).length]),
  );
}

function ofIam({ Type, Properties }: Resource): unknown[] {
  switch (Type) {
    case 'AWS::IAM::Policy':
    case 'AWS::IAM::ManagedPolicy':
      return [Properties.PolicyDocument];
    case 'AWS::IAM::Role':
      return (Properties.Policies ?? []).map(({ PolicyDocument }: { PolicyDocument: unknown }) => PolicyDocument);
    default:
      return [];
  }
}

describe('production with every part', () => {
  const whole = everyPart({ context: { 'aws:cdk:enable-path-metadata': true } });
  const directory = whole.app.synth().directory;
  const templates = readdirSync(directory).filter((name) => name.endsWith('.template.json'));
  const sizes = templates.map((name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    return { name, bytes: Buffer.byteLength(text), resources: Object.keys(JSON.parse(text).Resources ?? {}).length };
  });

  test('has its alarms in a stack of their own, so that no stack has more than 320 resources, or 300 kB', () => {
    expect(templates.filter((name) => name.includes('AlarmStack'))).toHaveLength(1);
    expect(Math.max(...sizes.map(({ resources: count }) => count))).toBeGreaterThan(250);
    expect(sizes.filter(({ bytes, resources: count }) => count > 320 || bytes > 300_000)).toEqual([]);
  });
});

describe('the production example is far from the limits of CloudFormation and IAM', () => {
  test('has at most 278 resources, of 500', () => {
    expect(Object.keys(resources).length).toBeLessThanOrEqual(278);
  });

  test('is at most 288 kB on disk with path metadata, of 1 MB', () => {
    expect(Object.values(resources).every(({ Metadata }) => Metadata?.['aws:cdk:path'] !== undefined)).toBe(true);
    expect(statSync(artifact.templateFullPath).size).toBeLessThanOrEqual(288_000);
  });

  test('has no IAM policy of more than 3,000 characters, of 6,144', () => {
    const policies = lengths(ofIam);
    expect(policies.length).toBeGreaterThanOrEqual(10);
    expect(policies.filter(([, length]) => length > 3_000)).toEqual([]);
  });

  test('has no key policy of more than 8,000 characters, of 32 kB', () => {
    const policies = lengths(({ Type, Properties }) => (Type === 'AWS::KMS::Key' ? [Properties.KeyPolicy] : []));
    expect(policies.length).toBeGreaterThanOrEqual(2);
    expect(policies.filter(([, length]) => length > 8_000)).toEqual([]);
  });
});
