import path from 'node:path';
import type { Announce } from './announce';
import { ACCOUNT } from './aws/aws';
import { Backing } from './aws/backing';
import type { Doubles } from './aws/doubles';
import { created, type Queue, type SecretStore } from './aws/provision';
import { Rotation } from './aws/rotation';
import { Scheduler } from './aws/scheduler';
import { type Certificate, CertificateAuthority } from './edge/certificates';
import { type ListenerSettings, LoadBalancer } from './edge/load-balancer';
import { clusterArnOf, hostNames, registerNetwork } from './edge/network';
import { portOr } from './edge/ports';
import { TargetGroup } from './edge/target-group';
import { clean } from './image/cache';
import type { Patch } from './image/image';
import type { PostgresServer } from './postgres/postgres';
import type { StopOrder } from './task/draining';
import { lastError } from './task/last-error';
import { Launcher } from './task/launcher';
import { Task } from './task/process';
import { Sandbox } from './task/sandbox';
import { Service } from './task/services';
import type { Assembly } from './template/assembly';
import { Intrinsics } from './template/intrinsics';
import { DEFAULT_IDLE_TIMEOUT, readListeners, readLoadBalancer } from './template/listeners';
import { readServices } from './template/read-services';
import { readTaskDefinition, type TaskDefinition } from './template/task-definition';

export interface RehearsalProps {
  readonly assembly: Assembly;
  readonly cache: string;
  readonly announce: Announce;
  /** Source folder of the application instead of the image's build context. */
  readonly app?: string;
  readonly httpsPort?: number;
  readonly httpPort?: number;
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

/** A stack, run on this machine with real processes. */
export class Rehearsal {
  static async provision(props: RehearsalProps): Promise<Rehearsal> {
    const sandbox = new Sandbox(props.cache);
    const rehearsal = new Rehearsal(props, sandbox);
    try {
      await rehearsal.provision();
    } catch (error) {
      rehearsal.close();
      throw error;
    }
    return rehearsal;
  }

  readonly intrinsics: Intrinsics;
  readonly services: Service[] = [];
  readonly definitions = new Map<string, TaskDefinition>();
  loadBalancer?: LoadBalancer;
  listeners: ListenerSettings[] = [];
  scheduler!: Scheduler;
  rotation!: Rotation;
  authority!: CertificateAuthority;
  /** The bundle that processes are given in place of RDS's. */
  caBundle!: string;
  /** Tasks outside services: releases, schedules, one-off commands. */
  readonly tasks: Task[] = [];
  private readonly groups = new Map<string, TargetGroup>();
  private serverCertificate!: Certificate;
  private backing?: Backing;
  private launcher!: Launcher;

  private constructor(
    private readonly props: RehearsalProps,
    readonly sandbox: Sandbox,
  ) {
    this.intrinsics = new Intrinsics({
      template: props.assembly.template,
      stackName: props.assembly.stackName,
      region: props.assembly.region,
      account: ACCOUNT,
    });
  }

  get region(): string {
    return this.props.assembly.region;
  }

  get assembly(): Assembly {
    return this.props.assembly;
  }

  get queues(): Map<string, Queue> {
    return this.provisioned.queues;
  }

  get secrets(): SecretStore {
    return this.provisioned.secrets;
  }

  get doubles(): Doubles {
    return this.provisioned.doubles;
  }

  get postgres(): PostgresServer | undefined {
    return this.provisioned.postgres;
  }

  get database(): string | undefined {
    return this.provisioned.database;
  }

  /** Seconds that the load balancer lets a connection be silent. */
  get idleTimeout(): number {
    return readLoadBalancer(this.assembly.template, this.intrinsics)?.idleTimeout ?? DEFAULT_IDLE_TIMEOUT;
  }

  /** Whether the application has a file, by the end of its path. */
  imageHas(file: string): boolean {
    return this.launcher.hasFile(file);
  }

  /** Runs the release commands one after the other; throws when one fails, before any service has started. */
  async release(): Promise<Task[]> {
    const releases = [...this.definitions.values()].filter(({ kind }) => kind === 'release');
    const done: Task[] = [];
    for (const definition of releases) {
      this.announce.progress(`release: ${(definition.command ?? []).join(' ')}`);
      const task = await this.run(definition, 'release');
      const exit = await task.exited;
      if (!Task.isClean(exit)) {
        const lines = task.logs.last(12).map((line) => `    ${line}`);
        throw new Error(
          this.secrets.mask(
            `the release failed with ${exit.signal ?? `exit code ${exit.code}`}, so no service starts: ${lastError(task)}\n${lines.join('\n')}`,
          ),
        );
      }
      done.push(task);
    }
    return done;
  }

  /** Starts the load balancer and every service. */
  async start(): Promise<void> {
    await this.listen();
    for (const service of this.services) {
      service.start();
    }
    this.scheduler.start();
  }

  /** Runs a task once, as RunTask does. */
  async run(definition: TaskDefinition, name: string): Promise<Task> {
    const task = await this.launch(definition, name);
    this.tasks.push(task);
    return task;
  }

