import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { DjangoApplication } from '../../constructs/application/django-application';
import { Profile } from '../../constructs/core/profile';
import { roleStatements } from '../controls/control';
import { Annotations, Match, templateOf, testStack } from '../support';
import { Graph } from '../wiring/graph';

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555';

function application(stack: Stack, encryptionKey: IKey): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    queues: { default: {} },
    encryptionKey,
  });
}

/** The policy of an imported key cannot be changed from here: what a role may do must stand in its own policy. */
describe('with a key that is imported', () => {
  const stack = testStack();
  application(stack, Key.fromKeyArn(stack, 'Key', KEY));
  const template = new Graph(templateOf(stack).toJSON().Resources);
  const using = roleStatements(template).filter(({ Resource }) => Resource.includes(KEY));

  test.each([
    ['AppExecutionRolePolicy', 'secretsmanager'],
    ['AppDatabaseRolesRolePolicy', 'secretsmanager'],
    ['AppDatabaseRotationApplication', 'secretsmanager'],
    ['AppSecretKey', 'secretsmanager'],
    ['AppWebTaskTaskRolePolicy', 'sqs'],
  ])('%s lets its role decrypt through %s', (policy, service) => {
    const found = using.filter(({ id }) => id.startsWith(policy));
    expect(found.flatMap(({ Action }) => Action)).toContain('kms:Decrypt');
    expect(found.map(({ Condition }) => JSON.stringify(Condition?.StringEquals)).join()).toContain(`"${service}."`);
  });

  test('the four statements that its policy needs are warned of, once', () => {
    const warnings = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('`encryptionKey`'));
    expect(warnings.map(({ id }) => id)).toEqual(['/Shop/App']);
  });

  test('a key that is made is not warned of', () => {
    const other = testStack();
    application(other, new Key(other, 'Key'));
    Annotations.fromStack(other).hasNoWarning('*', Match.stringLikeRegexp('`encryptionKey`'));
  });

  test('no role may use it in another way', () => {
    expect(using.filter(({ Condition }) => Condition?.StringEquals?.['kms:ViaService'] === undefined)).toEqual([]);
  });
});
