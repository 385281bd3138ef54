import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template as Synthesized } from 'aws-cdk-lib/assertions';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { DjangoApplication, type DjangoApplicationProps, StaticFiles, UrlSigningKeys } from 'cdk-django-fargate';
import { losses, readTemplates, statefulIds, type Template } from '../scripts/compare-templates';
import { wholeTemplate } from '../scripts/lib/whole-template';
import { everyPart, productionExample } from '../scripts/production-example';

/** What is of no use once the stack is gone, since nobody can log in to it: a last snapshot has what it held. */
const SNAPSHOT_IS_ENOUGH = ['AWS::ElastiCache::ReplicationGroup'];
/** What stores nothing of anybody's: alarms, and the secret between CloudFront and load balancer. */
const MADE_ANEW = /^App(AlarmStack|LoadBalancerOriginKeys)/;
const GOLDEN = join(__dirname, 'golden', 'stateful-ids.json');

const synthesized: { [name: string]: Template } = {
  'the production example': wholeTemplate(productionExample().stack),
  'production with every part': wholeTemplate(everyPart().stack),
  'a bare DjangoApplication': templateOf(bareApplication()),
  'a DjangoApplication with media': templateOf(bareApplication({ media: {} })),
  'a DjangoApplication with a cache': templateOf(bareApplication({ cache: {} })),
  'a DjangoApplication with dumps': wholeTemplate(bareApplication({ databaseDump: {}, restoreDrill: {} })),
  'a DjangoApplication with mail': templateOf(bareApplication({ mail: {} })),
  'a DjangoApplication on Aurora': templateOf(bareApplication({ aurora: {} })),
  StaticFiles: templateOf(staticFiles()),
  UrlSigningKeys: templateOf(signingKeys()),
};
const example = synthesized['the production example'];

describe('logical ids of what is stored are part of the API', () => {
  const ids = Object.fromEntries(Object.entries(synthesized).map(([name, template]) => [name, statefulIds(template)]));
  if (process.env.UPDATE_GOLDEN_IDS === 'yes') {
    writeFileSync(GOLDEN, `${JSON.stringify(ids, null, 2)}\n`);
  }
  const golden = JSON.parse(readFileSync(GOLDEN, 'utf8'));

  // A changed id is a lost database. Only a new major version may say UPDATE_GOLDEN_IDS=yes for an id that is gone.
  test.each(Object.keys(synthesized))('of %s', (name) => {
    expect(ids[name]).toEqual(golden[name]);
  });

  test('they cover every kind of thing that is stored', () => {
    expect(Object.keys(golden['the production example']).sort()).toEqual([
      'AWS::Backup::BackupVault',
      'AWS::ElastiCache::ReplicationGroup',
      'AWS::KMS::Key',
      'AWS::Logs::LogGroup',
      'AWS::RDS::DBInstance',
      'AWS::S3::Bucket',
      'AWS::SQS::Queue',
      'AWS::SecretsManager::Secret',
    ]);
  });

  test('they are the same with the recommended feature flags', () => {
    const flagged = productionExample({ context: recommendedFlags }).stack;
    expect(statefulIds(wholeTemplate(flagged))).toEqual(golden['the production example']);
  });

  test.each(Object.keys(synthesized))('production keeps what %s stores when it leaves the stack', (name) => {
    const resources = synthesized[name].Resources as { [id: string]: { [policy: string]: unknown } };
    for (const id of Object.values(ids[name])
      .flat()
      .filter((each) => !MADE_ANEW.test(each))) {
      // The second holds except while a creation is rolled back, when there is nothing to keep.
      const [kept, replaced] = SNAPSHOT_IS_ENOUGH.includes(`${resources[id].Type}`)
        ? [['Snapshot'], 'Snapshot']
        : [['Retain', 'RetainExceptOnCreate'], 'Retain'];
      expect(kept).toContain(resources[id].DeletionPolicy);
      expect([id, resources[id].UpdateReplacePolicy]).toEqual([id, replaced]);
    }
  });
});

