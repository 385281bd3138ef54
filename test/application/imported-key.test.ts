import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations as CdkAnnotations, type Stack } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { Network } from '../../constructs/network/network';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { SecretKey } from '../../constructs/secrets/secret-key';
import { roleStatements, type Statement } from '../controls/control';
import { Annotations, errorOf, Match, templateOf, testStack } from '../support';
import { Graph } from '../wiring/graph';
import { keyPolicyNeeds } from '../wiring/keys';

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555';

function application(stack: Stack, encryptionKey: IKey, more: Partial<DjangoApplicationProps> = {}): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    queues: { default: {} },
    encryptionKey,
    ...more,
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

  test('a warning on the key names each service that its policy must let in, and what else happens', () => {
    const warnings = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('This encryption key is'));
    expect(warnings.map(({ id }) => id)).toEqual(Array(4).fill('/Shop/Key'));
    for (const consequence of [
      'CloudWatch Logs use it, or log groups cannot be created',
      'CloudWatch use it, or alarms change state and nobody is notified',
      'Amazon EventBridge use it, or its events reach neither topic nor queue',
      'the events of Amazon RDS use it, or they reach no topic',
    ]) {
      expect(warnings.filter(({ entry }) => String(entry.data).includes(`must let ${consequence}`))).toHaveLength(1);
    }
  });

  test('a construct of its own warns of what it needs alone', () => {
    const other = testStack();
    new TaskQueue(other, 'Queue', { encryptionKey: Key.fromKeyArn(other, 'Key', KEY) });
    expect(Annotations.fromStack(other).findWarning('*', Match.anyValue())).toEqual([]);
    new Network(other, 'Network', { encryptionKey: Key.fromKeyArn(other, 'Other', KEY) });
    const warnings = Annotations.fromStack(other).findWarning('*', Match.anyValue());
    expect(warnings.map(({ id }) => id)).toEqual(['/Shop/Other']);
    expect(warnings[0].entry.data).toContain('CloudWatch Logs');
  });

  test('who has added the statements acknowledges the warning on the key', () => {
    const other = testStack();
    const key = Key.fromKeyArn(other, 'Key', KEY);
    CdkAnnotations.of(key).acknowledgeWarning(
      'cdk-django-fargate:importedKeyPolicy',
      'The statements stand in its policy',
    );
    application(other, key);
    Annotations.fromStack(other).hasNoWarning('/Shop/Key', Match.anyValue());
  });

  test('a key that is made is not warned of', () => {
    const other = testStack();
    application(other, new Key(other, 'Key'));
    Annotations.fromStack(other).hasNoWarning('*', Match.stringLikeRegexp('encryption key'));
  });

  test('an alias is refused: policies of roles have no effect on aliases', () => {
    const other = testStack();
    expect(errorOf(() => application(other, Alias.fromAliasName(other, 'Key', 'alias/company')))).toBe(
      'Shop/App: `encryptionKey` must be a key, not an alias, got "alias/company". IAM policies have no effect on an alias: take Key.fromKeyArn, or Key.fromLookup, which finds a key by its alias.',
    );
  });

  test('a secret that is brought with such a key lets its readers decrypt', () => {
    const other = testStack();
    const secret = Secret.fromSecretAttributes(other, 'Brought', {
      secretCompleteArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop/key-AbCdEf',
      encryptionKey: Key.fromKeyArn(other, 'Key', KEY),
    });
    const role = new Role(other, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    SecretKey.fromSecretKeyAttributes(other, 'SecretKey', { secret }).grantRead(role);
    const statements = roleStatements(new Graph(templateOf(other).toJSON().Resources));
    expect(statements.filter(({ Resource }) => Resource.includes(KEY)).map(({ Action }) => Action)).toEqual([
      ['kms:Decrypt'],
    ]);
  });

  test('no role may use it in another way', () => {
    expect(using.filter(({ Condition }) => Condition?.StringEquals?.['kms:ViaService'] === undefined)).toEqual([]);
  });
});

/** The block of JSON in the docs, for the account and the region that it is written for. */
describe('the statements in docs/your-project.md', () => {
  const docs = readFileSync(join(__dirname, '..', '..', 'docs', 'your-project.md'), 'utf8');
  const section = docs.slice(docs.indexOf('### An encryption key of your own'));
  const documented: Statement[] = JSON.parse((/```json\n([\s\S]*?)```/.exec(section) as RegExpExecArray)[1]);
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
  application(stack, new Key(stack, 'Key'), { media: {}, cdn: { publicMediaPaths: ['/public/*'] } });
  const graph = new Graph(templateOf(stack).toJSON().Resources);

  test('let in exactly the services that the walk finds, each for all that it needs', () => {
    const needs = keyPolicyNeeds(graph);
    const services = documented.flatMap(({ Principal }) => [(Principal as { Service: string }).Service].flat());
    const plain = services.map((name) => name.replace('logs.eu-central-1.', 'logs.'));
    expect(plain.sort()).toEqual(Object.keys(needs).sort());
    for (const [service, actions] of Object.entries(needs)) {
      const own = documented.filter(({ Principal }) =>
        JSON.stringify(Principal).includes(service.split('.amazonaws')[0]),
      );
      expect(own.flatMap(({ Action }) => Action)).toEqual(expect.arrayContaining([...actions]));
    }
  });

  test('are those that a key of the same app gets', () => {
    const [key] = graph.ofType('AWS::KMS::Key');
    const text = JSON.stringify(graph.properties(key).KeyPolicy.Statement);
    const made: Statement[] = JSON.parse(text.replaceAll(IN_ITS_PARTITION, '"arn:aws:$1"'));
    const expected = made.flatMap(eachService).map(({ Sid, ...statement }) => statement);
    expect(documented.flatMap(eachService)).toHaveLength(expected.length);
    expect(documented.flatMap(eachService)).toEqual(expect.arrayContaining(expected));
  });
});

/** An ARN that is complete but for its partition. */
const IN_ITS_PARTITION = /\{"Fn::Join":\["",\["arn:",\{"Ref":"AWS::Partition"\},":([^"]+)"\]\]\}/g;

/** A statement for each service that it names; none for those that name an account or a role. */
function eachService(statement: Statement & { readonly Sid?: string }) {
  const { Service } = statement.Principal as { readonly Service?: string | string[] };
  return [Service ?? []].flat().map((service) => ({ ...statement, Principal: { Service: service } }));
}
