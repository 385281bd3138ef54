import {
  App,
  CliCredentialsStackSynthesizer,
  DefaultStackSynthesizer,
  type IStackSynthesizer,
  Stack,
} from 'aws-cdk-lib';
import { vaultPolicy } from '../../constructs/backup/private/vault-policy';

const env = { account: '111122223333', region: 'eu-central-1' };
const BOOTSTRAPPED = 'arn:aws:iam::111122223333:role/cdk-*-cfn-exec-role-111122223333-eu-central-1';

/** Principals that may change the policy of the vault and its lock, as text. */
function exempt(synthesizer?: IStackSynthesizer, props: { env?: typeof env } = { env }) {
  const stack = new Stack(new App(), 'Shop', { synthesizer, ...props });
  const [, statement] = stack.resolve(vaultPolicy(stack)).Statement;
  return JSON.stringify(statement.Condition.ArnNotLike['aws:PrincipalArn']);
}

test('CloudFormation can change the vault with the role of any bootstrap, and the root user can', () => {
  expect(exempt()).toContain(':iam::111122223333:root');
  expect(exempt()).toContain(BOOTSTRAPPED.slice('arn:aws'.length));
  expect(exempt()).toBe(exempt(new DefaultStackSynthesizer({ qualifier: 'team' })));
});

test('so it can with a role of the company, for the stack that deploys with it', () => {
  const role = 'arn:aws:iam::111122223333:role/company/deploy';
  expect(exempt(new DefaultStackSynthesizer({ cloudFormationExecutionRole: role }))).toContain(role);
  const written = `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/deploy`;
  expect(exempt(new DefaultStackSynthesizer({ cloudFormationExecutionRole: written }))).toContain('"Fn::Sub":"arn:');
});

test('without account and region, and with the rights of who deploys, the pattern stays', () => {
  expect(exempt(undefined, {})).toContain(':role/cdk-*-cfn-exec-role-');
  expect(exempt(new CliCredentialsStackSynthesizer())).toContain(':role/cdk-*-cfn-exec-role-');
});

test('a deployment with the rights of who deploys is called via CloudFormation; a person at the console is not', () => {
  const stack = new Stack(new App(), 'Shop', { env });
  const [keep, change] = stack.resolve(vaultPolicy(stack)).Statement;
  expect(keep.Condition).toBeUndefined();
  // With ForAllValues a request that was called via nothing matches, and is denied.
  expect(change.Condition['ForAllValues:StringNotEquals']).toEqual({
    'aws:CalledVia': ['cloudformation.amazonaws.com'],
  });
});
