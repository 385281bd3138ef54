import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Profile } from '../../constructs/core/profile';
import { SecretKey, type SecretKeyProps } from '../../constructs/secrets/secret-key';
import { errorOf, Match, only, templateOf, testStack } from '../support';

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
  expect(resource.DeletionPolicy).toBe('RetainExceptOnCreate');
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

describe('rotation', () => {
  const made = (props: SecretKeyProps = {}) => {
    const stack = testStack();
    const secretKey = new SecretKey(stack, 'SecretKey', props);
    return { stack, secretKey, template: templateOf(stack) };
  };

  test('comes with the key: every 90 days, not at the first deployment', () => {
    const { stack, secretKey, template } = made();
    template.hasResourceProperties('AWS::SecretsManager::RotationSchedule', {
      SecretId: stack.resolve(secretKey.secret.secretArn),
      RotationLambdaARN: stack.resolve(secretKey.rotationFunction?.functionArn),
      RotateImmediatelyOnUpdate: false,
      RotationRules: { ScheduleExpression: 'rate(90 days)', Duration: '3h' },
    });
  });

  test('knows how long sessions live: two weeks, as in Django, or what is said', () => {
    const days = 24 * 3600;
    for (const [props, age, period] of [
      [{}, 14, 90],
      [{ sessionCookieAge: Duration.days(30), rotationPeriod: Duration.days(7) }, 30, 7],
    ] as const) {
      const { template } = made(props);
      template.hasResourceProperties('AWS::Lambda::Function', {
        Environment: { Variables: { SESSION_COOKIE_AGE: `${age * days}`, ROTATION_PERIOD: `${period * days}` } },
        Timeout: 30,
        Runtime: 'nodejs24.x',
        VpcConfig: Match.absent(),
        ReservedConcurrentExecutions: Match.absent(),
        DeadLetterConfig: Match.absent(),
      });
    }
  });

  test('may do to this secret what it must, and nothing to another', () => {
    const stack = testStack();
    const encryptionKey = new Key(stack, 'Key');
    const { secret } = new SecretKey(stack, 'SecretKey', { encryptionKey });
    const { resource } = only(templateOf(stack), 'AWS::IAM::ManagedPolicy');
    expect(resource.Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({ Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] }),
      {
        Effect: 'Allow',
        Action: [
          'secretsmanager:DescribeSecret',
          'secretsmanager:GetSecretValue',
          'secretsmanager:PutSecretValue',
          'secretsmanager:UpdateSecretVersionStage',
        ],
        Resource: stack.resolve(secret.secretArn),
      },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: stack.resolve(encryptionKey.keyArn),
        Condition: {
          StringEquals: {
            'kms:ViaService': stack.resolve(
              ['com', 'com.cn'].map((end) => `secretsmanager.${stack.region}.amazonaws.${end}`),
            ),
          },
        },
      },
    ]);
  });

  test('lets Secrets Manager in for this secret only, before the schedule is made', () => {
    const { stack, secretKey, template } = made();
    const permission = only(template, 'AWS::Lambda::Permission');
    expect(permission.resource.Properties).toMatchObject({
      Principal: 'secretsmanager.amazonaws.com',
      SourceArn: stack.resolve(secretKey.secret.secretArn),
      SourceAccount: { Ref: 'AWS::AccountId' },
    });
    const { DependsOn } = only(template, 'AWS::SecretsManager::RotationSchedule').resource;
    expect(DependsOn).toContain(permission.id);
  });

  test('writes an encrypted log that is kept as long as others, tells a topic what got lost, and reserves what is said', () => {
    const stack = testStack();
    const encryptionKey = new Key(stack, 'Key');
    const deadLetterTopic = new Topic(stack, 'Topic', { masterKey: encryptionKey });
    new SecretKey(stack, 'SecretKey', { encryptionKey, deadLetterTopic, handlerReservedConcurrency: 1 });
    const template = templateOf(stack);
    template.hasResource('AWS::Logs::LogGroup', {
      Properties: { RetentionInDays: 365, KmsKeyId: stack.resolve(encryptionKey.keyArn) },
      DeletionPolicy: 'RetainExceptOnCreate',
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      DeadLetterConfig: { TargetArn: stack.resolve(deadLetterTopic.topicArn) },
      ReservedConcurrentExecutions: 1,
    });
    template.hasResourceProperties('AWS::IAM::ManagedPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          { Effect: 'Allow', Action: 'sns:Publish', Resource: stack.resolve(deadLetterTopic.topicArn) },
        ]),
      },
    });
    template.resourceCountIs('AWS::IAM::Policy', 0);
  });

  test('can be watched', () => {
    const { stack, secretKey } = made();
    expect(stack.resolve(secretKey.metricRotationErrors({ period: Duration.minutes(1) }))).toMatchObject({
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      dimensions: { FunctionName: stack.resolve(secretKey.rotationFunction?.functionName) },
    });
  });

  test.each<[number, number, Duration | undefined, object]>([
    [1, 22, Duration.hours(2), { ScheduleExpression: 'cron(0 22 * * ? *)', Duration: '2h' }],
    [7, 4, undefined, { ScheduleExpression: 'cron(0 4 ? * SUN *)', Duration: '1h' }],
    [30, 4, undefined, { ScheduleExpression: 'cron(0 4 1 * ? *)', Duration: '1h' }],
    [90, 23, Duration.minutes(60), { ScheduleExpression: 'cron(0 23 1 1/3 ? *)', Duration: '1h' }],
    [180, 9, Duration.hours(15), { ScheduleExpression: 'cron(0 9 1 1/6 ? *)', Duration: '15h' }],
    [360, 4, undefined, { ScheduleExpression: 'cron(0 4 1 1 ? *)', Duration: '1h' }],
    [45, 0, Duration.hours(6), { ScheduleExpression: 'rate(45 days)', Duration: '6h' }],
    [1, 0, undefined, { ScheduleExpression: 'rate(1 day)', Duration: '1h' }],
  ])('every %d days, in a window from %d:00 UTC on', (days, hour, duration, rules) => {
    const { template } = made({
      rotationPeriod: Duration.days(days),
      sessionCookieAge: Duration.days(1),
      rotationWindow: { hour, duration },
    });
    template.hasResourceProperties('AWS::SecretsManager::RotationSchedule', { RotationRules: rules });
  });

  test('can be turned off, and leaves the secret alone', () => {
    const { secretKey, template } = made({ rotate: false });
    expect(Object.values(template.toJSON().Resources)).toHaveLength(1);
    expect([secretKey.rotationFunction, secretKey.metricRotationErrors()]).toEqual([undefined, undefined]);
  });

  test('fails when old keys would be forgotten before sessions end, and says how many it would take', () => {
    const stack = testStack();
    const rotationPeriod = Duration.days(1);
    expect(
      errorOf(() => new SecretKey(stack, 'SecretKey', { rotationPeriod, sessionCookieAge: Duration.days(30) })),
    ).toBe(
      'Shop/SecretKey: `rotationPeriod` must be long enough that 20 old keys cover `sessionCookieAge`, got 1 day. ' +
        'It would take 31 keys, and Django tries them all for each stale signature: rotate less often, or shorten sessions.',
    );
    new SecretKey(stack, 'Shorter', { rotationPeriod, sessionCookieAge: Duration.days(19) });
  });
});
