import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Distribution, KeyGroup } from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CONTRACT } from '../../constructs/core/contract';
import { Profile } from '../../constructs/core/profile';
import { WorkerService } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { UrlSigningKeys, type UrlSigningKeysProps } from '../../constructs/storage/url-signing-keys';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { Match, only, templateOf, testStack, testVpc } from '../support';
import { Graph } from '../wiring/graph';
import { unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';
import { PROCESSES, told, wholeApplication } from '../wiring/whole-application';

const RESOURCE = 'Custom::UrlSigningKeys';
const VARIABLES = ['AWS_CLOUDFRONT_KEY', 'AWS_CLOUDFRONT_KEY_ID'];

function bare(): { readonly stack: Stack; readonly keys: UrlSigningKeys } {
  const stack = testStack();
  return { stack, keys: new UrlSigningKeys(stack, 'Keys') };
}

function made(props: UrlSigningKeysProps = {}, stack: Stack = testStack()) {
  const keys = new UrlSigningKeys(stack, 'Keys', props);
  return { stack, keys, template: templateOf(stack) };
}

describe('keys without anything chosen', () => {
  const { stack, keys, template } = made();
  const secret = only(template, 'AWS::SecretsManager::Secret');
  const resource = only(template, RESOURCE);
  const handler = only(template, 'AWS::Lambda::Function');

  test('have a secret that is empty until the function stores a key, and that production keeps', () => {
    expect(secret.resource.Properties).toEqual({ Description: 'Private key that signs URLs of CloudFront' });
    expect(secret.resource.DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  test('leave group and public keys to the function: CloudFormation has no list of them to reset', () => {
    expect(Object.keys(resource.resource.Properties).sort()).toEqual([
      'LongestLifetime',
      'SecretArn',
      'ServiceTimeout',
      'ServiceToken',
    ]);
    template.resourceCountIs('AWS::CloudFront::KeyGroup', 0);
    template.resourceCountIs('AWS::CloudFront::PublicKey', 0);
    expect(stack.resolve(keys.keyGroup.keyGroupId)).toEqual({ 'Fn::GetAtt': [resource.id, 'KeyGroupId'] });
  });

  test('name the group after their place, and after the stack, whose id no other has', () => {
    const { KEY_GROUP_NAME } = handler.resource.Properties.Environment.Variables;
    const [, parts] = KEY_GROUP_NAME['Fn::Join'];
    expect(parts[0]).toMatch(/^Shop-Keys-[0-9A-F]{8}-$/);
    expect(JSON.stringify(parts[1])).toContain('AWS::StackId');
  });

  test('rotate every 90 days, for the first time when there is a key, and sign for an hour', () => {
    const { resource: schedule } = only(template, 'AWS::SecretsManager::RotationSchedule');
    expect(schedule.Properties.RotationRules).toEqual({ Duration: '3h', ScheduleExpression: 'rate(90 days)' });
    expect(schedule.Properties.RotateImmediatelyOnUpdate).toBe(false);
    expect(schedule.DependsOn).toContain(resource.id);
    expect(handler.resource.Properties).toMatchObject({
      Timeout: 900,
      Environment: { Variables: { LONGEST_LIFETIME: '3600', SECRET_ARN: { Ref: secret.id } } },
    });
  });

  test('wait for the answer of the function, which waits for CloudFront', () => {
    expect(resource.resource.Properties.ServiceTimeout).toBe(`${900 + 60}`);
  });

  test('let keys of before leave half a day after the hour of rotations', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'cron(0 12 * * ? *)',
      Targets: [Match.objectLike({ Input: '{"retire":true}' })],
    });
  });

  test('let the function do nine things at CloudFront, and read and store this secret', () => {
    const statements = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    const atCloudFront = statements.filter(({ Action }) => `${Action}`.includes('cloudfront:'));
    expect(atCloudFront).toHaveLength(1);
    expect(atCloudFront[0].Action).toHaveLength(9);
    expect(
      atCloudFront[0].Action.filter((name: string) => !/^cloudfront:\w+(KeyGroups?|PublicKeys?)$/.test(name)),
    ).toEqual([]);
    const secrets = statements.filter(({ Action }) => `${Action}`.includes('secretsmanager:'));
    expect(secrets.map(({ Resource }) => Resource)).toEqual([{ Ref: secret.id }]);
  });

  test('may do so before the function is called', () => {
    expect([...unmet(new Graph(template.toJSON().Resources))]).toEqual([]);
    const policies = Object.entries(template.findResources('AWS::IAM::ManagedPolicy'));
    const ids = policies.map(([id]) => id);
    expect(handler.resource.DependsOn).toEqual(expect.arrayContaining(ids));
    expect(resource.resource.DependsOn).toContain(handler.id);
  });
});

test('every prop arrives', () => {
  const stack = testStack();
  const encryptionKey = new Key(stack, 'Key');
  const { template } = made(
    {
      longestLifetime: Duration.days(2),
      rotationPeriod: Duration.days(30),
      rotationWindow: { hour: 4 },
      profile: Profile.development(),
      removalPolicy: RemovalPolicy.RETAIN,
      encryptionKey,
      handlerReservedConcurrency: 2,
    },
    stack,
  );
  const secret = only(template, 'AWS::SecretsManager::Secret').resource;
  expect(secret.Properties.KmsKeyId).toEqual(stack.resolve(encryptionKey.keyArn));
  expect(secret.DeletionPolicy).toBe('Retain');
  const { Properties } = only(template, 'AWS::Lambda::Function').resource;
  expect(Properties.Environment.Variables.LONGEST_LIFETIME).toBe(`${2 * 24 * 3600}`);
  expect(Properties.ReservedConcurrentExecutions).toBe(2);
  const { RotationRules } = only(template, 'AWS::SecretsManager::RotationSchedule').resource.Properties;
  expect(RotationRules.ScheduleExpression).toBe('cron(0 4 1 * ? *)');
  template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'cron(0 16 * * ? *)' });
  const graph = new Graph(template.toJSON().Resources);
  expect([...unmet(graph), ...refused(graph), ...refusedRoles(graph), ...unkeyed(graph)]).toEqual([]);
});

