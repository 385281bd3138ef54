import { RemovalPolicy } from 'aws-cdk-lib';
import { InterfaceVpcEndpointAwsService, IpAddresses } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Profile } from '../../constructs/core/profile';
import { Network, type NetworkProps } from '../../constructs/network/network';
import { errorOf, Match, only, templateOf, testStack } from '../support';

const development = Profile.development();

function cidrs(network: Network) {
  const { publicSubnets, privateSubnets, isolatedSubnets } = network.vpc;
  return [...publicSubnets, ...privateSubnets, ...isolatedSubnets].map((subnet) => subnet.ipv4CidrBlock);
}

describe('in production, with nothing given', () => {
  const stack = testStack();
  const network = new Network(stack, 'Network');
  const template = templateOf(stack);

  test('there are public, private and isolated subnets in two zones', () => {
    expect(network.vpc.publicSubnets).toHaveLength(2);
    expect(network.vpc.privateSubnets).toHaveLength(2);
    expect(network.vpc.isolatedSubnets).toHaveLength(2);
    template.hasResourceProperties('AWS::EC2::VPC', { CidrBlock: '10.0.0.0/16', EnableDnsHostnames: true });
  });

  test('the zones share a NAT gateway', () => {
    const { id } = only(template, 'AWS::EC2::NatGateway');
    const routes = template.findResources('AWS::EC2::Route', { Properties: { NatGatewayId: { Ref: id } } });
    expect(Object.keys(routes)).toHaveLength(2);
  });

  test('nothing gets a public address by itself', () => {
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
  });

  test('the default security group is closed without a feature flag', () => {
    template.hasResourceProperties('Custom::VpcRestrictDefaultSG', {
      DefaultSecurityGroupId: stack.resolve(network.vpc.vpcDefaultSecurityGroup),
    });
  });

  test('S3 is reached through a gateway endpoint from every subnet, isolated ones too', () => {
    const subnets = [...network.vpc.publicSubnets, ...network.vpc.privateSubnets, ...network.vpc.isolatedSubnets];
    const { VpcEndpointType, RouteTableIds } = only(template, 'AWS::EC2::VPCEndpoint').resource.Properties;
    expect(VpcEndpointType).toBe('Gateway');
    expect(RouteTableIds).toHaveLength(6);
    for (const subnet of subnets) {
      expect(RouteTableIds).toContainEqual(stack.resolve(subnet.routeTable.routeTableId));
    }
  });

  test('the endpoint of S3 carries requests within the account, layers of images, and answers to CloudFormation', () => {
    const { PolicyDocument } = only(template, 'AWS::EC2::VPCEndpoint').resource.Properties;
    const [own, layers, answers] = PolicyDocument.Statement;
    expect(own).toMatchObject({
      Principal: '*',
      Action: 's3:*',
      Condition: {
        StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } },
        StringEqualsIfExists: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } },
      },
    });
    expect(layers).toMatchObject({ Action: 's3:GetObject' });
    expect(JSON.stringify(layers.Resource)).toContain('"-starport-layer-bucket/*"');
    expect(answers).toMatchObject({ Action: 's3:PutObject' });
    expect(PolicyDocument.Statement).toHaveLength(3);
  });

  test('there are no interface endpoints', () => {
    expect(network.interfaceEndpoints).toEqual({});
    expect(network.secretsManagerEndpoint).toBeUndefined();
  });

  test('isolated subnets have no way out', () => {
    const isolated = network.vpc.isolatedSubnets.map((subnet) => stack.resolve(subnet.routeTable.routeTableId));
    const routes = Object.values(template.findResources('AWS::EC2::Route'));
    expect(routes).toHaveLength(4);
    for (const route of routes) {
      expect(isolated).not.toContainEqual(route.Properties.RouteTableId);
    }
  });

  test('flow logs of all traffic are kept for a year and retained', () => {
    template.hasResourceProperties('AWS::EC2::FlowLog', {
      TrafficType: 'ALL',
      LogGroupName: stack.resolve(network.flowLogGroup?.logGroupName),
    });
    template.hasResource('AWS::Logs::LogGroup', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: { RetentionInDays: 365, KmsKeyId: Match.absent() },
    });
  });

  test('flow logs wait for the permission to write, which is not an inline policy', () => {
    const { id: policy, resource } = only(template, 'AWS::IAM::ManagedPolicy');
    expect(only(template, 'AWS::EC2::FlowLog').resource.DependsOn).toContain(policy);
    expect(resource.Properties.PolicyDocument.Statement).toEqual([
      {
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
        Effect: 'Allow',
        Resource: stack.resolve(network.flowLogGroup?.logGroupArn),
      },
    ]);
  });

  test('only flow logs of this account may assume their role', () => {
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'vpc-flow-logs.amazonaws.com' },
            Condition: Match.objectLike({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } }),
          }),
        ],
      },
    });
  });
});

