import path from 'node:path';
import type { Announce } from './announce';
import { type Backing, provisionBacking } from './aws/backing';
import { resolveReferences } from './aws/dynamic-references';
import { OutsideValues } from './aws/outside-values';
import { Rotation } from './aws/rotation';
import { Scheduler } from './aws/scheduler';
import { DRILL_KIND, type DumpTask, RESTORE_KIND, readDumps } from './dumps/dump-task';
import { type Certificate, CertificateAuthority } from './edge/certificates';
import { Distribution } from './edge/distribution';
import { type ListenerSettings, LoadBalancer } from './edge/load-balancer';
import { announceShared, hostNames, registerNetwork } from './edge/network';
import { TargetGroup } from './edge/target-group';
import type { Engine } from './engine/engine';
import { engineRunner } from './engine/engine-runner';
import { Given } from './given';
import { clean, sweep } from './image/cache';
import type { ImageOverrides } from './image/image';
import { NotRunnableHere } from './image/not-runnable-here';
import type { Patch } from './image/patch';
import type { PostgresServer } from './postgres/postgres';
import { processRunner } from './processes/process-host';
import type { Host, KnownImage } from './task/container';
import type { StopOrder } from './task/draining';
import { type Attach, type Launch, Launcher } from './task/launcher';
import type { Task } from './task/process';
import { Sandbox } from './task/sandbox';
import { Service } from './task/services';
import type { Assembly } from './template/assembly';
import { type CacheBehavior, readDistribution, unreachableFor, viewerListeners } from './template/distribution';
import { Intrinsics } from './template/intrinsics';
import { DEFAULT_IDLE_TIMEOUT, readListeners, readLoadBalancer } from './template/listeners';
import { readDefinitions } from './template/read-definitions';
import { readServices } from './template/read-services';
import { releaseTimeouts } from './template/release-timeouts';
import type { TaskDefinition } from './template/task-definition';

export interface RehearsalProps {
  readonly assembly: Assembly;
  readonly cache: string;
  readonly announce: Announce;
  /** Source folder of the application instead of the image's build context. */
  readonly app?: string;
  readonly overrides?: ImageOverrides;
  /** Runs the image itself. @default - processes of this machine stand for it */
  readonly engine?: Engine;
  /** Platform that the engine builds for, in the place of the template's. */
  readonly platform?: string;
  /** Values for what the template only names. */
  readonly given?: Given;
  readonly httpsPort?: number;
  readonly httpPort?: number;
  /**
   * Whether processes give SQS's double no more time than the template gives SQS.
   *
   * Only for runs in which little else goes on. @default false
   */
  readonly isHurried?: boolean;
  /**
   * Folders with the data of servers that have ended, by the names of the snapshots that they stand for.
   *
   * @default - the database of a template that starts from a snapshot is empty
   */
  readonly snapshots?: ReadonlyMap<string, string>;
  /** Faults, for the mutation proof. */
  readonly faults?: Faults;
}

/** What a mutation breaks beside the template. */
export interface Faults {
  readonly untrustedCa?: boolean;
  readonly stopOrder?: StopOrder;
  readonly patches?: Patch[];
  /** Changes task definitions after everything in them is resolved. */
  readonly definition?: (definition: TaskDefinition) => TaskDefinition;
  /** Breaks the database before the release. */
  readonly database?: (postgres: PostgresServer, database: string) => Promise<void>;
}