describe('the comparison of templates', () => {
  const deployed = { Shop: example };
  const next = (change: (resources: Resources) => void) => ({ Shop: changed(example, change) });
  const stored = Object.values(statefulIds(example)).flat();

  test('finds nothing between a template and itself', () => {
    expect(losses(deployed, deployed)).toEqual([]);
  });

  test('notices each that is gone', () => {
    const without = next((resources) => {
      for (const id of stored) {
        delete resources[id];
      }
    });
    const found = losses(deployed, without);
    expect(found.map(({ id }) => id)).toEqual(stored);
    const kept = found.filter(({ why }) => why.startsWith('leaves the stack: retained')).map(({ id }) => id);
    const types = (example.Resources ?? {}) as Resources;
    expect(stored.filter((id) => !kept.includes(id)).map((id) => types[id].Type)).toEqual(SNAPSHOT_IS_ENOUGH);
  });

  test('notices each that has become something else', () => {
    const replaced = next((resources) => {
      for (const id of stored) {
        resources[id].Type = 'AWS::SNS::Topic';
      }
    });
    const found = losses(deployed, replaced);
    expect(found.map(({ id }) => id)).toEqual(stored);
    expect(found.filter(({ why }) => !why.startsWith('is replaced: its type changes from AWS::'))).toEqual([]);
  });

  // Which properties replace a resource is the knowledge of AWS's specification; these are the ones that matter here.
  test.each([
    ['AWS::RDS::DBCluster', ['DBClusterIdentifier', 'DBSubnetGroupName', 'DatabaseName', 'KmsKeyId', 'MasterUsername']],
    ['AWS::RDS::DBInstance', ['DBInstanceIdentifier', 'DBName', 'DBSubnetGroupName', 'Engine', 'KmsKeyId']],
    ['AWS::RDS::DBInstance', ['MasterUsername', 'Port', 'StorageEncrypted', 'Timezone']],
    ['AWS::SecretsManager::Secret', ['Name']],
    ['AWS::SQS::Queue', ['FifoQueue', 'QueueName']],
    ['AWS::S3::Bucket', ['BucketName', 'ObjectLockEnabled']],
    ['AWS::Backup::BackupVault', ['BackupVaultName', 'EncryptionKeyArn']],
    ['AWS::Logs::LogGroup', ['LogGroupName']],
  ])('notices a change of what %s is replaced for: %j, from nothing and to nothing as well', (type, names) => {
    const before = { Shop: { Resources: { Stored: { Type: type, Properties: {} } } } };
    for (const name of names) {
      const after = { Shop: { Resources: { Stored: { Type: type, Properties: { [name]: 'another' } } } } };
      const why = expect.stringMatching(/^(is|may be) replaced: from /);
      expect(losses(before, after)).toMatchObject([{ id: 'Stored', property: name, why }]);
      expect(losses(after, before)).toMatchObject([{ id: 'Stored', property: name, why }]);
    }
  });

  test('notices what is replaced because something else is', () => {
    const database = { Type: 'AWS::RDS::DBInstance', Properties: { DBSubnetGroupName: { Ref: 'Subnets' } } };
    const withGroup = (DBSubnetGroupName: string) => ({
      Shop: {
        Resources: {
          Stored: database,
          Subnets: { Type: 'AWS::RDS::DBSubnetGroup', Properties: { DBSubnetGroupName } },
        },
      },
    });
    expect(losses(withGroup('one'), withGroup('other'))).toMatchObject([{ id: 'Stored' }]);
  });

  test('lets be what CloudFormation changes in place', () => {
    const [queue] = statefulIds(example)['AWS::SQS::Queue'];
    const [instance] = statefulIds(example)['AWS::RDS::DBInstance'];
    const larger = next((resources) => {
      resources[queue].Properties = { ...resources[queue].Properties, VisibilityTimeout: 7200 };
      resources[instance].Properties = { ...resources[instance].Properties, DBInstanceClass: 'db.r8g.large' };
      Object.assign(resources[instance].Properties ?? {}, { AllocatedStorage: '4711', EngineVersion: '18' });
    });
    expect(losses(deployed, larger)).toEqual([]);
  });

  test('notices that a whole stack is gone', () => {
    expect(losses(deployed, {}).map(({ id }) => id)).toEqual(stored);
  });

  test('allows by name, with the stack or without, and nothing else', () => {
    const [one, other] = stored;
    const both = next((resources) => {
      delete resources[one];
      delete resources[other];
    });
    expect(losses(deployed, both, [one]).map(({ id }) => id)).toEqual([other]);
    expect(losses(deployed, both, [`Shop/${one}`, other])).toEqual([]);
    expect(losses(deployed, both, [`Other/${one}`, other]).map(({ id }) => id)).toEqual([one]);
  });

  test('allows the change of one property and of no other', () => {
    const [instance] = statefulIds(example)['AWS::RDS::DBInstance'];
    const after = next((resources) => {
      resources[instance].Properties = { ...resources[instance].Properties, MultiAZ: false, DBName: 'other' };
    });
    const properties = (allowed: string[]) => losses(deployed, after, allowed).map(({ property }) => property);
    expect(properties([]).sort()).toEqual(['DBName', 'MultiAZ']);
    expect(properties([`${instance}.MultiAZ`])).toEqual(['DBName']);
    expect(properties([`Shop/${instance}.DBName`])).toEqual(['MultiAZ']);
    expect(properties([instance])).toEqual([]);
  });
});

