import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from './announce';
import { type Assembly, type ImageAsset, resourcesOfType } from './assembly';
import { clean, use } from './cache';
import { type Certificate, CertificateAuthority } from './certificates';
import { makeDatabaseRoles } from './database-roles';
import { Doubles } from './doubles';
import type { StopOrder } from './draining';
import { type Identity, identity, YOURSELF } from './identity';
import { type Image, type Patch, prepareImage } from './image';
import { Intrinsics, isPaper } from './intrinsics';
import { lastError } from './last-error';
import { type ListenerSettings, LoadBalancer } from './load-balancer';
import { canUseAddress, freePort, LOOPBACK, portOr } from './ports';
import { PostgresServer } from './postgres';
import { postgresBinaries } from './postgres-binaries';
import { Task, taskUser } from './process';
import {
  ACCOUNT,
  attachSecrets,
  created,
  type DatabaseSettings,
  databaseSettings,
  provisionBuckets,
  provisionQueues,
  provisionSecrets,
  type Queue,
  SecretStore,
} from './provision';
import { Rotation } from './rotation';
import { Sandbox } from './sandbox';
import { Scheduler } from './scheduler';
import { Service } from './services';
import { TargetGroup } from './target-group';
import { readTaskDefinition, type TaskDefinition } from './task-definition';

