import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import { ContainerImage, Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { PasswordRotation } from '../../constructs/database/password-rotation';
import { type ISecretKey, SecretKey } from '../../constructs/secrets/secret-key';
import { templateOf, testStack } from '../support';

function application(stack: Stack, props: Partial<DjangoApplicationProps>) {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    ...props,
  });
}

/** A key of the user's own making: the interface and nothing of ours. */
class OwnKey implements ISecretKey {
  public readonly containerSecrets: { [name: string]: ContainerSecret };
  public readonly changingSecrets: ISecret[];
  public readonly rotationFunction: LambdaFunction;

  constructor(
    scope: Stack,
    public readonly secret: ISecret,
  ) {
    this.containerSecrets = { DJANGO_SECRET_KEY: ContainerSecret.fromSecretsManager(secret, 'key') };
    this.changingSecrets = [secret];
    this.rotationFunction = new LambdaFunction(scope, 'Rotate', {
      runtime: Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: Code.fromInline('exports.handler = () => {};'),
    });
  }

  public grantRead(grantee: IGrantable) {
    return this.secret.grantRead(grantee);
  }
}

/** The secrets whose change the application hears of. */
function watched(stack: Stack): unknown[] {
  const rules = Object.values(templateOf(stack).findResources('AWS::Events::Rule'));
  return rules.flatMap(({ Properties }) =>
    Properties.EventPattern.source[0] === 'aws.secretsmanager' ? Properties.EventPattern.resources : [],
  );
}

describe('the secrets that change while processes run', () => {
  test('are those of the key and of the application in the database, where both rotate', () => {
    const stack = testStack();
    const made = application(stack, {});
    const expected = [made.secretKey.secret.secretArn, made.database.applicationSecret.secretArn];
    expect(watched(stack)).toEqual(stack.resolve(expected));
    expect(made.web?.changingSecrets.map(({ secretArn }) => secretArn)).toEqual(expected);
  });

  test('are none where nothing rotates: then nothing waits for a change', () => {
    const stack = testStack();
    const made = application(stack, {
      secretKeyOptions: { rotate: false },
      databaseOptions: { passwordRotation: PasswordRotation.OFF },
    });
    expect([made.secretRefresh, made.web?.changingSecrets]).toEqual([undefined, []]);
  });

  test('are told by the interface: a key of a class that we do not know is replaced and watched too', () => {
    const stack = testStack();
    const key = new OwnKey(stack, new Secret(stack, 'Own'));
    application(stack, { secretKey: key, databaseOptions: { passwordRotation: PasswordRotation.OFF } });
    expect(watched(stack)).toEqual([stack.resolve(key.secret.secretArn)]);
    templateOf(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      Dimensions: [{ Name: 'FunctionName', Value: stack.resolve(key.rotationFunction.functionName) }],
    });
  });

  test('leave out one that is brought by its name alone: the event of a change names the full ARN', () => {
    const stack = testStack();
    const byName = Secret.fromSecretNameV2(stack, 'ByName', 'django');
    const secretKey = SecretKey.fromSecretKeyAttributes(stack, 'Key', { secret: byName });
    const made = application(stack, { secretKey });
    expect(secretKey.changingSecrets).toEqual([]);
    expect(watched(stack)).toEqual([stack.resolve(made.database.applicationSecret.secretArn)]);
  });
});
