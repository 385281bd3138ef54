import { Fn, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type CfnSubnet,
  FlowLog,
  FlowLogDestination,
  FlowLogResourceType,
  type GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  type IInterfaceVpcEndpoint,
  type IIpAddresses,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type ISubnet,
  Peer,
  Port,
  SecurityGroup,
  type SubnetConfiguration,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { Checks, isUnknown } from '../core/checks';
import { checkEffects, type Effects, voidBeside, voidWith, warnOfNoEffect } from '../core/effects';
import { checkKinds } from '../core/kinds';
import { logGroup } from '../core/log-group';
import { namesInProfile, type Profile, profileValues } from '../core/profile';
import { keptOrDestroyed } from '../core/removal';
import { serviceForUs, WorkloadRole } from '../core/workload-role';
import { limitS3, limitService } from './private/endpoint-policies';

/**
 * Address space is set aside for so many zones, so that a third one can be added later without moving a
 * subnet.
 */
const MOST_ZONES = 3;

/** What can be tuned in a network. */
export interface NetworkOptions {
  /**
   * Availability zones, 2 or 3.
   *
   * A third one can be added later; the subnets that exist stay as they are.
   *
   * @default - by profile: 2
   */
  readonly maxAzs?: number;
  /**
   * Names of 2 or 3 availability zones, such as `us-east-1b`, where the first ones of the account do not
   * suit: a zone without Fargate, or without the instance class of the database.
   *
   * A third one can be added at the end later. **Never change one that is in use: CloudFormation cannot make
   * its subnet anew beside the old one, and the deployment fails.**
   *
   * @default - as many as `maxAzs` says, the first ones of the region
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
   */
  readonly availabilityZones?: string[];
  /**
   * NAT gateways, at most one per zone; with fewer, zones share them.
   *
   * **Where a zone fails whose gateway others share, their tasks reach neither SQS nor their images.** 0
   * makes no private subnets: tasks run in the public ones, with inbound rules closed.
   *
   * @default - by profile: production 1, development 0
   */
  readonly natGateways?: number;
  /**
   * Addresses of the VPC: a block from /16 to /23.
   *
   * **Never change it later: CloudFormation would replace the VPC and everything in it.**
   * `DjangoApplication` refuses such a change.
   *
   * @default IpAddresses.cidr('10.0.0.0/16')
   */
  readonly ipAddresses?: IIpAddresses;
  /**
   * AWS services that get an address inside every zone.
   *
   * Each costs about $7.30 a month for each zone. Those of Amazon ECR, CloudWatch, CloudWatch Logs, KMS,
   * Secrets Manager, SNS and SQS get a policy that admits this account alone.
   *
   * @default - none; without NAT gateways Secrets Manager, which functions in the VPC need: in every zone
   * where the profile gives the database a standby, in one otherwise
   */
  readonly interfaceEndpoints?: InterfaceVpcEndpointAwsService[];
  /**
   * Whether accepted and rejected connections are logged.
   *
   * @default - by profile: production true, development false
   * @see https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html
   */
  readonly flowLogs?: boolean;
  /**
   * How long flow logs are kept.
   *
   * @default - by profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * What happens to the flow logs when they leave the stack.
   *
   * @default - by profile: production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `Network`. */
export interface NetworkProps extends NetworkOptions {
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Key of the flow log's log group.
   *
   * @default - encryption by CloudWatch Logs
   */
  readonly encryptionKey?: IKey;
}

/**
 * A VPC for an application: public subnets for the load balancer, private ones with a way out for tasks,
 * isolated ones for the database.
 *
 * Zones are chosen by CloudFormation, so the template is the same with and without an account. The default
 * security group is closed, nothing gets a public address by itself, and S3 (image layers) is reached through
 * a free gateway endpoint.
 *
 * Endpoints carry requests of this account's principals to resources of this account, and image layers. **A
 * bucket of another account in the same region cannot be reached from the VPC, nor an address that another
 * account has signed for one:** open `s3Endpoint` for it.
 *
 * @example
 * const network = new Network(this, 'Network', { natGateways: 2 });
 * network.vpc.isolatedSubnets;
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-best-practices.html
 */
export class Network extends Construct {
  /** The VPC, with subnet groups `public`, `private` (when there are NAT gateways) and `isolated`. */
  public readonly vpc: Vpc;
  /**
   * The gateway endpoint of S3, open to buckets of this account, image layers of Amazon ECR and answers to
   * CloudFormation.
   *
   * Open it to a bucket of another account in the same region with `addToPolicy()`.
   */
  public readonly s3Endpoint: GatewayVpcEndpoint;
  /** Interface endpoints by short service name, for example `secretsmanager` or `ecr.api`. */
  public readonly interfaceEndpoints: { [service: string]: InterfaceVpcEndpoint };
  /** The endpoint of Secrets Manager, when there is one. */
  public readonly secretsManagerEndpoint?: IInterfaceVpcEndpoint;
  /** Log group of the flow logs, when they are on. */
  public readonly flowLogGroup?: ILogGroup;

  constructor(scope: Construct, id: string, props: NetworkProps = {}) {
    super(scope, id);
    checkKinds(this, 'NetworkProps', props);
    const profile = profileValues(props.profile);
    const maxAzs = props.availabilityZones?.length ?? props.maxAzs ?? profile.maxAzs;
    const natGateways = props.natGateways ?? profile.natGateways;
    const ipAddresses = props.ipAddresses ?? IpAddresses.cidr(Vpc.DEFAULT_CIDR_RANGE);
    const cidr = ipAddresses.allocateVpcCidr().cidrBlock;
    const flowLogs = props.flowLogs ?? profile.flowLogs;
    validate(this, { maxAzs, natGateways, cidr, interfaceEndpoints: props.interfaceEndpoints }, props);
    if (!flowLogs) {
      const reason = '`flowLogs` of the profile is false, and the log group of flow logs is the only one';
      warnOfNoEffect(this, 'logRetention', props.logRetention, reason);
      warnOfNoEffect(this, 'removalPolicy', props.removalPolicy, reason);
      warnOfNoEffect(this, 'encryptionKey', props.encryptionKey, reason);
    }

    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses,
      availabilityZones:
        props.availabilityZones ?? Array.from({ length: maxAzs }, (_, zone) => Fn.select(zone, Fn.getAzs())),
      reservedAzs: MOST_ZONES - maxAzs,
      natGateways,
      subnetConfiguration: subnetGroups(natGateways),
      restrictDefaultSecurityGroup: true,
    });
    this.s3Endpoint = this.vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
    limitS3(this.s3Endpoint);
    keepDatabaseNetwork(this.vpc, keptOrDestroyed(profile.databaseRemovalPolicy));
    for (const subnet of this.vpc.publicSubnets) {
      acknowledge(
        subnet.node.findChild('DefaultRoute'),
        'VPCNoUnrestrictedRouteToIGW',
        'An application on the internet needs this route; only public subnets have it, nothing in them gets a public address by itself, and security groups decide who may connect.',
      );
    }

    // Private DNS leads every task of the VPC to it, and none starts without its secrets: a zone that fails
    // must not take the others along where the database has a standby.
    const everywhere = natGateways === 0 && profile.multiAz;
    const endpoints = withSecretsManager(props.interfaceEndpoints ?? [], everywhere);
    this.interfaceEndpoints = this.makeInterfaceEndpoints(endpoints, natGateways, cidr);
    this.secretsManagerEndpoint = this.interfaceEndpoints[InterfaceVpcEndpointAwsService.SECRETS_MANAGER.shortName];

    if (flowLogs) {
      this.flowLogGroup = logGroup(this, 'FlowLogGroup', props);
      this.writeFlowLogs(this.flowLogGroup);
    }
  }

  private makeInterfaceEndpoints(asked: InterfaceVpcEndpointAwsService[], natGateways: number, cidr?: string) {
    const endpoints: { [service: string]: InterfaceVpcEndpoint } = {};
    const secretsManager = InterfaceVpcEndpointAwsService.SECRETS_MANAGER;
    const needed = natGateways === 0 && !asked.some((service) => service.shortName === secretsManager.shortName);
    if (asked.length === 0 && !needed) {
      return endpoints;
    }
    const securityGroup = new SecurityGroup(this, 'EndpointSecurityGroup', {
      vpc: this.vpc,
      description: 'Interface endpoints of the VPC',
      allowAllOutbound: false,
    });
    // A literal block where there is one: rule tools cannot judge an attribute of the VPC.
    securityGroup.addIngressRule(Peer.ipv4(cidr ?? this.vpc.vpcCidrBlock), Port.tcp(443), 'HTTPS from inside the VPC');

    const make = (service: InterfaceVpcEndpointAwsService, subnets: ISubnet[]) => {
      endpoints[service.shortName] = new InterfaceVpcEndpoint(this, service.shortName, {
        vpc: this.vpc,
        service,
        subnets: { subnets },
        securityGroups: [securityGroup],
        open: false,
      });
      limitService(endpoints[service.shortName], service);
    };
    for (const service of asked) {
      make(service, this.vpc.isolatedSubnets);
    }
    if (needed) {
      // Functions beside the database have no other way to their secrets; where the database has no standby,
      // one zone is enough for all.
      make(secretsManager, this.vpc.isolatedSubnets.slice(0, 1));
    }
    return endpoints;
  }

  private writeFlowLogs(logGroup: ILogGroup) {
    const role = new WorkloadRole(this, 'FlowLogRole', {
      description: 'Lets VPC flow logs write to their log group',
      assumedBy: serviceForUs(this, 'vpc-flow-logs.amazonaws.com', { service: 'ec2', resource: 'vpc-flow-log/*' }),
    });
    const flowLog = new FlowLog(this, 'FlowLog', {
      resourceType: FlowLogResourceType.fromVpc(this.vpc),
      destination: FlowLogDestination.toCloudWatchLogs(logGroup, role),
    });
    flowLog.node.addDependency(role);
  }
}

