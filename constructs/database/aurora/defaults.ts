import { Duration } from 'aws-cdk-lib';
import type { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { AuroraPostgresEngineVersion, DBClusterStorageType } from 'aws-cdk-lib/aws-rds';
import { profileValues } from '../../core/profile';
import type { AuroraPostgresDatabaseProps } from '../aurora-postgres-database';
import { classIn, withCommonDefaults } from '../private/defaults';

/** The props of a cluster with every default filled in. */
export type FilledClusterProps = ReturnType<typeof withClusterDefaults>;

/** Between what capacities a cluster scales, all filled in. */
export interface Capacity {
  readonly minCapacity: number;
  readonly maxCapacity: number;
  /** Where the cluster pauses. */
  readonly autoPause?: Duration;
}

/** Fills in every default of a cluster. */
export function withClusterDefaults(props: AuroraPostgresDatabaseProps, region: string) {
  const profile = profileValues(props.profile);
  const capacity = capacityOf(props);
  return {
    ...withCommonDefaults(props),
    // Of the major number alone: no deployment goes back behind a minor version that RDS has installed.
    engineVersion:
      props.engineVersion ?? AuroraPostgresEngineVersion.of('17', '17', { s3Import: true, s3Export: true }),
    /** Of a provisioned cluster. */
    instanceType: capacity === undefined ? classOf(props, region) : undefined,
    /** Of a serverless one. */
    serverless: capacity,
    readers: props.readers ?? (profile.multiAz ? 1 : 0),
    storageType: props.storageType ?? DBClusterStorageType.AURORA,
  };
}

/** In development a cluster is serverless and pauses, unless a class is given. */
function capacityOf({ serverless, instanceType, profile }: AuroraPostgresDatabaseProps): Capacity | undefined {
  const pauses = profile?.name === 'development';
  if (serverless === undefined && (instanceType !== undefined || !pauses)) {
    return undefined;
  }
  const { minCapacity = pauses ? 0 : 0.5, maxCapacity = Math.max(pauses ? 2 : 8, minCapacity) } = serverless ?? {};
  const autoPause = minCapacity === 0 ? (serverless?.autoPause ?? Duration.minutes(5)) : undefined;
  return { minCapacity, maxCapacity, autoPause };
}

function classOf({ instanceType, profile }: AuroraPostgresDatabaseProps, region: string): InstanceType {
  return instanceType ?? classIn(region, profileValues(profile).databaseInstanceType, 'Aurora');
}
