import { AaaaRecord, ARecord, type IAliasRecordTarget, type IHostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';

/** Points every name to the target, over IPv4 and IPv6. */
export function aliasRecords(scope: Construct, zone: IHostedZone, names: string[], alias: IAliasRecordTarget): void {
  for (const recordName of names) {
    const name = new Construct(scope, recordName);
    const target = RecordTarget.fromAlias(alias);
    new ARecord(name, 'Ipv4', { zone, recordName: `${recordName}.`, target });
    new AaaaRecord(name, 'Ipv6', { zone, recordName: `${recordName}.`, target });
  }
}