function withSecretsManager(
  asked: InterfaceVpcEndpointAwsService[],
  needed: boolean,
): InterfaceVpcEndpointAwsService[] {
  const secretsManager = InterfaceVpcEndpointAwsService.SECRETS_MANAGER;
  const given = asked.some(({ shortName }) => shortName === secretsManager.shortName);
  return needed && !given ? [...asked, secretsManager] : asked;
}

/** A database that is kept holds its subnets, and these hold the VPC. */
function keepDatabaseNetwork(vpc: Vpc, removalPolicy: RemovalPolicy): void {
  vpc.applyRemovalPolicy(removalPolicy);
  for (const subnet of vpc.isolatedSubnets) {
    (subnet.node.findChild('Subnet') as CfnSubnet).applyRemovalPolicy(removalPolicy);
  }
}

function subnetGroups(natGateways: number): SubnetConfiguration[] {
  return [
    { name: 'public', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false },
    // Its addresses stay set aside without NAT gateways, so that adding some moves nothing.
    { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, reserved: natGateways === 0 },
    { name: 'isolated', subnetType: SubnetType.PRIVATE_ISOLATED },
  ];
}

interface Given {
  readonly maxAzs: number;
  readonly natGateways: number;
  readonly cidr?: string;
  readonly interfaceEndpoints?: InterfaceVpcEndpointAwsService[];
}