/** What a rehearsal consists of. Nothing of it is started but the backing services. */
export interface Parts extends Backing {
  readonly props: RehearsalProps;
  readonly sandbox: Sandbox;
  readonly authority: CertificateAuthority;
  /** The bundle that processes are given in place of RDS's. */
  readonly caBundle: string;
  readonly images: ReadonlyMap<string, KnownImage>;
  /** Runs the containers. */
  readonly host: Host;
  readonly definitions: ReadonlyMap<string, TaskDefinition>;
  /** What the references of the template mean here. */
  readonly intrinsics: Intrinsics;
  /** Tasks that dump the database. */
  readonly dumps: readonly DumpTask[];
  /** Tasks that restore the newest dump, and have the application look at it. */
  readonly drills: readonly DumpTask[];
  /** Tasks that copy a table from a dump into the database. */
  readonly restores: readonly DumpTask[];
  /** Seconds that a release may take, by the ARN of its task definition. */
  readonly releaseTimeouts: ReadonlyMap<string, number>;
  /** Whether file systems in memory have the size of the template. */
  readonly mounts: boolean;
  readonly launch: Launch;
  /** Runs a task once, as RunTask does. */
  readonly run: Launch;
  /** The same for a task that takes somebody's terminal. */
  readonly attach: Attach;
  /**
   * Prepares the images again from their sources, for the tasks that start from then on.
   *
   * Gives what takes that back; throws, and changes nothing, where they cannot be built.
   */
  readonly rebuild: () => Promise<() => void>;
  /** Tasks outside services: releases, schedules, one-off commands. */
  readonly tasks: readonly Task[];
  /** What visitors meet: the listeners of the load balancer, or those of a distribution before it. */
  readonly listeners: readonly ListenerSettings[];
  /** The listener of the load balancer that the distribution calls. */
  readonly origin?: ListenerSettings;
  readonly distribution?: Distribution;
  /** What the distribution does by path; the last one takes every path. */
  readonly behaviors?: readonly CacheBehavior[];
  /** What has those listeners: the distribution, or else the load balancer. */
  readonly door?: Distribution | LoadBalancer;
  /** Seconds that the load balancer lets a connection be silent. */
  readonly idleTimeout: number;
  readonly loadBalancer?: LoadBalancer;
  readonly services: readonly Service[];
  readonly scheduler: Scheduler;
  readonly rotation: Rotation;
}

/** Makes everything that a stack's processes need; leaves nothing behind when something fails. */
export async function provision(props: RehearsalProps): Promise<Parts> {
  const sandbox = new Sandbox(props.cache);
  try {
    return await provisionIn(sandbox, props);
  } catch (error) {
    sandbox.close();
    throw error;
  }
}

/** What a distribution is made of, beside the load balancer. */
interface Behind {
  readonly intrinsics: Intrinsics;
  readonly authority: CertificateAuthority;
  readonly certificate: Certificate;
  readonly backing: Backing;
  readonly props: RehearsalProps;
}

async function provisionIn(sandbox: Sandbox, props: RehearsalProps): Promise<Parts> {
  const { assembly, cache, app, faults, announce, overrides } = props;
  const { template, stackName, region, account } = assembly;
  const intrinsics = new Intrinsics({ template, stackName, region, account });
  const common = { assembly, intrinsics, sandbox, cache, announce };
  checkReachable(intrinsics);
  const localAddress = await registerNetwork(assembly, intrinsics, announce);
  const { authority, certificate, caBundle } = await issueCertificates(sandbox, intrinsics, props);
  const imageProps = { ...common, app, overrides, patches: faults?.patches };
  const { engine, platform } = props;
  const prepare = () =>
    engine === undefined ? processRunner(imageProps) : engineRunner({ ...imageProps, engine, platform });
  const [runner, backing] = await Promise.all([
    prepare(),
    provisionBacking({
      ...common,
      ...{ authority, certificate, snapshots: props.snapshots },
      breakDatabase: faults?.database,
    }),
  ]);
  for (const folder of clean(cache)) {
    announce.progress(`removed ${path.relative(cache, folder)}, which nothing uses any more`);
  }
  void sweep(cache); // Many files take seconds: nothing waits for them.

  const { images } = runner;
  const { parameters, secrets } = backing;
  const outside = new OutsideValues({ given: props.given ?? Given.NOTHING, parameters, secrets, announce });
  const read = readDefinitions({ assembly, intrinsics, images, localAddress, announce });
  const definitions = await outside.fill(broken(read, faults));
  const host = await runner.host(definitions, caBundle);
  const launcher = new Launcher({ sandbox, announce, backing, host, isHurried: props.isHurried ?? false });
  const launch: Launch = (definition, name) => launcher.launch(definition, name);
  const rebuild = async () => {
    const fresh = await prepare();
    const before = launcher.use(await fresh.host(definitions, caBundle));
    return () => void launcher.use(before);
  };
  const attach: Attach = (definition, name, terminal) => launcher.attach(definition, name, terminal);
  const tasks: Task[] = [];
  const run: Launch = async (definition, name) => {
    const task = await launch(definition, name);
    tasks.push(task);
    return task;
  };

  const groups = targetGroups(intrinsics, announce, localAddress);
  const order = faults?.stopOrder ?? 'deregister-first';
  const services = readServices({ intrinsics, definitions, groups, announce }).map(
    (read) => new Service({ ...read, launch, order }),
  );
  const balancer = readLoadBalancer(intrinsics);
  const ofTemplate = readListeners(intrinsics);
  announceShared(assembly, ofTemplate, announce);
  const loadBalancer = balancer && new LoadBalancer({ ...balancer, groups, certificate, announce });
  const before = await distributionBefore(loadBalancer, ofTemplate, {
    ...{ intrinsics, authority, certificate, props },
    backing,
  });
  const listeners = before?.listeners ?? ofTemplate;
  const { doubles } = backing;
  const ca = authority.certificate;
  return {
    ...backing,
    mounts: host.mounts,
    ...{
      props,
      sandbox,
      authority,
      caBundle,
      images,
      host,
      definitions,
      launch,
      run,
      attach,
      rebuild,
      tasks,
      services,
    },
    intrinsics,
    dumps: readDumps(intrinsics),
    drills: readDumps(intrinsics, DRILL_KIND),
    restores: readDumps(intrinsics, RESTORE_KIND),
    releaseTimeouts: releaseTimeouts(intrinsics),
    listeners,
    origin: before?.origin,
    distribution: before?.distribution,
    behaviors: before?.behaviors,
    door: before?.distribution ?? loadBalancer,
    idleTimeout: balancer?.idleTimeout ?? DEFAULT_IDLE_TIMEOUT,
    loadBalancer,
    scheduler: new Scheduler({ assembly, intrinsics, doubles, definitions, run, announce }),
    rotation: new Rotation({ assembly, intrinsics, sandbox, doubles, secrets, services, ca, region, announce }),
  };
}