/** Where the load balancer's connections come from, so that servers can tell it from clients. */
const LOAD_BALANCER_ADDRESS = '127.0.0.2';

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
  queues = new Map<string, Queue>();
  secrets!: SecretStore;
  doubles!: Doubles;
  postgres?: PostgresServer;
  database?: string;
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
  private readonly images = new Map<string, Image>();
  private readonly counts = new Map<string, number>();
  private serverCertificate!: Certificate;
  private localAddress?: string;
  private uid?: number;
  private identity: Identity = YOURSELF;

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

  /** Seconds that the load balancer lets a connection be silent. */
  get idleTimeout(): number {
    const [balancer] = created(this.assembly.template, 'AWS::ElasticLoadBalancingV2::LoadBalancer', this.intrinsics);
    const attributes = keyValues(balancer && this.intrinsics.properties(balancer.resource).LoadBalancerAttributes);
    return Number(attributes['idle_timeout.timeout_seconds'] ?? 60);
  }

  /** Whether the application has a file, by the end of its path. */
  imageHas(file: string): boolean {
    return [...this.images.values()].some(({ root, defaults }) =>
      existsSync(path.join(root, defaults.workingDirectory, file)),
    );
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

  /** A task starts with the variables and secrets of its definition; throws, naming the variable, when one does not exist. */
  async launch(definition: TaskDefinition, name: string): Promise<Task> {
    const id = `${name}/${this.next(name)}`;
    const environment: Record<string, string> = { ...definition.environment };
    for (const [variable, valueFrom] of Object.entries(definition.secrets)) {
      try {
        environment[variable] = await this.secrets.inject(variable, valueFrom);
      } catch (error) {
        throw new Error(`${name} cannot start: ${(error as Error).message}`);
      }
    }
    for (const [variable, value] of Object.entries(environment)) {
      if (isPaper(value)) {
        this.announce.substitution(`${variable} of ${name} has no counterpart here: ${value}`);
      }
    }
    const caPath = environment.PGSSLROOTCERT;
    return new Task({
      id,
      definition,
      image: this.images.get(definition.image) as Image,
      sandbox: this.sandbox,
      announce: this.announce,
      identity: this.identity,
      uid: this.uid,
      port: definition.port === undefined ? undefined : await freePort(),
      caBundle: caPath === undefined ? undefined : { path: caPath, local: this.caBundle },
      environment,
      machine: {
        LANG: 'C.UTF-8',
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONUNBUFFERED: '1',
        AWS_ACCESS_KEY_ID: 'rehearsal',
        AWS_SECRET_ACCESS_KEY: 'rehearsal',
        AWS_ENDPOINT_URL: this.doubles.endpoint,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    });
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
    void this.doubles?.gate.close().catch(() => undefined);
    this.sandbox.close();
  }

  private get announce(): Announce {
    return this.props.announce;
  }

  private next(name: string): number {
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    return count;
  }

  private async provision(): Promise<void> {
    const { assembly } = this.props;
    const { announce, intrinsics } = this;
    await this.network();
    announce.progress('certificates of a local authority');
    const folder = this.sandbox.folder('certificates');
    this.authority = await CertificateAuthority.create(folder);
    this.serverCertificate = await this.authority.issue('server', ['localhost', ...this.domains()]);
    const other = this.props.faults?.untrustedCa
      ? await CertificateAuthority.create(folder, 'another-ca')
      : this.authority;
    this.caBundle = other.certificate.certFile;

    await Promise.all([this.prepareImages(), this.provisionBacking()]);
    for (const folder of clean(this.props.cache)) {
      announce.progress(`removed ${path.relative(this.props.cache, folder)}, which nothing uses any more`);
    }
    this.readDefinitions();
    this.identity = this.identify();
    this.readServices();
    this.listeners = this.readListeners();
    this.scheduler = new Scheduler({
      assembly,
      intrinsics,
      doubles: this.doubles,
      definitions: this.definitions,
      clusterArn: this.clusterArn(),
      run: (definition, name) => this.run(definition, name),
      announce,
    });
    const { doubles, sandbox, secrets, services, region } = this;
    const ca = this.authority.certificate;
    this.rotation = new Rotation({ assembly, intrinsics, sandbox, doubles, secrets, services, ca, region, announce });
  }

  private async network(): Promise<void> {
    const { template } = this.props.assembly;
    this.localAddress = (await canUseAddress(LOAD_BALANCER_ADDRESS)) ? LOAD_BALANCER_ADDRESS : undefined;
    const cidr = `${this.localAddress ?? LOOPBACK}/32`;
    this.announce.substitution(`the network is loopback: the VPC's CIDR reads ${cidr}, where the load balancer sits`);
    for (const { id } of resourcesOfType(template, 'AWS::EC2::VPC')) {
      this.intrinsics.register(id, { ref: id, attributes: { CidrBlock: cidr, VpcId: id } });
    }
    for (const { id } of resourcesOfType(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer')) {
      this.intrinsics.register(id, { ref: id, attributes: { DNSName: 'localhost', LoadBalancerArn: id } });
    }
    for (const type of ['AWS::ElasticLoadBalancingV2::Listener', 'AWS::ElasticLoadBalancingV2::TargetGroup']) {
      for (const { id } of resourcesOfType(template, type)) {
        this.intrinsics.register(id, { ref: id, attributes: { ListenerArn: id, TargetGroupArn: id } });
      }
    }
    for (const { id } of resourcesOfType(template, 'AWS::ECS::Cluster')) {
      const arn = `arn:aws:ecs:${this.region}:${ACCOUNT}:cluster/${id}`;
      this.intrinsics.register(id, { ref: id, attributes: { Arn: arn } });
    }
    for (const { id } of resourcesOfType(template, 'AWS::ECS::Service')) {
      this.intrinsics.register(id, { ref: id, attributes: { Name: id, ServiceArn: id } });
    }
  }

  private clusterArn(): string {
    const [cluster] = resourcesOfType(this.props.assembly.template, 'AWS::ECS::Cluster');
    return `arn:aws:ecs:${this.region}:${ACCOUNT}:cluster/${cluster?.id ?? 'rehearsal'}`;
  }

  /** Host names of the listener rules, for the certificate. */
  private domains(): string[] {
    return resourcesOfType(this.props.assembly.template, 'AWS::ElasticLoadBalancingV2::ListenerRule')
      .flatMap(({ resource }) => this.intrinsics.properties(resource).Conditions ?? [])
      .flatMap((condition) => condition.HostHeaderConfig?.Values ?? [])
      .filter((name) => typeof name === 'string' && name !== 'localhost' && !isPaper(name));
  }

  private async provisionBacking(): Promise<void> {
    const { assembly, cache } = this.props;
    const { announce, intrinsics } = this;
    announce.progress('doubles of SQS, Secrets Manager and S3');
    const venv = await Doubles.install(cache);
    use(this.sandbox.directory, [venv]);
    this.doubles = await Doubles.start(this.sandbox, venv, this.region);
    this.secrets = new SecretStore(this.doubles);
    const { secrets } = this;
    const settings = databaseSettings(assembly, intrinsics, secrets, announce);
    if (settings !== undefined) {
      announce.progress(`PostgreSQL ${settings.major} with TLS`);
      this.postgres = await PostgresServer.start({
        sandbox: this.sandbox,
        binaries: postgresBinaries(cache, settings.major, announce),
        certificate: this.serverCertificate,
        announce,
        parameters: settings.parameters,
      });
      const { host, port } = this.postgres;
      for (const { id } of resourcesOfType(assembly.template, 'AWS::RDS::DBInstance')) {
        intrinsics.register(id, {
          ref: id,
          attributes: {
            'Endpoint.Address': host,
            'Endpoint.Port': String(port),
            DBInstanceArn: `arn:aws:rds:${this.region}:${ACCOUNT}:db:${id}`,
            DbiResourceId: `db-${id}`,
          },
        });
      }
    }
    await provisionSecrets(assembly, intrinsics, secrets);
    if (settings !== undefined && this.postgres !== undefined) {
      await this.createDatabase(settings, this.postgres);
    }
    announce.progress('queues and buckets');
    this.queues = await provisionQueues(assembly, intrinsics, this.doubles);
    await provisionBuckets(assembly, intrinsics, this.doubles);
  }

  private async createDatabase(settings: DatabaseSettings, postgres: PostgresServer): Promise<void> {
    const { assembly, faults } = this.props;
    // The master's name and password are looked up now that the secrets exist.
    const now = databaseSettings(assembly, this.intrinsics, this.secrets, this.announce) ?? settings;
    this.database = now.name ?? 'postgres';
    const password = await now.password();
    this.secrets.remember(password);
    await postgres.createDatabase(this.database, await now.master(), password);
    await attachSecrets(assembly, this.intrinsics, this.secrets, {
      host: postgres.host,
      port: postgres.port,
      database: now.name,
    });
    await makeDatabaseRoles({
      assembly,
      intrinsics: this.intrinsics,
      doubles: this.doubles,
      ca: this.authority.certificate,
      server: this.serverCertificate,
      region: this.region,
      announce: this.announce,
    });
    await faults?.database?.(postgres, this.database);
  }

  private async prepareImages(): Promise<void> {
    const { assembly, cache, app, faults } = this.props;
    for (const { resource } of resourcesOfType(assembly.template, 'AWS::ECS::TaskDefinition')) {
      for (const container of this.intrinsics.properties(resource).ContainerDefinitions ?? []) {
        const asset = imageAsset(assembly, container.Image, app);
        if (asset !== undefined && !this.images.has(container.Image)) {
          const image = await prepareImage(asset, cache, this.announce, faults?.patches);
          use(this.sandbox.directory, [image.root, image.venv]);
          this.images.set(container.Image, image);
        }
      }
    }
    if (this.images.size === 0) {
      throw new Error(
        'no task definition uses an image that the assembly can build. Give its source folder with --app.',
      );
    }
  }

  private readDefinitions(): void {
    const { intrinsics } = this;
    for (const { id, resource } of created(this.props.assembly.template, 'AWS::ECS::TaskDefinition', intrinsics)) {
      const { Family } = intrinsics.properties(resource);
      const arn = `arn:aws:ecs:${this.region}:${ACCOUNT}:task-definition/${Family ?? id}:1`;
      intrinsics.register(id, { ref: arn, attributes: { TaskDefinitionArn: arn } });
      const definition = readTaskDefinition(arn, resource, intrinsics, (image) => this.images.has(image));
      if (definition.sidecars.length > 0) {
        this.announce.substitution(`containers beside the application stay paper: ${definition.sidecars.join(', ')}`);
      }
      if (this.images.has(definition.image)) {
        this.definitions.set(arn, this.props.faults?.definition?.(definition) ?? definition);
      }
    }
  }

  private readServices(): void {
    const { template } = this.props.assembly;
    const { intrinsics, announce, localAddress } = this;
    for (const { id, resource } of created(template, 'AWS::ElasticLoadBalancingV2::TargetGroup', intrinsics)) {
      this.groups.set(id, new TargetGroup(id, resource, intrinsics, announce, localAddress));
    }
    const minimums = new Map(
      created(template, 'AWS::ApplicationAutoScaling::ScalableTarget', intrinsics).map(({ resource }) => {
        const properties = intrinsics.properties(resource);
        return [String(properties.ResourceId).split('/').pop(), Number(properties.MinCapacity)];
      }),
    );
    for (const { id, resource } of created(template, 'AWS::ECS::Service', intrinsics)) {
      const properties = intrinsics.properties(resource);
      const definition = this.definitions.get(properties.TaskDefinition);
      if (definition === undefined) {
        announce.substitution(`service ${id} stays paper: its image is not in the assembly`);
        continue;
      }
      this.services.push(
        new Service({
          id,
          name: serviceName(id, resource.Metadata?.['aws:cdk:path'], definition.kind),
          definition,
          desiredCount: Number(properties.DesiredCount ?? minimums.get(id) ?? 1),
          minimumHealthyPercent: Number(properties.DeploymentConfiguration?.MinimumHealthyPercent ?? 100),
          maximumPercent: Number(properties.DeploymentConfiguration?.MaximumPercent ?? 200),
          gracePeriod: Number(properties.HealthCheckGracePeriodSeconds ?? 0),
          group: this.groups.get(properties.LoadBalancers?.[0]?.TargetGroupArn),
          launch: (task, name) => this.launch(task, name),
          announce,
          order: this.props.faults?.stopOrder ?? 'deregister-first',
        }),
      );
    }
  }

  private readListeners(): ListenerSettings[] {
    const { template } = this.props.assembly;
    const { intrinsics } = this;
    const rules = created(template, 'AWS::ElasticLoadBalancingV2::ListenerRule', intrinsics).map(({ resource }) =>
      intrinsics.properties(resource),
    );
    const listeners = created(template, 'AWS::ElasticLoadBalancingV2::Listener', intrinsics);
    return listeners.map(({ id, resource }) => {
      const properties = intrinsics.properties(resource);
      return {
        port: Number(properties.Port),
        secure: properties.Protocol === 'HTTPS',
        defaultActions: properties.DefaultActions ?? [],
        attributes: keyValues(properties.ListenerAttributes),
        rules: rules
          .filter((rule) => rule.ListenerArn === id)
          .map((rule) => ({ priority: Number(rule.Priority), conditions: rule.Conditions, actions: rule.Actions })),
      };
    });
  }

  private async listen(): Promise<void> {
    const { template } = this.props.assembly;
    const { intrinsics } = this;
    const [balancer] = created(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer', intrinsics);
    if (balancer === undefined) {
      return;
    }
    const attributes = keyValues(intrinsics.properties(balancer.resource).LoadBalancerAttributes);
    this.loadBalancer = new LoadBalancer({
      groups: this.groups,
      certificate: this.serverCertificate,
      idleTimeout: this.idleTimeout,
      dropInvalidHeaders: attributes['routing.http.drop_invalid_header_fields.enabled'] === 'true',
      announce: this.announce,
    });
    for (const listener of this.listeners) {
      const preferred = listener.secure ? (this.props.httpsPort ?? 8443) : (this.props.httpPort ?? 8080);
      const port = await portOr(preferred);
      await this.loadBalancer.listen(listener, port);
      this.announce.substitution(`port ${listener.port} of the load balancer is ${port} of this machine`);
    }
  }

  /** Tasks run as the template's user where this machine can do so. */
  private identify(): Identity {
    const [definition] = this.definitions.values();
    this.uid = definition === undefined ? undefined : taskUser(definition);
    const image = definition === undefined ? undefined : this.images.get(definition.image);
    const found =
      this.uid === undefined || image === undefined
        ? undefined
        : identity(this.uid, {
            program: path.join(image.venv, 'bin', 'python'),
            args: ['-c', 'import os; os.listdir(".")'],
            cwd: image.root,
          });
    if (found === undefined) {
      this.uid = undefined;
      this.announce.substitution('processes run as you: the file system is not read-only to them');
      return YOURSELF;
    }
    this.announce.substitution(`processes run as user ${this.uid}, to whom the application's files are read-only`);
    return found;
  }
}

function imageAsset(assembly: Assembly, image: unknown, app?: string): ImageAsset | undefined {
  const hash = [...assembly.images.keys()].find((key) => String(image).endsWith(key));
  const asset = hash === undefined ? undefined : assembly.images.get(hash);
  if (app === undefined) {
    return asset;
  }
  const dockerFile = asset?.dockerFile ?? 'Dockerfile';
  return existsSync(path.join(app, dockerFile)) ? { directory: path.resolve(app), dockerFile } : undefined;
}

function keyValues(list: { Key: string; Value: string }[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ Key, Value }) => [Key, String(Value)]));
}

/** What a person calls a service: its place in the construct tree, without what is the same for all. */
function serviceName(id: string, treePath: string | undefined, kind: string | undefined): string {
  const segments = (treePath ?? '')
    .split('/')
    .slice(1)
    .filter((one) => !/^(Resource|Service|Application|App)$/.test(one));
  const name = segments.slice(-2).join('-').toLowerCase();
  return name === '' ? (kind ?? id) : name;
}