const NO_FLOW_LOGS = voidWith<NetworkProps>(
  'flowLogs: false',
  ({ flowLogs }) => flowLogs === false,
  'it is for the log group of flow logs',
);
const EFFECTS: Effects<NetworkProps> = {
  maxAzs: [voidBeside('availabilityZones', '`availabilityZones` names the zones, and so says how many')],
  logRetention: [NO_FLOW_LOGS],
  removalPolicy: [NO_FLOW_LOGS],
  encryptionKey: [NO_FLOW_LOGS],
};

function validate(scope: Construct, { maxAzs, natGateways, cidr, interfaceEndpoints }: Given, props: NetworkProps) {
  const names = (interfaceEndpoints ?? []).map((service) => service.shortName);
  const maskOf = (block: string) => Number(block.split('/')[1]);
  const checks = new Checks(scope).called(namesInProfile(props, { maxAzs: 'maxAzs', natGateways: 'natGateways' }));
  checkEffects(checks, props, EFFECTS);
  checkZones(checks, scope, props.availabilityZones);
  checks
    .integer('maxAzs', props.availabilityZones === undefined ? maxAzs : undefined, {
      min: 2,
      max: MOST_ZONES,
      remedy: 'The database and the load balancer need two zones; every Region has at least two, most have three.',
    })
    .integer('natGateways', natGateways, {
      min: 0,
      max: maxAzs === 2 ? 2 : MOST_ZONES,
      where: '(the number of zones)',
      remedy: 'Use one per zone, fewer to share them, or 0 for none.',
    })
    .optional('ipAddresses', cidr, () => maskOf(cidr as string) >= 16 && maskOf(cidr as string) <= 23, {
      must: 'be a block from /16 to /23',
      remedy: 'It is divided into nine subnets, and the smallest a load balancer can live in is a /27.',
    })
    .known('interfaceEndpoints', names)
    .that('interfaceEndpoints', names, new Set(names).size === names.length, {
      must: 'name every service once',
      remedy: 'Remove the repeated services.',
    })
    .throwIfAny();
}

function checkZones(checks: Checks, scope: Construct, zones: string[] | undefined): void {
  const { region } = Stack.of(scope);
  const isZone = (zone: string) =>
    isUnknown(zone) || (/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/.test(zone) && (isUnknown(region) || zone.startsWith(region)));
  checks
    .optional('availabilityZones', zones, () => (zones as string[]).every(isZone), {
      must: `be names of availability zones${isUnknown(region) ? '' : ` of ${region}`}`,
      remedy: 'List them with `aws ec2 describe-availability-zones`.',
    })
    .optional('availabilityZones', zones, () => [2, MOST_ZONES].includes(new Set(zones).size), {
      must: 'name two or three different zones',
      remedy: 'The database and the load balancer need two zones; addresses are set aside for three.',
    })
    .optional('availabilityZones', zones, () => new Set(zones).size === (zones as string[]).length, {
      must: 'name every zone once',
      remedy: 'Remove the repeated ones.',
    });
}
