import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ArguedFinding,
  arguedIn,
  type CheckovFinding,
  differences,
  findingsOf,
} from '../scripts/lib/checkov-findings';

const argued = arguedIn(readFileSync(join(__dirname, '..', 'docs', 'testing.md'), 'utf8'));

test('the table in docs/testing.md gives a reason of a sentence or more for each row', () => {
  expect(argued.length).toBeGreaterThan(5);
  for (const { check, templates, resources, why } of argued) {
    expect(check).toMatch(/^CKV2?_AWS_\d+$/);
    expect(['production', 'development']).toEqual(expect.arrayContaining(templates));
    expect(resources.length).toBeGreaterThan(0);
    expect(why).toMatch(/^[A-Z].{40,}\.$/);
  }
});

const row: ArguedFinding = {
  check: 'CKV_AWS_18',
  templates: ['production', 'development'],
  resources: ['AppLogs', 'Custom*Handler'],
  why: '',
};
const found = (template: string, resource: string, check = 'CKV_AWS_18'): CheckovFinding => ({
  check,
  template,
  resource,
});
const all = ['production', 'development'].flatMap((each) => [found(each, 'AppLogs'), found(each, 'CustomXyHandler')]);

test('findings that the table argues are no difference', () => {
  expect(differences(all, [row])).toEqual([]);
});

test.each([
  ['of another rule', found('production', 'AppLogs', 'CKV_AWS_19')],
  ['on another resource', found('production', 'AppMedia')],
  ['on a resource whose name only begins alike', found('production', 'AppLogsArchive')],
  ['in another template', found('staging', 'AppLogs')],
])('a finding %s is one', (_, finding) => {
  expect(differences([...all, finding], [row])).toEqual([expect.stringMatching(/^not in the table: CKV_AWS_1/)]);
});

test('a row of what is no longer found is one, for each template and resource', () => {
  expect(differences(all.slice(1), [row])).toEqual([
    'in the table, but no longer found: CKV_AWS_18 production AppLogs',
  ]);
});

test('a report is read by template and logical id without its hash', () => {
  const failed = { check_id: 'CKV_AWS_18', file_path: '/production.json', resource: 'AWS::S3::Bucket.AppLogs1B1FE247' };
  expect(findingsOf({ results: { failed_checks: [failed] } })).toEqual([found('production', 'AppLogs')]);
});

test('a page without the table argues nothing', () => {
  expect(arguedIn('| CKV_AWS_18 | production | `AppLogs` | because |')).toEqual([]);
});