/** Every request to a load balancer behind the distribution of another stack would meet 403. */
function checkReachable(intrinsics: Intrinsics): void {
  const header = unreachableFor(intrinsics);
  if (header !== undefined) {
    throw new NotRunnableHere(
      `Every rule of the load balancer asks for the secret of a distribution in ${header}, and the stack has no such distribution. Put \`Cdn\` into the stack that is rehearsed, or leave \`behindDistribution\` and \`Cdn\` out for the rehearsal.`,
    );
  }
}

/** The distribution before the load balancer, where the template has one, and what visitors meet at it. */
async function distributionBefore(
  loadBalancer: LoadBalancer | undefined,
  [first]: readonly ListenerSettings[],
  { intrinsics, authority, certificate, backing, props }: Behind,
): Promise<Required<Pick<Parts, 'distribution' | 'behaviors' | 'origin' | 'listeners'>> | undefined> {
  const settings = readDistribution(intrinsics, props.assembly.template);
  if (settings === undefined || loadBalancer === undefined) {
    return undefined;
  }
  const [resolved, origin] = await resolveReferences([settings, first] as const, backing.secrets);
  const distribution = new Distribution({
    ...resolved,
    origin: { secure: origin.secure, port: () => loadBalancer.portOf(origin.port) },
    certificate,
    ca: authority.certificate.cert,
    files: backing.signed.files,
    keyGroups: backing.keyGroups,
    announce: props.announce,
  });
  loadBalancer.standBehind((port) => distribution.portOf(port));
  const { behaviors } = resolved;
  return { distribution, behaviors, origin, listeners: viewerListeners(resolved, origin) };
}

async function issueCertificates(
  sandbox: Sandbox,
  intrinsics: Intrinsics,
  { assembly, announce, faults }: RehearsalProps,
): Promise<{ authority: CertificateAuthority; certificate: Certificate; caBundle: string }> {
  announce.progress('certificates of a local authority');
  const folder = sandbox.folder('certificates');
  const authority = await CertificateAuthority.create(folder);
  const certificate = await authority.issue('server', ['localhost', ...hostNames(assembly, intrinsics)]);
  const trusted = faults?.untrustedCa ? await CertificateAuthority.create(folder, 'another-ca') : authority;
  return { authority, certificate, caBundle: trusted.certificate.certFile };
}

/** Task definitions as a mutation wants them. */
function broken(definitions: ReadonlyMap<string, TaskDefinition>, faults?: Faults): typeof definitions {
  return new Map([...definitions].map(([arn, definition]) => [arn, faults?.definition?.(definition) ?? definition]));
}

function targetGroups(
  intrinsics: Intrinsics,
  announce: Announce,
  localAddress: string | undefined,
): ReadonlyMap<string, TargetGroup> {
  const groups = intrinsics.created('AWS::ElasticLoadBalancingV2::TargetGroup');
  return new Map(
    groups.map(({ id, resource }) => {
      const properties = intrinsics.properties(resource);
      return [id, new TargetGroup({ arn: id, properties, announce, localAddress })];
    }),
  );
}
