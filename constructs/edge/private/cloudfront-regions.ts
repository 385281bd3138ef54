import { CfnMapping, Stack } from 'aws-cdk-lib';
import { type IPeer, Peer } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { isUnknown } from '../../core/checks';

/**
 * Ids of the prefix list `com.amazonaws.global.cloudfront.origin-facing`, with the addresses that CloudFront
 * connects to origins from.
 *
 * AWS makes one list for each Region, the same for all accounts; to look it up, the CDK would need an
 * account.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html
 */
const PREFIX_LISTS: { readonly [region: string]: string } = {
  'ap-northeast-1': 'pl-58a04531',
  'ap-northeast-2': 'pl-22a6434b',
  'ap-northeast-3': 'pl-31a14458',
  'ap-south-1': 'pl-9aa247f3',
  'ap-southeast-1': 'pl-31a34658',
  'ap-southeast-2': 'pl-b8a742d1',
  'ca-central-1': 'pl-38a64351',
  'eu-central-1': 'pl-a3a144ca',
  'eu-north-1': 'pl-fab65393',
  'eu-west-1': 'pl-4fa04526',
  'eu-west-2': 'pl-93a247fa',
  'eu-west-3': 'pl-75b1541c',
  'sa-east-1': 'pl-5da64334',
  'us-east-1': 'pl-3b927c52',
  'us-east-2': 'pl-b6a144df',
  'us-west-1': 'pl-4ea04527',
  'us-west-2': 'pl-82a045eb',
};

/** Regions with VPC origins of which no prefix list is known here. */
const OTHER_VPC_ORIGIN_REGIONS = [
  'af-south-1',
  'ap-east-1',
  'ap-south-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ca-west-1',
  'eu-central-2',
  'eu-south-1',
  'eu-south-2',
  'il-central-1',
  'me-central-1',
  'me-south-1',
];

/** Zones, by their ids, that VPC origins do not reach. */
const ZONES_WITHOUT_VPC_ORIGINS: { readonly [region: string]: string } = {
  'ap-northeast-1': 'apne1-az3',
  'ap-northeast-2': 'apne2-az1',
  'ca-central-1': 'cac1-az3',
  'us-east-1': 'use1-az3',
  'us-west-1': 'usw1-az2',
};

/** Regions in which CloudFront writes access logs into no bucket. */
const REGIONS_WITHOUT_LOGS = [
  'af-south-1',
  'ap-east-1',
  'ap-south-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-7',
  'ca-west-1',
  'eu-central-2',
  'eu-south-1',
  'eu-south-2',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
];

/** Whether the addresses of CloudFront are known; true where only the deployment knows the Region. */
export function knowsCloudFront(region: string): boolean {
  return isUnknown(region) || region in PREFIX_LISTS;
}

/** Whether CloudFront reaches a load balancer without a public address. */
export function hasVpcOrigins(region: string): boolean {
  return knowsCloudFront(region) || OTHER_VPC_ORIGIN_REGIONS.includes(region);
}

/** Whether CloudFront can write access logs into a bucket there. */
export function takesLogs(region: string): boolean {
  return isUnknown(region) || !REGIONS_WITHOUT_LOGS.includes(region);
}

/** The zone that VPC origins do not reach, where the Region is known and has one. */
export function zoneWithoutVpcOrigins(region: string): string | undefined {
  return ZONES_WITHOUT_VPC_ORIGINS[region];
}

/** The addresses of CloudFront, as whom a security group lets in. */
export function cloudFront(scope: Construct, id: string): IPeer {
  const { region } = Stack.of(scope);
  if (!isUnknown(region)) {
    return Peer.prefixList(PREFIX_LISTS[region]);
  }
  const mapping = Object.fromEntries(Object.entries(PREFIX_LISTS).map(([name, list]) => [name, { list }]));
  return Peer.prefixList(new CfnMapping(scope, id, { mapping }).findInMap(region, 'list'));
}