  /** Where a listener of the template is reached, for example port 443. */
  url(templatePort: number): string {
    const { secure } = this.listeners.find(({ port }) => port === templatePort) ?? { secure: false };
    return `${secure ? 'https' : 'http'}://localhost:${this.loadBalancer?.portOf(templatePort)}`;
  }

  /** Starts a task; throws, naming the variable, when one does not exist. */
  launch(definition: TaskDefinition, name: string): Promise<Task> {
    return this.launcher.launch(definition, name);
  }

  /** Drains everything in order. */
  async stop(): Promise<void> {
    this.scheduler.stop();
    await Promise.all(this.services.map((service) => service.stop()));
    this.close();
  }

  /** Ends everything at once and leaves nothing behind. */
  close(): void {
    this.scheduler?.stop();
    for (const service of this.services) {
      service.abandon();
    }
    this.loadBalancer?.close();
    this.backing?.close();
    this.sandbox.close();
  }

  private get announce(): Announce {
    return this.props.announce;
  }

  private get provisioned(): Backing {
    if (this.backing === undefined) {
      throw new Error('the backing services are not provisioned yet');
    }
    return this.backing;
  }

  private async provision(): Promise<void> {
    const { assembly, cache, app, faults } = this.props;
    const { announce, intrinsics, sandbox } = this;
    const address = await registerNetwork(assembly, intrinsics, announce);
    await this.issueCertificates();
    const { authority, serverCertificate: certificate, caBundle } = this;
    const common = { assembly, intrinsics, sandbox, cache, announce };
    const backing = new Backing({ ...common, authority, certificate, breakDatabase: faults?.database });
    this.backing = backing;
    this.launcher = new Launcher({ ...common, backing, caBundle, app, patches: faults?.patches });
    await Promise.all([this.launcher.prepareImages(), backing.provision()]);
    for (const folder of clean(cache)) {
      announce.progress(`removed ${path.relative(cache, folder)}, which nothing uses any more`);
    }

    this.readDefinitions();
    this.launcher.identify([...this.definitions.values()][0]);
    this.makeServices(address);
    this.listeners = readListeners(assembly.template, intrinsics);
    const { definitions, doubles, secrets, services, region } = this;
    this.scheduler = new Scheduler({
      assembly,
      intrinsics,
      doubles,
      definitions,
      clusterArn: clusterArnOf(assembly),
      run: (definition, name) => this.run(definition, name),
      announce,
    });
    const ca = authority.certificate;
    this.rotation = new Rotation({ assembly, intrinsics, sandbox, doubles, secrets, services, ca, region, announce });
  }

  private async issueCertificates(): Promise<void> {
    this.announce.progress('certificates of a local authority');
    const folder = this.sandbox.folder('certificates');
    this.authority = await CertificateAuthority.create(folder);
    const names = ['localhost', ...hostNames(this.assembly, this.intrinsics)];
    this.serverCertificate = await this.authority.issue('server', names);
    const trusted = this.props.faults?.untrustedCa
      ? await CertificateAuthority.create(folder, 'another-ca')
      : this.authority;
    this.caBundle = trusted.certificate.certFile;
  }

  private readDefinitions(): void {
    const { intrinsics, launcher } = this;
    for (const { id, resource } of created(this.assembly.template, 'AWS::ECS::TaskDefinition', intrinsics)) {
      const { Family } = intrinsics.properties(resource);
      const arn = `arn:aws:ecs:${this.region}:${ACCOUNT}:task-definition/${Family ?? id}:1`;
      intrinsics.register(id, { ref: arn, attributes: { TaskDefinitionArn: arn } });
      const definition = readTaskDefinition(arn, resource, intrinsics, (image) => launcher.hasImage(image));
      if (definition.sidecars.length > 0) {
        this.announce.substitution(`containers beside the application stay paper: ${definition.sidecars.join(', ')}`);
      }
      if (launcher.hasImage(definition.image)) {
        this.definitions.set(arn, this.props.faults?.definition?.(definition) ?? definition);
      }
    }
  }

  private makeServices(loadBalancerAddress: string | undefined): void {
    const { template } = this.assembly;
    const { intrinsics, announce, groups } = this;
    for (const { id, resource } of created(template, 'AWS::ElasticLoadBalancingV2::TargetGroup', intrinsics)) {
      groups.set(id, new TargetGroup(id, resource, intrinsics, announce, loadBalancerAddress));
    }
    for (const read of readServices(template, intrinsics, this.definitions, groups, announce)) {
      this.services.push(
        new Service({
          ...read,
          launch: (definition, name) => this.launch(definition, name),
          order: this.props.faults?.stopOrder ?? 'deregister-first',
        }),
      );
    }
  }

  private async listen(): Promise<void> {
    const settings = readLoadBalancer(this.assembly.template, this.intrinsics);
    if (settings === undefined) {
      return;
    }
    const { groups, serverCertificate: certificate, announce } = this;
    this.loadBalancer = new LoadBalancer({ ...settings, groups, certificate, announce });
    for (const listener of this.listeners) {
      const preferred = listener.secure ? (this.props.httpsPort ?? 8443) : (this.props.httpPort ?? 8080);
      const port = await portOr(preferred);
      await this.loadBalancer.listen(listener, port);
      announce.substitution(`port ${listener.port} of the load balancer is ${port} of this machine`);
    }
  }
}
