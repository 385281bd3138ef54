import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { allowLogGroups } from './key-policy';
import { type Profile, profileValues } from './profile';

export interface LogGroupProps {
  readonly encryptionKey?: IKey;
  readonly logRetention?: RetentionDays;
  readonly removalPolicy?: RemovalPolicy;
  readonly profile?: Profile;
}

/** An encrypted log group with retention, as the profile says. */
export function logGroup(scope: Construct, id: string, props: LogGroupProps): LogGroup {
  const profile = profileValues(props.profile);
  allowLogGroups(scope, props.encryptionKey);
  return new LogGroup(scope, id, {
    encryptionKey: props.encryptionKey,
    retention: props.logRetention ?? profile.logRetention,
    removalPolicy: props.removalPolicy ?? profile.removalPolicy,
  });
}
