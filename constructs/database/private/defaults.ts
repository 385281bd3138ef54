import { Duration } from 'aws-cdk-lib';
import { CaCertificate, EngineLifecycleSupport, PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import { CA_BUNDLE_PATH } from '../../core/contract';
import { profileValues } from '../../core/profile';
import { DatabaseVariables } from '../database-variables';
import { PasswordRotation } from '../password-rotation';
import type { PostgresDatabaseProps } from '../postgres-database';
import { databaseSubnets, handlerSubnets } from './subnets';

/** A database's props with every default filled in. */
export type FilledProps = ReturnType<typeof withDefaults>;

/** Fills in every default of a database. */
export function withDefaults(props: PostgresDatabaseProps) {
  const profile = profileValues(props.profile);
  return {
    ...props,
    vpcSubnets: databaseSubnets(props.vpc, props.vpcSubnets),
    handlerSubnets: handlerSubnets(props.vpc, props.handlerSubnets),
    engineVersion: props.engineVersion ?? PostgresEngineVersion.VER_17,
    allowMajorVersionUpgrade: props.allowMajorVersionUpgrade ?? false,
    engineLifecycleSupport:
      props.engineLifecycleSupport ?? EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED,
    instanceType: props.instanceType ?? profile.databaseInstanceType,
    allocatedStorage: props.allocatedStorage ?? profile.databaseStorageGiB,
    maxAllocatedStorage: props.maxAllocatedStorage ?? profile.databaseMaxStorageGiB,
    multiAz: props.multiAz ?? profile.multiAz,
    readReplicas: props.readReplicas ?? 0,
    port: props.port ?? 15432,
    databaseName: props.databaseName ?? 'django',
    masterUsername: props.masterUsername ?? 'django_master',
    applicationUser: props.applicationUser ?? 'django',
    variables: props.variables ?? DatabaseVariables.DATABASE,
    caBundlePath: props.caBundlePath ?? CA_BUNDLE_PATH,
    backupRetention: props.backupRetention ?? profile.backupRetention,
    preferredBackupWindow: props.preferredBackupWindow ?? '03:00-04:00',
    preferredMaintenanceWindow: props.preferredMaintenanceWindow ?? 'sun:04:30-sun:05:30',
    deletionProtection: props.deletionProtection ?? profile.deletionProtection,
    removalPolicy: props.removalPolicy ?? profile.databaseRemovalPolicy,
    logRetention: props.logRetention ?? profile.logRetention,
    databaseInsightsMode: props.databaseInsightsMode ?? profile.databaseInsightsMode,
    caCertificate: props.caCertificate ?? CaCertificate.RDS_CA_RSA2048_G1,
    passwordRotation: props.passwordRotation ?? PasswordRotation.ALTERNATING_LOGINS,
    passwordRotationPeriod: props.passwordRotationPeriod ?? Duration.days(30),
    /** Of secrets and log groups, which outlive the instance in production. */
    secretsAndLogsRemovalPolicy: profile.removalPolicy,
  };
}
