import { CfnResource, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import type { CfnVPC, Vpc } from 'aws-cdk-lib/aws-ec2';
import { CfnLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct, type IConstruct } from 'constructs';
import { profileValues } from '../../core/profile';
import { identifierOf } from '../../database/database-server';
import { isMadeDatabase, madeDatabase } from '../../database/made-database';
import { certifiedNames } from '../../edge/host-names';
import { CHANGE_GUARD, type ChangeGuardProperties, OWN, SERVICE_TIMEOUT } from '../../handlers/protection/contract';
import type { DjangoApplicationProps } from '../django-application-props';
import { TerminationProtection } from '../termination-protection';
import { firstFunction } from './first-function';
import type { Providers } from './providers';

/**
 * What stores something.
 *
 * Keys are not among it: of these only the policy changes, and much of a first deployment waits for them.
 */
const STORED = [
  'AWS::Backup::BackupVault',
  'AWS::ElastiCache::ReplicationGroup',
  'AWS::Logs::LogGroup',
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBInstance',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::SecretsManager::Secret',
];

interface ChangeGuardProps {
  readonly application: DjangoApplicationProps;
  readonly providers: Providers;
}

/**
 * A resource that holds what must stay as it was first deployed, and whose update fails when it does not.
 *
 * Everything that stores something depends on it, so that nothing of that has changed by then. It refers to
 * nothing that the application makes, and is there before the database could be made.
 *
 * @internal
 */
export class ChangeGuard extends Construct {
  constructor(scope: Construct, id: string, { application, providers }: ChangeGuardProps) {
    super(scope, id);
    const names = certifiedNames(providers.loadBalancer);
    const properties: ChangeGuardProperties = {
      Database: databaseOf(application, providers),
      BroughtDatabase: broughtDatabaseOf(application),
      Network: networkOf(application, providers),
      VaultKey: vaultKeyOf(application),
      CacheKey: application.cache && (application.encryptionKey?.keyArn ?? OWN),
      Scheme: schemeOf(application, providers),
      Names: names,
      Records: recordsOf(application, names),
      AllowedChanges: application.allowedChanges,
    };
    const resource = new CustomResource(this, 'Resource', {
      resourceType: CHANGE_GUARD,
      serviceToken: this.serviceToken(application),
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
      properties: { ...properties },
    });
    for (const stored of scope.node.findAll().filter(isHeld)) {
      if (!stored.node.scopes.includes(this)) {
        stored.node.addDependency(resource);
      }
    }
  }

  /** The function of termination protection, where the stack has one: it is of the same kind. */
  private serviceToken({ profile, handlerReservedConcurrency }: DjangoApplicationProps): string {
    const other = Stack.of(this).node.children.find((child) => child instanceof TerminationProtection);
    if (other instanceof TerminationProtection) {
      return other.serviceToken;
    }
    const { handler } = firstFunction(this, { profile, reservedConcurrentExecutions: handlerReservedConcurrency });
    return handler.functionArn;
  }
}

/** Guards an application, all of which is made by now, against changes that would lose what it stores. */
export function guardChanges(scope: Construct, application: DjangoApplicationProps, providers: Providers): void {
  new ChangeGuard(scope, 'ChangeGuard', { application, providers });
}

/** What stores something, and subnets of a database, whose change RDS would refuse in its own words. */
function isHeld(construct: IConstruct): boolean {
  if (!CfnResource.isCfnResource(construct)) {
    return false;
  }
  const { cfnResourceType: type, node } = construct;
  const isOfDatabase = type === 'AWS::RDS::DBSubnetGroup' && node.scopes.some(isMadeDatabase);
  return isOfDatabase || STORED.includes(type);
}

function databaseOf(props: DjangoApplicationProps, { database, vpc }: Providers): ChangeGuardProperties['Database'] {
  const made = props.database === undefined ? madeDatabase(database) : undefined;
  if (made === undefined) {
    return undefined;
  }
  const prop = props.aurora === undefined ? 'databaseOptions' : 'aurora';
  const identity = Object.entries(made._identity).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(identity.map(([name, value]) => [`${prop}.${name}`, String(value)])),
    encryptionKey: props.encryptionKey?.keyArn ?? OWN,
    vpc: props.vpc || props.cluster ? vpc.vpcId : OWN,
  };
}

/** By its name, and not by `Ref`: the guard goes before a database that stands in the same stack. */
function broughtDatabaseOf({ database }: DjangoApplicationProps): string | undefined {
  if (database === undefined) {
    return undefined;
  }
  const { instanceIdentifier, clusterIdentifier } = madeDatabase(database)?._identity ?? {};
  return instanceIdentifier ?? clusterIdentifier ?? identifierOf(database);
}

/** A third zone is added at the end, and adds subnets there. */
function networkOf({ vpc: given, cluster }: DjangoApplicationProps, { vpc }: Providers) {
  if (given || cluster) {
    return undefined;
  }
  const { cidrBlock, ipv4IpamPoolId, ipv4NetmaskLength } = vpc.node.defaultChild as CfnVPC;
  return {
    Addresses: cidrBlock ?? `/${ipv4NetmaskLength} of ${ipv4IpamPoolId}`,
    Zones: (vpc as Vpc).isolatedSubnets.map(({ availabilityZone }) => availabilityZone),
  };
}

function vaultKeyOf({ profile, backupOptions }: DjangoApplicationProps): string | undefined {
  return profileValues(profile).databaseBackup ? (backupOptions?.encryptionKey?.keyArn ?? OWN) : undefined;
}

/** Where it is made here: one that is brought has its scheme from whoever made it. */
function schemeOf({ loadBalancer: given }: DjangoApplicationProps, { loadBalancer }: Providers): string | undefined {
  const made = loadBalancer.loadBalancer.node.defaultChild;
  return given === undefined && made instanceof CfnLoadBalancer ? made.scheme : undefined;
}

/** The names that get alias records. */
function recordsOf({ loadBalancer, hostedZone }: DjangoApplicationProps, names: string[]): string[] {
  return loadBalancer === undefined && hostedZone !== undefined ? names : [];
}
