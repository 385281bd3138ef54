import { AccountPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { allowLogGroups, allowSenders, grantKeyVia, grantSecretRead } from '../../constructs/core/key-policy';
import { Annotations, Match, only, templateOf, testStack } from '../support';

/** The statements of a key for log groups, and of a role that uses the key through Secrets Manager. */
function statementsIn(region?: string) {
  const stack = testStack({ env: { account: '111122223333', region } });
  const key = new Key(stack, 'Key');
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  allowLogGroups(stack, key);
  grantKeyVia({ service: 'secretsmanager', region: stack.region, key }, role, 'kms:Decrypt');
  const template = templateOf(stack);
  const logs = only(template, 'AWS::KMS::Key').resource.Properties.KeyPolicy.Statement[1];
  const [via] = only(template, 'AWS::IAM::Policy').resource.Properties.PolicyDocument.Statement;
  return {
    principal: logs.Principal.Service,
    context: JSON.stringify(logs.Condition.ArnLike),
    via: via.Condition.StringEquals['kms:ViaService'],
    region: stack.resolve(stack.region),
  };
}

describe.each([
  ['aws', 'mx-central-1', 'amazonaws.com'],
  ['aws-us-gov', 'us-gov-west-1', 'amazonaws.com'],
])('in the partition %s', (_, region, suffix) => {
  test('names of services end alike', () => {
    const { principal, via } = statementsIn(region);
    expect(principal).toBe(`logs.${region}.${suffix}`);
    expect(via).toBe(`secretsmanager.${region}.${suffix}`);
  });
});

test('in China the principal of CloudWatch Logs has the suffix of the partition, and both names may call KMS', () => {
  const { principal, context, via } = statementsIn('cn-north-1');
  expect(principal).toBe('logs.cn-north-1.amazonaws.com.cn');
  expect(context).toContain('{"Ref":"AWS::Partition"},":logs:cn-north-1:111122223333:*"');
  expect(via).toEqual(['secretsmanager.cn-north-1.amazonaws.com', 'secretsmanager.cn-north-1.amazonaws.com.cn']);
});

test('where only the deployment knows the region, CloudFormation fills in the suffix, and both names may call', () => {
  const { principal, via, region } = statementsIn();
  expect(principal).toEqual({ 'Fn::Join': ['', ['logs.', region, '.', { Ref: 'AWS::URLSuffix' }]] });
  expect(via).toEqual(
    ['.amazonaws.com', '.amazonaws.com.cn'].map((end) => ({ 'Fn::Join': ['', ['secretsmanager.', region, end]] })),
  );
});

test('a region that the CDK does not know yet is one of the partition that most are in', () => {
  expect(statementsIn('eu-west-9')).toMatchObject({
    principal: 'logs.eu-west-9.amazonaws.com',
    via: 'secretsmanager.eu-west-9.amazonaws.com',
  });
});

describe('who reads a secret', () => {
  function secretIn() {
    const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
    const encryptionKey = new Key(stack, 'Key');
    return { stack, secret: new Secret(stack, 'Secret', { encryptionKey }) };
  }

  test('in the same account does it by a policy of its own, so that the key is made before its readers', () => {
    const { stack, secret } = secretIn();
    const before = JSON.stringify(only(templateOf(secretIn().stack), 'AWS::KMS::Key').resource);
    grantSecretRead(secret, new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }));
    const template = templateOf(stack);
    expect(JSON.stringify(only(template, 'AWS::KMS::Key').resource)).toBe(before);
    template.resourceCountIs('AWS::SecretsManager::ResourcePolicy', 0);
    const actions = only(template, 'AWS::IAM::Policy').resource.Properties.PolicyDocument.Statement.map(
      ({ Action }: { Action: unknown }) => Action,
    );
    expect(actions).toEqual([['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'], 'kms:Decrypt']);
  });

  test('in another account is named by the policies of secret and key, without which it could not', () => {
    const { stack, secret } = secretIn();
    grantSecretRead(secret, new AccountPrincipal('444455556666'));
    const template = templateOf(stack);
    const { resource } = only(template, 'AWS::SecretsManager::ResourcePolicy');
    expect(JSON.stringify(resource.Properties.ResourcePolicy)).toContain('444455556666');
    expect(JSON.stringify(only(template, 'AWS::KMS::Key').resource)).toContain('444455556666');
  });

  test('without a key of its own needs none', () => {
    const stack = testStack();
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    grantSecretRead(Secret.fromSecretNameV2(stack, 'Secret', 'shop'), role);
    const { Statement } = only(templateOf(stack), 'AWS::IAM::Policy').resource.Properties.PolicyDocument;
    expect(Statement).toHaveLength(1);
    expect(JSON.stringify(Statement[0].Resource)).toContain(':secret:shop-??????');
  });
});

test('an imported key is warned of by what its policy lacks, also for a service whose silence is not described', () => {
  const stack = testStack();
  const key = Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1');
  allowSenders(key, 's3.amazonaws.com');
  Annotations.fromStack(stack).hasWarning(
    '/Shop/Key',
    Match.stringLikeRegexp('must let s3.amazonaws.com use it, or nothing of it arrives'),
  );
});
