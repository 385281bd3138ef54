import { Annotations, Duration, Stack, Token } from 'aws-cdk-lib';
import { InstanceType, type IVpc } from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CaCertificate, EngineLifecycleSupport, PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import { CA_BUNDLE_PATH } from '../../core/contract';
import { type Profile, profileValues } from '../../core/profile';
import type { Source } from '../arriving/source';
import type { DatabaseOptions } from '../database-options';
import { DatabaseVariables } from '../database-variables';
import { PasswordRotation } from '../password-rotation';
import type { PostgresDatabaseProps } from '../postgres-database';
import { DEFAULT_NAMES } from './names';
import { databaseSubnets, handlerSubnets } from './subnets';

/** RDS lets storage grow by a tenth or more, in GiB to this. */
const LEAST_GROWTH = 1.1;
const MOST_STORAGE = 65_536;

/** The props of an instance with every default filled in. */
export type FilledProps = ReturnType<typeof withDefaults>;

/** Regions where each sells no burstable class with Graviton; `npm run cfn-lint` finds others. */
const WITHOUT_T4G = { RDS: ['ca-west-1'], Aurora: ['ca-west-1', 'il-central-1'] };

/** Who sells a class. */
type Seller = keyof typeof WITHOUT_T4G;

/** The class of a profile in a region: of the same size with a processor of Intel where there is no other. */
export function classIn(region: string, wanted: InstanceType, seller: Seller): InstanceType {
  return WITHOUT_T4G[seller].includes(region) ? new InstanceType(wanted.toString().replace(/^t4g\./, 't3.')) : wanted;
}

/** Says where the class of the profile became another one. */
export function warnOfClass(scope: Construct, profile: Profile | undefined, made: InstanceType, seller: Seller): void {
  const wanted = profileValues(profile).databaseInstanceType;
  if (wanted.toString() !== made.toString()) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:databaseInstanceType',
      `${seller} has no db.${wanted} in ${Stack.of(scope).region}, so the instance is a db.${made}. Choose \`databaseInstanceType\` in the profile to have another one.`,
    );
  }
}

/** What every database is made from. */
interface GivenProps extends DatabaseOptions, Source {
  readonly vpc: IVpc;
  readonly profile?: Profile;
  readonly encryptionKey?: IKey;
}

/** What instances and clusters have in common, with every default filled in. */
export type CommonProps = ReturnType<typeof withCommonDefaults<GivenProps>>;

/** Fills in the defaults that instances and clusters have in common. */
export function withCommonDefaults<Props extends GivenProps>(props: Props) {
  const profile = profileValues(props.profile);
  return {
    ...props,
    vpcSubnets: databaseSubnets(props.vpc, props.vpcSubnets),
    handlerSubnets: handlerSubnets(props.vpc, props.handlerSubnets),
    engineLifecycleSupport:
      props.engineLifecycleSupport ?? EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED,
    port: props.port ?? 15432,
    databaseName: props.databaseName ?? DEFAULT_NAMES.databaseName,
    masterUsername: props.masterUsername ?? DEFAULT_NAMES.masterUsername,
    applicationUser: props.applicationUser ?? DEFAULT_NAMES.applicationUser,
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
    /** Of secrets and log groups, which outlive the database in production. */
    secretsAndLogsRemovalPolicy: profile.removalPolicy,
  };
}

/** Fills in every default of an instance. */
export function withDefaults(props: PostgresDatabaseProps, region: string) {
  const profile = profileValues(props.profile);
  return {
    ...withCommonDefaults(props),
    engineVersion: props.engineVersion ?? PostgresEngineVersion.VER_17,
    allowMajorVersionUpgrade: props.allowMajorVersionUpgrade ?? false,
    instanceType: props.instanceType ?? classIn(region, profile.databaseInstanceType, 'RDS'),
    allocatedStorage: props.allocatedStorage ?? profile.databaseStorageGiB,
    maxAllocatedStorage: props.maxAllocatedStorage ?? growingTo(props.allocatedStorage, profile.databaseMaxStorageGiB),
    multiAz: props.multiAz ?? profile.multiAz,
    readReplicas: props.readReplicas ?? 0,
  };
}

/** Up to where storage grows: as the profile says, or by half where more than that is allocated. */
function growingTo(allocated: number | undefined, most: number): number | undefined {
  if (allocated === undefined || Token.isUnresolved(allocated) || allocated * LEAST_GROWTH <= most) {
    return most;
  }
  const half = Math.min(Math.ceil(allocated * 1.5), MOST_STORAGE);
  return allocated * LEAST_GROWTH <= half ? half : undefined; // There is no room left to grow into.
}
