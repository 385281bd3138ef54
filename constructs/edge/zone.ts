import { CfnHostedZone, type IHostedZone, PrivateHostedZone } from 'aws-cdk-lib/aws-route53';

/** Whether only VPCs know the zone; one that is imported by its attributes does not tell. */
export function isPrivateZone(zone: IHostedZone): boolean {
  const { defaultChild } = zone.node;
  const vpcs = defaultChild instanceof CfnHostedZone ? defaultChild.vpcs : undefined;
  return zone instanceof PrivateHostedZone || (Array.isArray(vpcs) && vpcs.length > 0);
}

/** The name of the zone without the dot at the end; undefined where only its id is known. */
export function zoneNameOf(zone: IHostedZone): string | undefined {
  try {
    return zone.zoneName.replace(/\.$/, '');
  } catch {
    return undefined; // A zone imported by its id alone throws when asked for its name.
  }
}
