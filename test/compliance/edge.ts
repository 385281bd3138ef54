import { type Control, first, routed, set, unless } from '../controls/control';
import { NO_SECRETS_IN_THE_CLEAR } from '../controls/services';
import type { Protection } from './protection';

const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';

/** Where the internet comes in, and containers. */
export const EDGE: Protection[] = [
  {
    rules: ['EC23'],
    sentence: 'one security group is open, that of the load balancer, on 80 and 443; unknown hosts get 404 from it',
    offenders: (template) => {
      const balancers = template
        .ofType(BALANCER)
        .flatMap((id) => template.mentions(template.properties(id).SecurityGroups));
      return [
        ...unless(template, 'AWS::EC2::SecurityGroup', ({ SecurityGroupIngress = [] }, id) =>
          SecurityGroupIngress.every(
            ({ FromPort, ToPort }: { FromPort: number; ToPort: number }) =>
              balancers.includes(id) && [80, 443].includes(FromPort) && FromPort === ToPort,
          ),
        ),
        ...unless(template, 'AWS::EC2::SecurityGroupIngress', ({ CidrIp, CidrIpv6, SourceSecurityGroupId }) => {
          return (
            CidrIp === undefined && CidrIpv6 === undefined && template.mentions(SourceSecurityGroupId).length === 1
          );
        }),
        ...template
          .ofType(LISTENER)
          .filter((id) => template.properties(id).Protocol === 'HTTPS')
          .filter((id) => template.properties(id).DefaultActions[0].FixedResponseConfig?.StatusCode !== '404'),
      ];
    },
    mutants: {
      'another port': (resources) => {
        const [group] = Object.values(resources).filter(({ Properties }) => Properties?.SecurityGroupIngress);
        group.Properties.SecurityGroupIngress.push({ CidrIp: '0.0.0.0/0', FromPort: 22, ToPort: 22 });
      },
      'a whole range': (resources) => {
        const [group] = Object.values(resources).filter(({ Properties }) => Properties?.SecurityGroupIngress);
        group.Properties.SecurityGroupIngress[0].ToPort = 65535;
      },
      'another group': set('AWS::EC2::SecurityGroupIngress', 'CidrIp', '0.0.0.0/0'),
      'unknown hosts that are served': set(LISTENER, 'DefaultActions.0', { Type: 'forward' }),
    },
  },
  { ...NO_SECRETS_IN_THE_CLEAR, rules: ['ECS2'] },
  {
    rules: ['ELBv2ACMCertificateRequired'],
    sentence: 'HTTP answers with a redirect to HTTPS and nothing else, and no rule hangs on its listener',
    offenders: (template) => {
      const plain = template.ofType(LISTENER).filter((id) => template.properties(id).Protocol !== 'HTTPS');
      return plain.filter((id) => {
        const { DefaultActions } = template.properties(id);
        const ruled = template
          .ofType('AWS::ElasticLoadBalancingV2::ListenerRule')
          .some((rule) => template.mentions(template.properties(rule).ListenerArn).includes(id));
        return ruled || DefaultActions.length !== 1 || DefaultActions[0].RedirectConfig?.Protocol !== 'HTTPS';
      });
    },
    mutants: {
      'HTTP that is served': (resources) => {
        httpListener(resources).DefaultActions = [{ Type: 'forward' }];
      },
      'a redirect to HTTP': (resources) => {
        httpListener(resources).DefaultActions[0].RedirectConfig.Protocol = 'HTTP';
      },
      'a rule for HTTP': (resources) => {
        const [id] = Object.keys(resources).filter((each) => resources[each].Properties === httpListener(resources));
        first(resources, 'AWS::ElasticLoadBalancingV2::ListenerRule').Properties.ListenerArn = { Ref: id };
      },
    },
  },
  {
    rules: ['VPCNoUnrestrictedRouteToIGW'],
    sentence: 'what has a route to the internet gateway is the load balancer and NAT, and gets no address by itself',
    offenders: (template) => {
      const open = routed(template, 'GatewayId');
      const users = Object.keys(template.resources).filter((id) => {
        const isUse = !['AWS::EC2::SubnetRouteTableAssociation', 'AWS::EC2::NatGateway', BALANCER].includes(
          template.resources[id].Type,
        );
        return isUse && template.mentions(template.properties(id)).some((each) => open.includes(each));
      });
      return [
        ...(open.length === 0 ? ['no public subnet'] : users),
        ...open.filter((subnet) => template.properties(subnet).MapPublicIpOnLaunch !== false),
      ];
    },
    mutants: {
      'tasks in public subnets': (resources) => {
        first(resources, 'AWS::ECS::Service').Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets = first(
          resources,
          BALANCER,
        ).Properties.Subnets;
      },
      'a database in public subnets': (resources) => {
        first(resources, 'AWS::RDS::DBSubnetGroup').Properties.SubnetIds = first(
          resources,
          BALANCER,
        ).Properties.Subnets;
      },
      'public addresses for everything': set('AWS::EC2::Subnet', 'MapPublicIpOnLaunch', true),
    },
  },
];

function httpListener(resources: Parameters<Control['mutants'][string]>[0]) {
  const found = Object.values(resources).find(
    ({ Type, Properties }) => Type === LISTENER && Properties.Protocol === 'HTTP',
  );
  return found?.Properties;
}
