import { NestedStack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { DatabaseBackup } from '../../backup/database-backup';
import { profileValues } from '../../core/profile';
import { DatabaseDump } from '../../dumps/database-dump';
import { RestoreDrill, type RestoreDrillProps } from '../../dumps/restore-drill';
import { ApplicationAlarms } from '../../monitoring/application-alarms';
import type { DjangoApplicationProps } from '../django-application-props';
import { drillVariables } from './drill-variables';
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
  const { databaseDump, restoreDrill } = makeDumps(scope, props, providers, processes);
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

/**
 * Dumps, and the drill that proves them: what they store in the stack of the application, and the rest in a
 * stack of their own, which an application of any size has room for.
 */
function makeDumps(
  scope: Construct,
  props: DjangoApplicationProps,
  providers: Providers,
  { securityGroup, logGroup, executionRole }: Processes,
): Pick<Observers, 'databaseDump' | 'restoreDrill'> {
  if (props.databaseDump === undefined) {
    return {};
  }
  const { profile, database, cluster } = providers;
  const { image: applicationImage, cpuArchitecture } = props;
  const nested = new NestedStack(scope, 'DumpStack');
  const shared = { profile, database, applicationImage, cpuArchitecture, executionRole };
  const databaseDump = new DatabaseDump(scope, 'Dump', {
    ...props.databaseDump,
    ...shared,
    cluster,
    securityGroup,
    logGroup,
    _place: new Construct(nested, 'Dump'),
  });
  const drill = {
    ...shared,
    dump: databaseDump,
    environment: { ...drillVariables(props, providers), ...props.environment, ...props.restoreDrill?.environment },
    _aliases: props.variableAliases?.names,
    _place: new Construct(nested, 'Drill'),
  };
  return { databaseDump, restoreDrill: makeDrill(scope, props, drill) };
}

/** Restores what was dumped, with the settings of the application, and without a way to anything of it. */
function makeDrill(
  scope: Construct,
  { restoreDrill, settingsModule, databaseOptions, aurora }: DjangoApplicationProps,
  parts: Omit<RestoreDrillProps, 'settingsModule'>,
): RestoreDrill | undefined {
  return (
    restoreDrill &&
    new RestoreDrill(scope, 'Drill', {
      ...restoreDrill,
      ...parts,
      settingsModule,
      variables: (aurora ?? databaseOptions)?.variables,
    })
  );
}
