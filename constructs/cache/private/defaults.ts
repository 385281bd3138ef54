import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type IVpc, type SubnetSelection, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { profileValues } from '../../core/profile';
import { isKept } from '../../core/removal';
import type { CacheProps } from '../cache';
import { EvictionPolicy } from '../eviction-policy';

/** A cache's props with every default filled in. */
export type FilledCache = ReturnType<typeof withCacheDefaults>;

/** Fills in every default of a cache. */
export function withCacheDefaults(props: CacheProps) {
  const profile = profileValues(props.profile);
  return {
    vpc: props.vpc,
    vpcSubnets: props.vpcSubnets ?? cacheSubnets(props.vpc),
    nodeType: props.nodeType ?? profile.cacheNodeType,
    nodes: props.nodes ?? profile.cacheNodes,
    engineVersion: props.engineVersion ?? '8.1',
    evictionPolicy: props.evictionPolicy ?? EvictionPolicy.VOLATILE_LRU,
    snapshotRetention: props.snapshotRetention ?? profile.cacheSnapshotRetention,
    snapshotWindow: props.snapshotWindow ?? '03:00-04:00',
    preferredMaintenanceWindow: props.preferredMaintenanceWindow ?? 'sun:04:30-sun:05:30',
    removalPolicy: props.removalPolicy ?? cacheRemovalPolicy(profile.removalPolicy),
    encryptionKey: props.encryptionKey,
    passwordRotationPeriod: props.passwordRotationPeriod ?? Duration.days(30),
    secretsAndLogsRemovalPolicy: profile.removalPolicy,
    logRetention: props.logRetention ?? profile.logRetention,
  };
}

/** A cache is not kept, as other stores are: what is in it can be made anew, or is in the last snapshot. */
export function cacheRemovalPolicy(ofStores: RemovalPolicy): RemovalPolicy {
  return isKept(ofStores) || ofStores === RemovalPolicy.SNAPSHOT ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY;
}

/** Isolated subnets, or private ones where the VPC has no isolated ones. */
function cacheSubnets(vpc: IVpc): SubnetSelection {
  const { PRIVATE_ISOLATED, PRIVATE_WITH_EGRESS } = SubnetType;
  return { subnetType: vpc.isolatedSubnets.length > 0 ? PRIVATE_ISOLATED : PRIVATE_WITH_EGRESS };
}
