import type { Stack } from 'aws-cdk-lib';
import { type ISecurityGroup, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Profile } from '../../constructs/core/profile';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { Egress } from '../../constructs/processes/egress';
import type { ProcessProps } from '../../constructs/processes/process-props';
import { ReleaseCommand } from '../../constructs/processes/release-command';
import { Match, templateOf, testStack } from '../support';
import { processProps } from './support';

function release(stack: Stack, props: Partial<ProcessProps> = {}) {
  return new ReleaseCommand(stack, 'Release', { ...processProps(stack), ...props });
}

/** The rules that stand in the group itself. */
function waysOut(stack: Stack, group: ISecurityGroup): unknown[] {
  const id = stack.resolve(group.securityGroupId)['Fn::GetAtt'][0];
  return templateOf(stack).toJSON().Resources[id].Properties.SecurityGroupEgress;
}

test('a process may speak HTTPS to anywhere, and nothing else', () => {
  const stack = testStack();
  const { securityGroup } = release(stack);
  expect(waysOut(stack, securityGroup)).toEqual([
    expect.objectContaining({ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }),
  ]);
  templateOf(stack).resourceCountIs('AWS::EC2::SecurityGroupEgress', 0);
});

test('the database that it is given is one more way, to its group and port alone', () => {
  const stack = testStack();
  const props = processProps(stack);
  const database = new PostgresDatabase(stack, 'Database', {
    vpc: props.cluster.vpc,
    profile: Profile.development(),
    port: 6432,
  });
  const { securityGroup } = new ReleaseCommand(stack, 'Release', { ...props, database });
  templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
    GroupId: stack.resolve(securityGroup.securityGroupId),
    DestinationSecurityGroupId: stack.resolve(database.connections.securityGroups[0].securityGroupId),
    IpProtocol: 'tcp',
    FromPort: 6432,
    ToPort: 6432,
  });
});

test('the list of the user replaces the default', () => {
  const stack = testStack();
  const { securityGroup } = release(stack, {
    egress: [
      Egress.https(Peer.prefixList('pl-12345678')),
      Egress.tcp(587, 'SMTP', Peer.ipv4('203.0.113.0/24')),
      Egress.to(Peer.ipv4('10.0.0.53/32'), Port.udp(53), 'DNS of the company'),
    ],
  });
  expect(waysOut(stack, securityGroup)).toEqual([
    expect.objectContaining({ CidrIp: '203.0.113.0/24', IpProtocol: 'tcp', FromPort: 587, Description: 'SMTP' }),
    expect.objectContaining({ CidrIp: '10.0.0.53/32', IpProtocol: 'udp', FromPort: 53 }),
  ]);
  templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
    DestinationPrefixListId: 'pl-12345678',
    FromPort: 443,
    ToPort: 443,
  });
});

test('a range of ports that holds 443 is HTTPS too', () => {
  const stack = testStack();
  release(stack, { egress: [Egress.to(Peer.anyIpv4(), Port.tcpRange(440, 450), 'A range')] });
  templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroup', {
    SecurityGroupEgress: Match.arrayWith([Match.objectLike({ FromPort: 440, ToPort: 450 })]),
  });
});

test('a group that is brought keeps the ways that its owner opened, and gets the one to the database', () => {
  const stack = testStack();
  const props = processProps(stack);
  const { vpc } = props.cluster;
  const database = new PostgresDatabase(stack, 'Database', { vpc, profile: Profile.development() });
  const closed = new SecurityGroup(stack, 'Closed', { vpc, allowAllOutbound: false });
  closed.addEgressRule(Peer.ipv4('10.1.0.0/16'), Port.tcp(443), 'Endpoints');
  new ReleaseCommand(stack, 'Release', { ...props, database, securityGroup: closed });
  expect(waysOut(stack, closed)).toEqual([expect.objectContaining({ CidrIp: '10.1.0.0/16' })]);
  templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
    GroupId: stack.resolve(closed.securityGroupId),
    ToPort: Number(database.connections.defaultPort?.toString()),
  });
});