describe('in development, with nothing given', () => {
  const stack = testStack();
  const network = new Network(stack, 'Network', { profile: development });
  const template = templateOf(stack);

  test('there is no NAT gateway, and no private subnet that would need one', () => {
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    expect(network.vpc.privateSubnets).toHaveLength(0);
    expect(network.vpc.publicSubnets).toHaveLength(2);
    expect(network.vpc.isolatedSubnets).toHaveLength(2);
  });

  test('Secrets Manager is reached through an endpoint in one isolated subnet', () => {
    expect(network.secretsManagerEndpoint).toBe(network.interfaceEndpoints.secretsmanager);
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      VpcEndpointType: 'Interface',
      PrivateDnsEnabled: true,
      SubnetIds: [stack.resolve(network.vpc.isolatedSubnets[0].subnetId)],
    });
  });

  test('the endpoint accepts HTTPS from inside the VPC only', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [Match.objectLike({ CidrIp: '10.0.0.0/16', FromPort: 443, ToPort: 443 })],
    });
  });

  test('there are no flow logs', () => {
    template.resourceCountIs('AWS::EC2::FlowLog', 0);
    expect(network.flowLogGroup).toBeUndefined();
  });
});

describe('with everything given', () => {
  const stack = testStack();
  const encryptionKey = new Key(stack, 'Key');
  const network = new Network(stack, 'Network', {
    profile: development,
    maxAzs: 3,
    natGateways: 1,
    ipAddresses: IpAddresses.cidr('10.20.0.0/20'),
    interfaceEndpoints: [InterfaceVpcEndpointAwsService.ECR, InterfaceVpcEndpointAwsService.SECRETS_MANAGER],
    flowLogs: true,
    encryptionKey,
    logRetention: RetentionDays.ONE_WEEK,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const template = templateOf(stack);

  test('three zones share one NAT gateway', () => {
    expect(network.vpc.privateSubnets).toHaveLength(3);
    template.resourceCountIs('AWS::EC2::NatGateway', 1);
  });

  test('the given addresses are divided', () => {
    template.hasResourceProperties('AWS::EC2::VPC', { CidrBlock: '10.20.0.0/20' });
    expect(new Set(cidrs(network)).size).toBe(9);
  });

  test('interface endpoints stand in every zone and share a security group', () => {
    expect(Object.keys(network.interfaceEndpoints)).toEqual(['ecr.api', 'secretsmanager']);
    expect(network.secretsManagerEndpoint).toBe(network.interfaceEndpoints.secretsmanager);
    const endpoints = Object.values(
      template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: 'Interface' } }),
    );
    expect(endpoints).toHaveLength(2);
    for (const endpoint of endpoints) {
      expect(endpoint.Properties.SubnetIds).toHaveLength(3);
    }
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
  });

  test('interface endpoints admit this account alone; images may come from another one', () => {
    const conditionOf = (service: string) => {
      const { PolicyDocument } =
        template.toJSON().Resources[stack.resolve(network.interfaceEndpoints[service].vpcEndpointId).Ref].Properties;
      return PolicyDocument.Statement[0].Condition;
    };
    const principal = { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } };
    expect(conditionOf('ecr.api')).toEqual(principal);
    expect(conditionOf('secretsmanager')).toEqual({
      ...principal,
      StringEqualsIfExists: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } },
    });
  });

  test('the flow log group is encrypted with the key, and the key lets it', () => {
    template.hasResource('AWS::Logs::LogGroup', {
      DeletionPolicy: 'Retain',
      Properties: { RetentionInDays: 7, KmsKeyId: stack.resolve(encryptionKey.keyArn) },
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: { Statement: Match.arrayWith([Match.objectLike({ Sid: 'AllowLogGroups' })]) },
    });
  });
});

test('every zone has a NAT gateway of its own where that is asked for', () => {
  const stack = testStack();
  new Network(stack, 'Network', { profile: Profile.production({ natGateways: 2 }) });
  const routes = Object.values(templateOf(stack).findResources('AWS::EC2::Route'));
  const gateways = routes.flatMap(({ Properties }) => Properties.NatGatewayId?.Ref ?? []);
  expect(new Set(gateways).size).toBe(2);
});

test('zones are the same with and without an account', () => {
  const zones = [{}, { env: { account: '111111111111', region: 'eu-west-1' } }].map((props) => {
    const stack = testStack(props);
    const network = new Network(stack, 'Network', { maxAzs: 3 });
    return stack.resolve(network.vpc.publicSubnets.map((subnet) => subnet.availabilityZone));
  });
  expect(zones[0]).toHaveLength(3);
  expect(zones[1]).toEqual(zones[0]);
  expect(zones[0][2]).toEqual({ 'Fn::Select': [2, { 'Fn::GetAZs': '' }] });
});

test('a third zone or NAT gateways can be added without moving a subnet that exists', () => {
  const before = cidrs(new Network(testStack(), 'Network', { maxAzs: 2, natGateways: 0 }));
  const after = cidrs(new Network(testStack(), 'Network', { maxAzs: 3, natGateways: 3 }));
  expect(before).toHaveLength(4);
  expect(after).toEqual(expect.arrayContaining(before));
});

