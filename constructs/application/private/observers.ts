import { NestedStack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { DatabaseBackup } from '../../backup/database-backup';
import { profileValues } from '../../core/profile';
import { DatabaseDump } from '../../dumps/database-dump';
import { RestoreDrill, type RestoreDrillProps } from '../../dumps/restore-drill';
import { ApplicationAlarms } from '../../monitoring/application-alarms';
import type { DjangoApplicationProps } from '../django-application-props';
import { hasAddress } from './option-effects';
import type { Processes } from './processes';
import type { Providers } from './providers';
import { isTight } from './resource-limit';

/** What reads the application, and changes nothing in it. */
export interface Observers {
  readonly backup?: DatabaseBackup;
  readonly databaseDump?: DatabaseDump;
  readonly restoreDrill?: RestoreDrill;
  readonly alarms: ApplicationAlarms;
}

/** Makes the observers, as children of the application. */
export function makeObservers(
  scope: Construct,
  props: DjangoApplicationProps,
  providers: Providers,
  processes: Processes,
): Observers {
  const backup = makeBackup(scope, props, providers);
  const databaseDump = makeDump(scope, props, providers, processes);
  const restoreDrill =
    databaseDump && makeDrill(scope, props, providers, { dump: databaseDump, executionRole: processes.executionRole });
  const { loadBalancer, secretKey, database, urlSigningKeys, cacheStore } = providers;
  const [secretRefresh, ...moreSecretRefreshes] = processes.secretRefreshes;
  const place = isTight(scope, processes, { ...providers, databaseDump, restoreDrill })
    ? new NestedStack(scope, 'AlarmStack')
    : scope;
  const alarms = new ApplicationAlarms(place, 'Alarms', {
    topic: providers.notifications.topic,
    cluster: providers.cluster,
    loadBalancer,
    loadBalancedServices: processes.loadBalancedServices,
    services: processes.services,
    database,
    broker: providers.broker,
    cacheStore,
    outgoingMail: providers.outgoingMail,
    scheduledCommands: Object.values(processes.scheduledCommands),
    certificate: loadBalancer.certificate,
    backup,
    databaseDump,
    restoreDrill,
    rotationFunctions: [
      secretKey.rotationFunction,
      ...database.rotationFunctions,
      urlSigningKeys?.rotationFunction,
      cacheStore?.rotationFunction,
    ].filter((each) => each !== undefined),
    secrets: [...new Set(processes.services.flatMap(({ changingSecrets }) => changingSecrets))],
    heartbeat: props.heartbeat,
    secretRefresh,
    moreSecretRefreshes,
    logGroup: processes.logGroup,
    dashboard: profileValues(providers.profile).dashboard,
    thresholds: hasAddress(props) ? props.alarmThresholds : { ...props.alarmThresholds, certificateDays: undefined },
  });
  return { backup, databaseDump, restoreDrill, alarms };
}

function makeBackup(
  scope: Construct,
  { backupOptions, handlerReservedConcurrency }: DjangoApplicationProps,
  { profile, database, vpc, notifications }: Providers,
): DatabaseBackup | undefined {
  return profileValues(profile).databaseBackup
    ? new DatabaseBackup(scope, 'Backup', {
        handlerReservedConcurrency,
        ...backupOptions,
        profile,
        database,
        vpc,
        notifications,
      })
    : undefined;
}

/** A task of the application, started by a schedule. */
function makeDump(
  scope: Construct,
  { databaseDump, image, cpuArchitecture }: DjangoApplicationProps,
  { profile, database, cluster }: Providers,
  { securityGroup, logGroup, executionRole }: Processes,
): DatabaseDump | undefined {
  return (
    databaseDump &&
    new DatabaseDump(scope, 'Dump', {
      ...databaseDump,
      profile,
      cluster,
      database,
      applicationImage: image,
      cpuArchitecture,
      securityGroup,
      logGroup,
      executionRole,
    })
  );
}

/** Restores what was dumped, with the settings of the application, and without a way to anything of it. */
function makeDrill(
  scope: Construct,
  {
    restoreDrill,
    image,
    settingsModule,
    databaseOptions,
    aurora,
    environment,
    cpuArchitecture,
  }: DjangoApplicationProps,
  { profile, database }: Providers,
  parts: Pick<RestoreDrillProps, 'dump' | 'executionRole'>,
): RestoreDrill | undefined {
  return (
    restoreDrill &&
    new RestoreDrill(scope, 'Drill', {
      ...restoreDrill,
      environment: { ...environment, ...restoreDrill.environment },
      ...parts,
      profile,
      database,
      applicationImage: image,
      settingsModule,
      variables: (aurora ?? databaseOptions)?.variables,
      cpuArchitecture,
    })
  );
}