test('a distribution that trusts the group is made after it, and so deleted before it', () => {
  const { stack, keys } = bare();
  new Distribution(stack, 'Files', {
    defaultBehavior: {
      origin: S3BucketOrigin.withOriginAccessControl(new Bucket(stack, 'Media')),
      trustedKeyGroups: [keys.keyGroup],
    },
  });
  const { DistributionConfig } = only(templateOf(stack), 'AWS::CloudFront::Distribution').resource.Properties;
  expect(DistributionConfig.DefaultCacheBehavior.TrustedKeyGroups).toEqual([
    { 'Fn::GetAtt': [only(templateOf(stack), RESOURCE).id, 'KeyGroupId'] },
  ]);
});

test('whoever is granted to sign may read the secret, and nothing else', () => {
  const { stack, keys } = bare();
  keys.grantSign(new ManagedPolicy(stack, 'Signer', { description: 'signer' }));
  templateOf(stack).hasResourceProperties('AWS::IAM::ManagedPolicy', {
    Description: 'signer',
    PolicyDocument: {
      Statement: [
        Match.objectLike({
          Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
          Resource: stack.resolve(keys.secret.secretArn),
        }),
      ],
    },
  });
});

describe('a process that is given them', () => {
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
  const urlSigningKeys = new UrlSigningKeys(stack, 'Keys', { encryptionKey: new Key(stack, 'Key') });
  const worker = new WorkerService(stack, 'Worker', {
    cluster: new Cluster(stack, 'Cluster', { vpc: testVpc(stack) }),
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    broker: new CeleryBroker(stack, 'Broker'),
    urlSigningKeys,
  });
  const template = templateOf(stack);

  test('gets key and id from the secret, in the words of the contract', () => {
    const { id } = only(template, 'AWS::SecretsManager::Secret');
    const [container] = only(template, 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions;
    expect(container.Secrets).toEqual([
      { Name: 'AWS_CLOUDFRONT_KEY', ValueFrom: { 'Fn::Join': ['', [{ Ref: id }, ':key::']] } },
      { Name: 'AWS_CLOUDFRONT_KEY_ID', ValueFrom: { 'Fn::Join': ['', [{ Ref: id }, ':keyId::']] } },
    ]);
    expect(Object.keys(CONTRACT)).toEqual(expect.arrayContaining(Object.keys(urlSigningKeys.containerSecrets)));
  });

  test('starts when there is a key, is replaced when it changes, and may use the key of the secret', () => {
    expect(only(template, 'AWS::ECS::Service').resource.DependsOn).toContain(only(template, RESOURCE).id);
    expect(worker.changingSecrets).toEqual([urlSigningKeys.secret]);
    expect(unkeyed(new Graph(template.toJSON().Resources))).toEqual([]);
  });

  test('may not be given another key', () => {
    const other = testStack();
    const given = {
      cluster: new Cluster(other, 'Cluster', { vpc: testVpc(other) }),
      image: ContainerImage.fromRegistry('shop:1'),
      settingsModule: 'config.settings',
      broker: new CeleryBroker(other, 'Broker'),
      urlSigningKeys: new UrlSigningKeys(other, 'Keys'),
      environment: { AWS_CLOUDFRONT_KEY: 'x' },
    };
    expect(() => new WorkerService(other, 'Worker', given)).toThrow(
      'Shop/Worker: `environment.AWS_CLOUDFRONT_KEY` must not be named like a variable that the process gets',
    );
  });
});

describe('an application that is given them', () => {
  const stack = testStack();
  const urlSigningKeys = new UrlSigningKeys(stack, 'Keys', { profile: Profile.development() });
  const { alarms, web, beat } = wholeApplication(stack, { urlSigningKeys });

  test('hands them to every process that makes addresses, and not to releases and beat', () => {
    const found = Object.entries(told(stack, VARIABLES)).filter(([, variables]) => Object.keys(variables).length === 2);
    expect(found.map(([process]) => process).sort()).toEqual(
      PROCESSES.filter((process) => !['beat', 'release'].includes(process)),
    );
    expect(web?.changingSecrets).toContain(urlSigningKeys.secret);
    expect(beat?.changingSecrets).not.toContain(urlSigningKeys.secret);
  });

  test('watches their rotation', () => {
    const rotations = alarms.alarms
      .filter(({ node }) => node.id === 'RotationErrors')
      .map((alarm) => stack.resolve(alarm.node.path));
    const others = wholeApplication(testStack()).alarms.alarms.filter(({ node }) => node.id === 'RotationErrors');
    expect(rotations).toHaveLength(others.length + 1);
  });
});

describe('keys that exist', () => {
  const bring = (stack: Stack, secret = Secret.fromSecretCompleteArn(stack, 'Secret', ARN)) =>
    UrlSigningKeys.fromUrlSigningKeysAttributes(stack, 'Company', {
      keyGroup: KeyGroup.fromKeyGroupId(stack, 'Group', 'group-1'),
      secret,
    });
  const ARN = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:company/signing-AbCdEf';

  test('are used as they are', () => {
    const stack = testStack();
    const keys = bring(stack);
    expect(keys.keyGroup.keyGroupId).toBe('group-1');
    expect(keys.changingSecrets).toEqual([keys.secret]);
    expect(keys.rotationFunction).toBeUndefined();
    wholeApplication(stack, { urlSigningKeys: keys });
    expect(told(stack, VARIABLES).web).toEqual({
      AWS_CLOUDFRONT_KEY: `${ARN}:key::`,
      AWS_CLOUDFRONT_KEY_ID: `${ARN}:keyId::`,
    });
    templateOf(stack).resourceCountIs(RESOURCE, 0);
  });

  test('have no change that anybody could notice, if the secret is known by name only', () => {
    const stack = testStack();
    expect(bring(stack, Secret.fromSecretNameV2(stack, 'ByName', 'company')).changingSecrets).toEqual([]);
  });
});

describe('keys in a stack of their own', () => {
  const packs = complianceOf((props) => {
    const app = new App(props);
    const stack = new Stack(app, 'Shop', { env: { account: '111122223333', region: 'eu-central-1' } });
    new UrlSigningKeys(stack, 'Keys', { encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) });
    return app;
  });

  test.each(packs)('have no finding of $pack that is not acknowledged', ({ findings }) => {
    expect(findings).toEqual([]);
  });

  test('acknowledge what every function has, and that IAM has no resources for keys of CloudFront', () => {
    const pairs = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements));
    expect(pairs.filter((pair) => !pair.includes('/Rotation/Handler/'))).toEqual([
      'IAM5 Shop/Keys/Role/KeyGroups/Resource',
    ]);
  });
});
