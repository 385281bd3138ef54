import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { allowLogGroups, grantKeyVia } from '../../constructs/core/key-policy';
import { only, templateOf, testStack } from '../support';

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