describe('npm run compare', () => {
  const folder = mkdtempSync(join(tmpdir(), 'compare-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('reads the stacks of an assembly and of its stages', () => {
    mkdirSync(join(folder, 'assembly', 'stage'), { recursive: true });
    const write = (path: string, content: unknown) =>
      writeFileSync(join(folder, 'assembly', path), JSON.stringify(content));
    const stack = { type: 'aws:cloudformation:stack', properties: { templateFile: 'a.template.json' } };
    write('manifest.json', {
      artifacts: {
        A: stack,
        'A.assets': { type: 'cdk:asset-manifest' },
        Stage: { type: 'cdk:cloud-assembly', properties: { directoryName: 'stage' } },
      },
    });
    write('stage/manifest.json', { artifacts: { B: stack } });
    write('a.template.json', { Resources: {} });
    write('stage/a.template.json', example);
    expect(readTemplates(join(folder, 'assembly'))).toEqual({ A: { Resources: {} }, 'Stage/B': example });
  });

  test('exits with 1 for a loss, and with 0 when it is allowed', () => {
    const queue = { Queue: { Type: 'AWS::SQS::Queue' } };
    const [old, now] = [join(folder, 'old.json'), join(folder, 'new.json')];
    writeFileSync(old, JSON.stringify({ Resources: queue }));
    writeFileSync(now, JSON.stringify({ Resources: {} }));
    const script = join(__dirname, '..', 'scripts', 'compare-templates.ts');
    const compare = (...args: string[]) =>
      spawnSync(process.execPath, ['--import', 'tsx', script, ...args], { encoding: 'utf8' });
    const refused = compare(old, now);
    expect([refused.status, refused.stdout]).toEqual([
      1,
      expect.stringContaining('1 stateful resources compared, 1 would be lost'),
    ]);
    expect(compare(old, now, '--allow', 'Queue').status).toBe(0);
    expect(compare(old).status).toBe(2);
  });
});

interface Resources {
  [id: string]: { Type: string; Properties?: { [name: string]: unknown } };
}

function templateOf(stack: Stack): Template {
  return Synthesized.fromStack(stack).toJSON();
}

function changed(template: Template, change: (resources: Resources) => void): Template {
  const copy = JSON.parse(JSON.stringify(template)) as { Resources: Resources };
  change(copy.Resources);
  return copy;
}

function signingKeys(): Stack {
  const stack = new Stack(new App(), 'Stack');
  new UrlSigningKeys(stack, 'SigningKeys');
  return stack;
}

function staticFiles(): Stack {
  const stack = new Stack(new App(), 'Stack');
  new StaticFiles(stack, 'StaticFiles');
  return stack;
}

function bareApplication(props: Partial<DjangoApplicationProps> = {}): Stack {
  const stack = new Stack(new App(), 'Stack');
  new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, 'fixtures', 'image')),
    settingsModule: 'config.settings',
    domainNames: ['shop.example.com'],
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      zoneName: 'example.com',
    }),
    ...props,
  });
  return stack;
}
