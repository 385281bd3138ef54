import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Profile } from '../constructs/profile';
import { SecretKey } from '../constructs/secret-key';
import { Match, only, templateOf, testStack } from './support';

test('the key is generated beside an empty list of fallbacks, and kept in production', () => {
  const stack = testStack();
  new SecretKey(stack, 'SecretKey');
  const { resource } = only(templateOf(stack), 'AWS::SecretsManager::Secret');
  expect(resource.Properties.GenerateSecretString).toEqual({
    SecretStringTemplate: '{"fallbacks":[]}',
    GenerateStringKey: 'key',
    PasswordLength: 64,
    ExcludePunctuation: true,
  });
  expect(resource.Properties.KmsKeyId).toBeUndefined();
  expect(resource.DeletionPolicy).toBe('Retain');
  expect(resource.UpdateReplacePolicy).toBe('Retain');
});

test('development throws the key away with its stack', () => {
  const stack = testStack();
  new SecretKey(stack, 'SecretKey', { profile: Profile.development() });
  expect(only(templateOf(stack), 'AWS::SecretsManager::Secret').resource.DeletionPolicy).toBe('Delete');
});

test('a key that is given encrypts the secret', () => {
  const stack = testStack();
  const encryptionKey = new Key(stack, 'Key');
  new SecretKey(stack, 'SecretKey', { encryptionKey });
  templateOf(stack).hasResourceProperties('AWS::SecretsManager::Secret', {
    KmsKeyId: stack.resolve(encryptionKey.keyArn),
  });
});

test('containers get the current key by itself and the whole secret', () => {
  const stack = testStack();
  const { secret, containerSecrets } = new SecretKey(stack, 'SecretKey');
  expect(Object.keys(containerSecrets)).toEqual(['DJANGO_SECRET_KEY', 'DJANGO_SECRET_KEYS']);
  expect(stack.resolve(containerSecrets.DJANGO_SECRET_KEY.arn)).toEqual(stack.resolve(`${secret.secretArn}:key::`));
  expect(stack.resolve(containerSecrets.DJANGO_SECRET_KEYS.arn)).toEqual(stack.resolve(secret.secretArn));
});

test.each(['made here', 'brought'])('a reader of the secret that is %s gets that secret alone', (origin) => {
  const stack = testStack();
  const secretKey =
    origin === 'made here'
      ? new SecretKey(stack, 'SecretKey')
      : SecretKey.fromSecretKeyAttributes(stack, 'SecretKey', { secret: new Secret(stack, 'Own') });
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  secretKey.grantRead(role);
  templateOf(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: Match.objectLike({
      Statement: [Match.objectLike({ Resource: stack.resolve(secretKey.secret.secretArn) })],
    }),
  });
});

test('a secret that exists already keeps to the same contract and makes nothing', () => {
  const stack = testStack();
  const secret = Secret.fromSecretNameV2(stack, 'Own', 'shop/secret-key');
  const secretKey = SecretKey.fromSecretKeyAttributes(stack, 'SecretKey', { secret });
  expect(Object.keys(secretKey.containerSecrets)).toEqual(['DJANGO_SECRET_KEY', 'DJANGO_SECRET_KEYS']);
  expect(secretKey.secret).toBe(secret);
  expect(templateOf(stack).toJSON().Resources).toBeUndefined();
});
