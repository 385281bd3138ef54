import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { logGroup as makeLogGroup } from '../../core/log-group';
import { type Address, addressOf, hostNamesOf } from '../../edge/host-names';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import { AsgiService } from '../../processes/asgi-service';
import { BeatService } from '../../processes/beat-service';
import type { IDjangoService, ILoadBalancedService } from '../../processes/django-service';
import { processSecurityGroup } from '../../processes/egress';
import { executionRole } from '../../processes/execution-role';
import type { ProcessProps } from '../../processes/process-props';
import { ReleaseCommand } from '../../processes/release-command';
import { queueOfFailures, ScheduledCommand } from '../../processes/scheduled-command';
import { WebService } from '../../processes/web-service';
import { WorkerService, type WorkerServiceOptions } from '../../processes/worker-service';
import type { ICeleryBroker } from '../../queues/celery-broker';
import { refreshGroups, SecretRefresh } from '../../secrets/secret-refresh';
import type { DjangoApplicationProps } from '../django-application-props';
import { annexesOf } from './annexes';
import { checkConnections, withCeilings } from './connections';
import { takesEveryPath } from './option-effects';
import { lambdaSettings, type Providers } from './providers';

/** One image, run with different commands. */
export interface Processes {
  readonly logGroup: ILogGroup;
  readonly securityGroup: ISecurityGroup;
  readonly executionRole: IRole;
  readonly release: ReleaseCommand;
  readonly web?: WebService;
  readonly asgi?: AsgiService;
  readonly workers: { [name: string]: WorkerService };
  readonly beat?: BeatService;
  readonly scheduledCommands: { [name: string]: ScheduledCommand };
  readonly secretRefreshes: SecretRefresh[];
  /** Whether some stand in nested stacks, because one stack has no room for all. */
  readonly areDivided: boolean;
  /** Web and ASGI, as far as there are such. */
  readonly loadBalancedServices: ILoadBalancedService[];
  /** Everything that keeps running. */
  readonly services: IDjangoService[];
}

/** Of the processes that make no address for anybody: the fewer have a private key, the better. */
const NOTHING_TO_SIGN = { urlSigningKeys: undefined };

/** Makes the processes, as children of the application: first the release, then what waits for it. */
export function makeProcesses(scope: Construct, props: DjangoApplicationProps, providers: Providers): Processes {
  const { broker, loadBalancer, database, notifications, encryptionKey } = providers;
  const nameOfCdn = nameWithoutDomain(providers);
  const { logGroup, securityGroup, role, processProps } = makeShared(scope, props, providers);

  // A process behind the load balancer allows its own host names; one that is not allows those of all.
  const withoutDoor = {
    ...processProps,
    ...(nameOfCdn ?? addressOf(loadBalancer, allHostNames(props, loadBalancer))),
  };
  const release = new ReleaseCommand(scope, 'Release', {
    ...withoutDoor,
    ...NOTHING_TO_SIGN,
    encryptionKey,
    ...lambdaSettings(props, notifications),
    ...props.releaseOptions,
    staticFiles: providers.cdn?.staticFiles,
  });
  serveAfter(release, providers);
  const afterRelease = { waitFor: [release.ready] };
  const alarmTopic = notifications.topic;
  const behindLoadBalancer = { ...processProps, ...nameOfCdn, ...afterRelease, alarmTopic, loadBalancer };
  const inBackground = { ...withoutDoor, ...afterRelease };

  const web = takesEveryPath(props.asgi)
    ? undefined
    : new WebService(scope, 'Web', { ...behindLoadBalancer, ...props.web });
  const asgi = props.asgi && new AsgiService(scope, 'Asgi', { ...behindLoadBalancer, ...props.asgi });
  const loadBalancedServices = [web, asgi].filter((service) => service !== undefined);
  const options = withCeilings(props, database, workersOf(props, broker), loadBalancedServices);
  const annexes = annexesOf(scope, props, providers, {
    workers: options,
    services: loadBalancedServices.map(({ service }) => service),
  });
  const workers = makeEach(scope, 'Workers', options, (parent, name, worker) => {
    return new WorkerService(annexes.workers.get(name) ?? parent, name, { ...inBackground, alarmTopic, ...worker });
  });
  const beat = props.beat && new BeatService(scope, 'Beat', { ...inBackground, ...NOTHING_TO_SIGN, ...props.beat });
  const scheduledCommands = makeEach(scope, 'Schedules', props.scheduledCommands ?? {}, (parent, name, command) => {
    const commandProps = { ...inBackground, ...command };
    const annex = annexes.scheduledCommands.get(name);
    if (annex !== undefined) {
      const deadLetterQueue =
        command.deadLetterQueue ?? queueOfFailures(new Construct(parent, name), { ...commandProps, encryptionKey });
      return new ScheduledCommand(annex, name, { ...commandProps, deadLetterQueue });
    }
    const ofItsQueue = command.deadLetterQueue === undefined ? { encryptionKey } : {};
    return new ScheduledCommand(parent, name, { ...commandProps, ...ofItsQueue });
  });

  const services = [...loadBalancedServices, ...Object.values(workers), ...(beat ? [beat] : [])];
  checkConnections(scope, props, database, { services, beat });
  const secretRefreshes = makeSecretRefreshes(scope, props, providers, services);
  const shared = { logGroup, securityGroup, executionRole: role };
  const made = { ...shared, release, web, asgi, workers, beat, scheduledCommands, secretRefreshes };
  const areDivided = annexes.workers.size + annexes.scheduledCommands.size > 0;
  return { ...made, loadBalancedServices, services, areDivided };
}

