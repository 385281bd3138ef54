import { Profile } from 'cdk-django-fargate';
import type { SecretStore } from '../../../rehearsal/aws/secrets';
import { databaseSettings, instancesOf } from '../../../rehearsal/postgres/settings';
import type { Assembly, Template } from '../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { wholeTemplate } from '../../../scripts/lib/whole-template';
import { auroraExample } from '../../../scripts/production-example';

function settingsOf(profile: Profile, change: (template: Template) => void = () => undefined) {
  const template = wholeTemplate(auroraExample(profile).stack) as Template;
  change(template);
  const common = { template, stackName: 'Orders', region: 'eu-central-1', account: '111122223333' };
  const substitutions: string[] = [];
  const intrinsics = new Intrinsics(common);
  const settings = databaseSettings({
    intrinsics,
    assembly: common as unknown as Assembly,
    secrets: {} as SecretStore,
    announce: { progress: () => undefined, substitution: (text) => substitutions.push(text), event: () => undefined },
  });
  return { settings, intrinsics, substitutions };
}

test('a cluster is read as an instance is: version, name, parameters, and the connections of its writer', () => {
  const { settings, intrinsics } = settingsOf(Profile.production());
  expect(settings).toMatchObject({
    major: 17,
    name: 'django',
    parameters: { 'rds.force_ssl': '1', shared_preload_libraries: 'pg_stat_statements', max_connections: '395' },
  });
  const instances = instancesOf(intrinsics, `${settings?.id}`).map(
    ({ resource }) => resource.Properties?.PromotionTier,
  );
  expect(instances).toEqual([0, 1]);
});

test('a serverless one has the connections of its most capacity, and it is said that it never pauses', () => {
  const { settings, substitutions } = settingsOf(Profile.development());
  expect(settings?.parameters.max_connections).toBe('395');
  expect(substitutions.join('\n')).toContain('never pauses here');
});

test('instances of a cluster are no databases of their own', () => {
  const { substitutions } = settingsOf(Profile.production());
  expect(substitutions.join('\n')).not.toContain('only the first database');
});