test('the buckets of AWS are named after the region, once with its dashes and once without', () => {
  const stack = testStack({ env: { account: '111111111111', region: 'eu-west-1' } });
  new Network(stack, 'Network');
  const { PolicyDocument } = only(templateOf(stack), 'AWS::EC2::VPCEndpoint').resource.Properties;
  const text = JSON.stringify(PolicyDocument);
  expect(text).toContain(':s3:::prod-eu-west-1-starport-layer-bucket/*');
  expect(text).toContain(':s3:::cloudformation-custom-resource-response-euwest1/*');
});

describe('without NAT gateways where the database has a standby', () => {
  const zonesOf = (props: NetworkProps) => {
    const template = templateOf(networkIn(props));
    const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
    return endpoints.flatMap(({ Properties }) => Properties.SubnetIds ?? []).length;
  };
  const networkIn = (props: NetworkProps) => {
    const stack = testStack();
    new Network(stack, 'Network', props);
    return stack;
  };

  test('Secrets Manager is reached in every zone, so that no zone stops tasks elsewhere from starting', () => {
    expect(zonesOf({ natGateways: 0 })).toBe(2);
    expect(zonesOf({ natGateways: 0, maxAzs: 3 })).toBe(3);
    expect(zonesOf({ natGateways: 0, profile: Profile.development({ multiAz: true }) })).toBe(2);
  });

  test('it is made once when it is asked for too, and nowhere beside NAT gateways', () => {
    const interfaceEndpoints = [InterfaceVpcEndpointAwsService.SECRETS_MANAGER];
    expect(zonesOf({ natGateways: 0, interfaceEndpoints })).toBe(2);
    expect(zonesOf({})).toBe(0);
  });
});

describe("zones of one's choice", () => {
  const availabilityZones = ['us-east-1b', 'us-east-1d', 'us-east-1f'];

  test('are those of the subnets, in the order given, and as many', () => {
    const stack = testStack();
    new Network(stack, 'Network', { availabilityZones });
    const subnets = Object.values(templateOf(stack).findResources('AWS::EC2::Subnet'));
    expect(subnets.map(({ Properties }) => Properties.AvailabilityZone)).toEqual([
      ...availabilityZones,
      ...availabilityZones,
      ...availabilityZones,
    ]);
  });

  test('can be given in a stack whose account and region are known', () => {
    const stack = testStack({ env: { account: '111122223333', region: 'us-east-1' } });
    new Network(stack, 'Network', { availabilityZones: availabilityZones.slice(1) });
    templateOf(stack).resourceCountIs('AWS::EC2::Subnet', 6);
  });

  test('can be added to, without moving a subnet', () => {
    const before = cidrs(new Network(testStack(), 'Network', { availabilityZones: availabilityZones.slice(0, 2) }));
    const after = cidrs(new Network(testStack(), 'Network', { availabilityZones }));
    expect(before).toHaveLength(6);
    expect(after).toEqual(expect.arrayContaining(before));
  });
});

test('the endpoint of a service that may not take a policy keeps the default one', () => {
  const stack = testStack();
  const { interfaceEndpoints } = new Network(stack, 'Network', {
    interfaceEndpoints: [InterfaceVpcEndpointAwsService.TEXTRACT],
  });
  const id = stack.resolve(interfaceEndpoints.textract.vpcEndpointId).Ref;
  expect(templateOf(stack).toJSON().Resources[id].Properties.PolicyDocument).toBeUndefined();
});

test('an endpoint can be opened further', () => {
  const stack = testStack();
  const { s3Endpoint } = new Network(stack, 'Network');
  s3Endpoint.addToPolicy(
    new PolicyStatement({
      principals: [new StarPrincipal()],
      actions: ['s3:GetObject'],
      resources: ['arn:aws:s3:::partner/*'],
    }),
  );
  const { PolicyDocument } = only(templateOf(stack), 'AWS::EC2::VPCEndpoint').resource.Properties;
  expect(PolicyDocument.Statement).toContainEqual(expect.objectContaining({ Resource: 'arn:aws:s3:::partner/*' }));
});

test('flow logs can be turned off in production', () => {
  const stack = testStack();
  new Network(stack, 'Network', { flowLogs: false });
  templateOf(stack).resourceCountIs('AWS::EC2::FlowLog', 0);
});

test('the smallest block still gives subnets that a load balancer fits into', () => {
  const stack = testStack();
  const network = new Network(stack, 'Network', { ipAddresses: IpAddresses.cidr('10.0.0.0/23') });
  expect(network.vpc.publicSubnets[0].ipv4CidrBlock).toBe('10.0.0.0/27');
});

test('all problems are reported at once', () => {
  const message = errorOf(() => new Network(testStack(), 'Network', { maxAzs: 1, natGateways: -1 }));
  expect(message.split('\n')).toEqual([
    expect.stringMatching(/^Shop\/Network: `maxAzs` must be a whole number from 2 to 3, got 1\. /),
    expect.stringMatching(/^Shop\/Network: `natGateways` must be a whole number from 0 to 3 .*, got -1\. /),
  ]);
});
