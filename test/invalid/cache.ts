import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { InstanceType, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Cache, type CacheAttributes, type CacheProps } from '../../constructs/cache/cache';
import { Profile } from '../../constructs/core/profile';
import type { InvalidCase } from './case';

const cache = (name: string, prop: string, props: Partial<CacheProps>, { maxAzs = 2 } = {}): InvalidCase => ({
  name: `Cache: ${name}`,
  prop,
  make: (stack) =>
    new Cache(stack, 'Cache', {
      vpc: new Vpc(stack, 'Vpc', { maxAzs, natGateways: 1, restrictDefaultSecurityGroup: false }),
      ...props,
    }),
});

const nodeType = (name: string, type: string): InvalidCase =>
  cache(name, 'nodeType', { nodeType: new InstanceType(type) });

const brought = (name: string, prop: string, attrs: Partial<CacheAttributes>): InvalidCase => ({
  name: `a cache that is brought: ${name}`,
  prop,
  make: (stack: Stack) =>
    Cache.fromCacheAttributes(stack, 'Cache', {
      host: 'cache.example.com',
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
      secret: Secret.fromSecretNameV2(stack, 'Login', 'company'),
      ...attrs,
    }),
});

export const cases: InvalidCase[] = [
  nodeType('a class with its prefix', 'cache.t4g.micro'),
  nodeType('a class of databases', 'db.t4g.micro'),
  nodeType('a class that ElastiCache does not have', 'c5.large'),
  nodeType('a size that the class does not have', 't4g.large'),
  nodeType('a class whose data lies on disks', 'r6gd.xlarge'),
  cache('no node', 'nodes', { nodes: 0 }),
  cache('more nodes than a primary has replicas', 'nodes', { nodes: 7 }),
  cache('half a node', 'nodes', { nodes: 1.5 }),
  cache('no node in the profile', 'profile.cacheNodes', { profile: Profile.production({ cacheNodes: 0 }) }),
  cache('a replica without another zone', 'vpcSubnets', { nodes: 2 }, { maxAzs: 1 }),
  cache('subnets that are not there', 'vpcSubnets', { vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED } }),
  cache('public subnets', 'vpcSubnets', { vpcSubnets: { subnetType: SubnetType.PUBLIC } }),
  cache('a version with a patch', 'engineVersion', { engineVersion: '8.1.2' }),
  cache('an older version', 'engineVersion', { engineVersion: '7.2' }),
  cache('snapshots for half a day', 'snapshotRetention', { snapshotRetention: Duration.hours(12) }),
  cache('snapshots for longer than ElastiCache keeps them', 'snapshotRetention', {
    snapshotRetention: Duration.days(36),
  }),
  cache('snapshots for too long in the profile', 'profile.cacheSnapshotRetention', {
    profile: Profile.production({ cacheSnapshotRetention: Duration.days(36) }),
  }),
  cache('a window without snapshots', 'snapshotWindow', {
    snapshotRetention: Duration.days(0),
    snapshotWindow: '01:00-02:00',
  }),
  cache('half an hour for snapshots', 'snapshotWindow', { snapshotWindow: '01:00-01:30' }),
  cache('a window in words', 'snapshotWindow', { snapshotWindow: 'at night' }),
  cache('half an hour for maintenance', 'preferredMaintenanceWindow', {
    preferredMaintenanceWindow: 'sun:04:30-sun:05:00',
  }),
  cache('maintenance on no day', 'preferredMaintenanceWindow', { preferredMaintenanceWindow: '04:30-05:30' }),
  cache('maintenance during snapshots', 'preferredMaintenanceWindow', {
    preferredMaintenanceWindow: 'mon:03:30-mon:04:30',
  }),
  cache('a cache that stays without its user', 'removalPolicy', { removalPolicy: RemovalPolicy.RETAIN }),
  cache('a cache that stays unless it is new', 'removalPolicy', {
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  }),
  cache('rotation every half day', 'passwordRotationPeriod', { passwordRotationPeriod: Duration.hours(12) }),
  cache('rotation every ten days at an hour', 'passwordRotationPeriod', {
    passwordRotationPeriod: Duration.days(10),
    passwordRotationWindow: { hour: 4 },
  }),
  cache('rotation at hour 24', 'passwordRotationWindow.hour', { passwordRotationWindow: { hour: 24 } }),
  cache('nothing reserved for the function', 'handlerReservedConcurrency', { handlerReservedConcurrency: 0 }),

  brought('an address with its scheme', 'host', { host: 'rediss://cache.example.com' }),
  brought('an address with its port', 'host', { host: 'cache.example.com:6379' }),
  brought('no port', 'port', { port: 0 }),
  brought('no node', 'nodes', { nodes: 0, replicationGroupId: 'company' }),
  brought('nodes of nobody', 'nodes', { nodes: 2 }),
];
