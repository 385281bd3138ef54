import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { WITHOUT_RESTORE_TESTING } from '../constructs/backup/private/restore-test';
import { REGIONS_WITH_AUTHORITIES } from '../constructs/database/private/handlers';
import { WITHOUT_SES } from '../constructs/mail/private/regions';
import { WITHOUT_CODEBUILD } from '../lib/pipeline-stack';
import {
  arguedLints,
  errorsIn,
  type LintFinding,
  lintDifferences,
  shapesOf,
  typesMissing,
} from '../scripts/lib/cfn-lint-findings';

const argued = arguedLints(readFileSync(join(__dirname, '..', 'docs', 'testing.md'), 'utf8'));

test('the table in docs/testing.md gives a reason of a sentence or more for each row', () => {
  expect(argued.map(({ rule }) => rule)).toEqual(['E3006', 'E3703']);
  for (const { templates, resources, why } of argued) {
    expect(templates.length).toBeGreaterThan(0);
    expect(resources.length).toBeGreaterThan(0);
    expect(why).toMatch(/^[A-Z].{40,}\.$/);
  }
});

const row = { rule: 'E3006', templates: ['Pipeline'], resources: ['PipelineAssets*'], why: '' };
const found = (changes: Partial<LintFinding> = {}): LintFinding => ({
  rule: 'E3006',
  template: 'Pipeline',
  resource: 'PipelineAssetsFileAsset1',
  message: 'does not exist',
  ...changes,
});

test('what the table argues is no difference', () => {
  expect(lintDifferences([found(), found({ resource: 'PipelineAssets' })], [row])).toEqual([]);
});

test.each([
  ['of another rule', { rule: 'E3003' }],
  ['on another resource', { resource: 'PipelineKey' }],
  ['in another template', { template: 'Pipelines' }],
])('an error %s is one', (_, changes) => {
  const [difference, ...more] = lintDifferences([found(), found(changes)], [row]);
  expect(difference).toMatch(/does not exist$/);
  expect(more).toEqual([]);
});

test('a row of what is no longer found is one', () => {
  expect(lintDifferences([], [row])).toEqual(['in the table, but no longer found: E3006 Pipeline']);
});

test('of a report the errors are read, by template and logical id without its hash', () => {
  const match = (Level: string) => ({
    Level,
    Message: 'x',
    Filename: '/tmp/a/Shop.json',
    Rule: { Id: 'E1' },
    Location: { Path: ['Resources', 'AppQueue1B1FE247', 'Properties'] },
  });
  expect(errorsIn([match('Error'), match('Warning')])).toEqual([
    { rule: 'E1', template: 'Shop', resource: 'AppQueue', message: 'x' },
  ]);
});

describe('templates are read once', () => {
  const regionsOf = (one: string, other: string) =>
    shapesOf({ 'us-east-1': { Shop: one }, 'cn-north-1': { Shop: other } }).map(({ regions }) => regions);

  test.each([
    ['the region', '"logs.us-east-1.x"', '"logs.cn-north-1.x"'],
    ['the region without dashes', '"response-useast1"', '"response-cnnorth1"'],
    ['the partition', '"arn:aws:s3:::x"', '"arn:aws-cn:s3:::x"'],
    ['an account of AWS', '":iam::190560391635:root"', '":iam::048591011584:root"'],
    ['the place of an asset', '"1-us-east-1-39868dba"', '"1-cn-north-1-9c043127"'],
  ])('where they differ by %s', (_, one, other) => {
    expect(regionsOf(one, other)).toEqual([['us-east-1', 'cn-north-1']]);
  });

  test.each([
    ['a resource', '{"Type":"AWS::SQS::Queue"}', '{"Type":"AWS::SNS::Topic"}'],
    ['a class', '"db.t4g.micro"', '"db.t3.micro"'],
    ['a suffix', '"logs.us-east-1.amazonaws.com"', '"logs.cn-north-1.amazonaws.com.cn"'],
  ])('and each for itself where they differ by %s', (_, one, other) => {
    expect(regionsOf(one, other)).toEqual([['us-east-1'], ['cn-north-1']]);
  });
});

test('a type that a region lacks is named with the region', () => {
  const known = { 'eu-central-1': ['AWS::A::B', 'AWS::C::D'], 'ca-west-1': ['AWS::A::B'] };
  expect(typesMissing(['AWS::A::B', 'AWS::C::D'], known)).toEqual({ 'AWS::C::D': ['ca-west-1'] });
});

describe('the table in docs/regions.md', () => {
  const rows = readFileSync(join(__dirname, '..', 'docs', 'regions.md'), 'utf8').split('\n');
  const regionsOf = (what: string) => {
    const [row] = rows.filter((line) => line.startsWith('| ') && line.includes(what));
    return [...row.split('|')[2].matchAll(/`([^`]+)`/g)].map(([, region]) => region);
  };

  test.each([
    ['RestoreTestingPlan', WITHOUT_RESTORE_TESTING],
    ['CodeBuild::Project', WITHOUT_CODEBUILD],
    ['SES::EmailIdentity', WITHOUT_SES],
  ])('names the regions without %s', (what, regions) => {
    expect(regionsOf(what)).toEqual(regions);
  });

  test('names every region whose certificates the handlers do not bring', () => {
    const named = regionsOf('authorities of RDS').map((region) => new RegExp(`^${region.replace('*', '.*')}$`));
    const known = RegionInfo.regions
      .filter(({ partition }) => ['aws', 'aws-us-gov', 'aws-cn'].includes(partition ?? ''))
      .map(({ name }) => name);
    expect(known.length).toBeGreaterThan(35);
    for (const region of known) {
      expect([region, named.some((pattern) => pattern.test(region))]).toEqual([
        region,
        !REGIONS_WITH_AUTHORITIES.includes(region),
      ]);
    }
  });
});
