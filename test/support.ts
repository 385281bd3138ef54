import { App, type AppProps, Stack, type StackProps } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** A stack without account and region, unless they are given. */
export function testStack(props: StackProps = {}, app: AppProps = {}): Stack {
  return new Stack(new App({ treeMetadata: false, ...app }), 'Shop', props);
}

/** A plain VPC with public, private (NAT) and isolated subnets, for constructs that are given one. */
export function testVpc(scope: Construct): Vpc {
  return new Vpc(scope, 'Vpc', { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false });
}

/** Everything CloudFormation would be sent. */
export function templateOf(stack: Stack): Template {
  return Template.fromStack(stack);
}

/** The message of the error that a function throws; fails the test when it throws none. */
export function errorOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('expected an error, and none was thrown');
}

/** The only resource of a type: its logical id and body. Fails when there are none or several. */
export function only(
  template: Template,
  type: string,
): { id: string; resource: ReturnType<Template['findResources']>[string] } {
  const found = Object.entries(template.findResources(type));
  if (found.length !== 1) {
    throw new Error(`expected one ${type}, found ${found.length}`);
  }
  return { id: found[0][0], resource: found[0][1] };
}

export { Annotations, Match, Template };

/** The managed policies that a role of the stack has, each by its statements. */
export function policiesOf(stack: Stack, role: IRole) {
  const name = JSON.stringify(stack.resolve(role.roleName));
  return Object.values(templateOf(stack).findResources('AWS::IAM::ManagedPolicy'))
    .filter(({ Properties }) => (Properties.Roles ?? []).some((each: object) => JSON.stringify(each) === name))
    .map(({ Properties }) => Properties.PolicyDocument.Statement);
}