/** What all processes have in common: log group, security group, execution role, and what they are told. */
function makeShared(scope: Construct, props: DjangoApplicationProps, providers: Providers) {
  const { profile, encryptionKey, vpc, cluster, database, secretKey, broker } = providers;
  const { urlSigningKeys, cacheStore, outgoingMail } = providers;
  const logGroup = makeLogGroup(scope, 'Logs', { profile, encryptionKey });
  const description = `Every process of ${scope.node.path}`;
  const securityGroup = processSecurityGroup(scope, 'Processes', { vpc, description, egress: props.egress });
  const role = executionRole(scope, 'ExecutionRole');
  const processProps: ProcessProps = {
    profile,
    cluster,
    image: props.image,
    settingsModule: props.settingsModule,
    database,
    secretKey,
    broker,
    mediaStorage: providers.cdn?.mediaStorage ?? providers.mediaStorage,
    urlSigningKeys,
    cacheStore,
    outgoingMail,
    environment: props.environment,
    variableAliases: props.variableAliases,
    secrets: props.secrets,
    cpuArchitecture: props.cpuArchitecture,
    securityGroup,
    executionRole: role,
    logGroup,
  };
  return { logGroup, securityGroup, role, processProps };
}

/** Replaces the services when a secret of theirs changes, unless none can: one refresh for as many as fit. */
function makeSecretRefreshes(
  scope: Construct,
  props: DjangoApplicationProps,
  { profile, encryptionKey, notifications }: Providers,
  services: IDjangoService[],
): SecretRefresh[] {
  const secrets = [...new Set(services.flatMap(({ changingSecrets }) => changingSecrets))];
  const groups = secrets.length === 0 ? [] : refreshGroups(services.map(({ service }) => service));
  return groups.map((group, index) => {
    return new SecretRefresh(scope, index === 0 ? 'SecretRefresh' : `SecretRefresh${index + 1}`, {
      profile,
      encryptionKey,
      ...lambdaSettings(props, notifications),
      secrets,
      services: group,
    });
  });
}

/**
 * The distribution turns to the bucket of static files when the release has filled it.
 *
 * Without a domain it cannot wait: the release is told its name.
 */
function serveAfter(release: ReleaseCommand, { cdn, loadBalancer }: Providers): void {
  if (cdn?.staticFiles !== undefined && loadBalancer.domainNames.length > 0) {
    cdn.distribution.node.addDependency(release.ready);
  }
}

/** The name of a distribution without a domain, which its load balancer does not know. */
function nameWithoutDomain({ cdn, loadBalancer }: Providers): Address | undefined {
  return cdn === undefined || loadBalancer.domainNames.length > 0
    ? undefined
    : { allowedHosts: cdn.hostNames, csrfTrustedOrigins: [cdn.url] };
}

/** The host names of every service behind the load balancer, each once. */
function allHostNames({ web, asgi }: DjangoApplicationProps, loadBalancer: IHttpsLoadBalancer): string[] {
  const doors = [...(takesEveryPath(asgi) ? [] : [web ?? {}]), ...(asgi === undefined ? [] : [asgi])];
  return [...new Set(doors.flatMap(({ hostNames }) => hostNames ?? hostNamesOf(loadBalancer)))];
}

/** The workers that are asked for; where none is named, one for all queues. */
function workersOf(
  { workers }: DjangoApplicationProps,
  broker: ICeleryBroker | undefined,
): { [name: string]: WorkerServiceOptions } {
  return workers ?? (broker === undefined ? {} : { worker: { queueNames: Object.keys(broker.queues) } });
}

/** Makes one child for each name, all below a namespace of their own. */
function makeEach<Options, Made>(
  scope: Construct,
  id: string,
  options: { [name: string]: Options },
  make: (parent: Construct, name: string, options: Options) => Made,
): { [name: string]: Made } {
  const parent = new Construct(scope, id);
  return Object.fromEntries(Object.entries(options).map(([name, given]) => [name, make(parent, name, given)]));
}
