import { type Duration, Size, Stack } from 'aws-cdk-lib';
import type { Connections, ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AssetImage,
  AwsLogDriverMode,
  Capability,
  type CfnTaskDefinition,
  type ContainerDefinition,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  type Secret,
  TmpfsMountOption,
} from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IDependable } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import type { Checks } from '../../core/checks';
import { CONTAINER_USER, TEMPORARY_STORAGE_PATH, WRITABLE_PATH } from '../../core/contract';
import { checkEffects, type Effects, voidBeside } from '../../core/effects';
import { grantKeyVia } from '../../core/key-policy';
import { logGroup } from '../../core/log-group';
import { ecsTasksForUs, WorkloadRole } from '../../core/workload-role';
import { DatabaseAccess } from '../../database/database-access';
import { checkCluster } from '../../network/same-vpc';
import type { IStaticFiles } from '../../storage/static-files';
import type { ContainerHealthCheck } from '../container-health-check';
import { checkEgress, processSecurityGroup } from '../egress';
import { executionRole } from '../execution-role';
import type { ProcessProps, TemporaryStorageOptions } from '../process-props';
import { type AwsvpcConfiguration, awsvpcConfiguration, type Placement, taskPlacement } from '../task/placement';
import { grantMail, grantMedia } from '../task/shared-policy';
import { checkTemporaryStorage, ephemeralStorageGiB, mountTemporaryStorage } from '../task/temporary-storage';
import { VariableAliases } from '../task/variable-aliases';
import { checkAddresses } from './addresses';
import { tmpfsSize } from './capacity';
import { checkCommand } from './command';

/** With more queues than this, the policy of a process would outgrow what IAM allows. */
const MANY_QUEUES = 8;

/** Which of an application's processes a task runs. The rehearsal reads it from the template's metadata. */
export type ProcessKind = 'web' | 'asgi' | 'worker' | 'beat' | 'release' | 'scheduled';

export interface HardenedTaskProps {
  readonly kind: ProcessKind;
  readonly process: ProcessProps;
  readonly command: string[];
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  /** @default - none */
  readonly temporaryStorage?: Size;
  readonly stopTimeout?: Duration;
  /** @default DatabaseAccess.READ_WRITE */
  readonly databaseAccess?: DatabaseAccess;
  readonly port?: number;
  readonly healthCheck?: ContainerHealthCheck;
  /** Variables of this kind of process, beside those that all have. */
  readonly environment?: { [name: string]: string };
  /** ECS Exec: gives up the read-only root file system, and its shell is root's. */
  readonly enableExecuteCommand?: boolean;
}

/**
 * The one place where a process of the application becomes a task: hardened definition, environment, secrets,
 * logs, roles and the ways it needs through security groups.
 *
 * @internal
 */
export class HardenedTask extends Construct {
  public readonly taskDefinition: FargateTaskDefinition;
  public readonly container: ContainerDefinition;
  /** Names of the containers that must end well, and of those only. */
  public readonly containerNames: string[];
  public readonly taskRole: IRole;
  public readonly executionRole: IRole;
  public readonly logGroup: ILogGroup;
  public readonly securityGroup: ISecurityGroup;
  public readonly placement: Placement;
  /** For whoever starts a single task. */
  public readonly network: AwsvpcConfiguration;
  /** What the container reads when it starts, by variable. */
  public readonly secrets: { readonly [name: string]: Secret };
  /** Those of them that may change while it runs, and whose change can be noticed. */
  public readonly changingSecrets: ISecret[];
  /**
   * What must exist before a task is started: permissions, routes, the database's roles, the cache, the ways
   * to both, and the key that signs URLs.
   */
  public readonly prerequisites: IDependable[];

  constructor(scope: Construct, id: string, props: HardenedTaskProps) {
    super(scope, id);
    const { process } = props;

    this.executionRole = process.executionRole ?? executionRole(this, 'ExecutionRole');
    const queues = Object.keys(process.broker?.queues ?? {});
    this.taskRole = new WorkloadRole(this, 'TaskRole', {
      assumedBy: ecsTasksForUs(this),
      compact: queues.length > MANY_QUEUES,
    });
    this.logGroup = process.logGroup ?? logGroup(this, 'Logs', process);
    this.securityGroup =
      process.securityGroup ??
      processSecurityGroup(this, 'SecurityGroup', {
        vpc: process.cluster.vpc,
        description: `${this.node.path}: tasks`,
        egress: process.egress,
      });
    this.secrets = secretsOf(process, props.databaseAccess);
    allowKeys(this, props, this.executionRole);
    this.changingSecrets = changingSecretsOf(process, props.databaseAccess);
    this.placement = taskPlacement(process.cluster.vpc, process.vpcSubnets);
    this.network = awsvpcConfiguration(process.cluster.vpc, this.placement, this.securityGroup);
    this.taskDefinition = new FargateTaskDefinition(this, 'Definition', {
      cpu: props.cpu,
      memoryLimitMiB: props.memoryLimitMiB,
      ephemeralStorageGiB: ephemeralStorageGiB(props.temporaryStorage),
      executionRole: this.executionRole,
      taskRole: this.taskRole,
      runtimePlatform: {
        cpuArchitecture: process.cpuArchitecture ?? CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    this.container = this.taskDefinition.addContainer(props.kind, {
      image: process.image,
      command: props.command,
      essential: true,
      user: CONTAINER_USER,
      readonlyRootFilesystem: props.enableExecuteCommand !== true,
      linuxParameters: linuxParameters(this, props.memoryLimitMiB),
      logging: LogDriver.awsLogs({
        logGroup: this.logGroup,
        streamPrefix: props.kind,
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(25),
      }),
      environment: environmentOf(this, props),
      secrets: this.secrets,
      healthCheck: props.healthCheck?._render(),
      stopTimeout: props.stopTimeout,
      portMappings: props.port === undefined ? undefined : [{ containerPort: props.port }],
    });
    const storage = props.temporaryStorage && mountTemporaryStorage(this.container, process.image, this.logGroup);
    this.containerNames = [this.container, ...(storage ? [storage] : [])].map(({ containerName }) => containerName);
    (this.taskDefinition.node.defaultChild as CfnTaskDefinition).addMetadata('cdk-django-fargate', {
      process: props.kind,
    });
    acknowledgeEnvironment(this.taskDefinition);

    process.broker?.grantProduce(this.taskRole);
    grantMedia(this.taskRole, process.mediaStorage);
    grantMail(this.taskRole, process.outgoingMail);
    process.database?.connections.allowDefaultPortFrom(this.securityGroup, `${this.node.path}`);
    process.cacheStore?.connections.allowDefaultPortFrom(this.securityGroup, `${this.node.path}`);
    this.prerequisites = [
      this.executionRole,
      this.taskRole,
      this.securityGroup,
      process.cluster.vpc.selectSubnets(this.placement.vpcSubnets).internetConnectivityEstablished,
      ...(process.urlSigningKeys === undefined ? [] : [process.urlSigningKeys.ready]),
      ...[process.database, process.cacheStore].flatMap((store) =>
        store === undefined ? [] : networkDependencies(store.connections, store.ready),
      ),
    ];
  }
}

/** What some kinds of processes can be given beside what all can. */
interface OfSome extends TemporaryStorageOptions {
  readonly staticFiles?: IStaticFiles;
}

const EFFECTS: Effects<ProcessProps> = {
  egress: [voidBeside('securityGroup', 'it is for the security group that is made where none is brought')],
};

/** Validates what every process has in common. */
export function checkProcess(checks: Checks, props: ProcessProps & OfSome & { readonly command?: string[] }): void {
  checks.matches('settingsModule', props.settingsModule, /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(?<!\.py)$/, {
    must: 'be a Python module in dotted form',
    remedy: 'Write it as in DJANGO_SETTINGS_MODULE, for example "config.settings".',
  });
  checkCommand(checks, 'command', props.command);
  checkCluster(checks, props.cluster);
  checkImage(checks, props);
  checkEgress(checks, props.egress);
  checks.selects('vpcSubnets', props.cluster.vpc, props.vpcSubnets);
  checkEffects<ProcessProps>(checks, props, EFFECTS);
  checkTemporaryStorage(checks, props.temporaryStorage);
  checkVariables(checks, props);
  checkAddresses(checks, props);
}

/** Variables of the contract that a user may replace, since a value of theirs may be the better one. */
const OVERRIDABLE = [
  'DJANGO_ALLOWED_HOSTS',
  'DJANGO_CSRF_TRUSTED_ORIGINS',
  'FORWARDED_ALLOW_IPS',
  'HOME',
  'PGOPTIONS',
  'WEB_CONCURRENCY',
];
/** Plain variables of the contract that depend on no other part. */
const ALWAYS = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'CELERY_LIVENESS_FILE',
  'DJANGO_ALLOWED_HOSTS',
  'DJANGO_CSRF_TRUSTED_ORIGINS',
  'DJANGO_FARGATE_CONNECTIONS',
  'DJANGO_FARGATE_PROCESS',
  'DJANGO_FARGATE_STOP_TIMEOUT',
  'DJANGO_FARGATE_TASK_PROTECTION',
  'DJANGO_SETTINGS_MODULE',
  'FORWARDED_ALLOW_IPS',
  'HOME',
  'PORT',
  'SECURE_PROXY_SSL_HEADER',
  'WEB_CONCURRENCY',
];

/** Validates the names of what the user adds to the environment. */
function checkVariables(checks: Checks, props: ProcessProps & OfSome): void {
  const contract = contractOf(props);
  for (const given of ['environment', 'secrets'] as const) {
    for (const name of Object.keys(props[given] ?? {})) {
      const replaces = given === 'environment' && OVERRIDABLE.includes(name);
      checks
        .matches(`${given}.${name}`, name, /^[A-Za-z_][A-Za-z0-9_]*$/, {
          must: 'have a name of letters, digits and underscores',
          remedy: 'Rename the variable.',
        })
        .that(`${given}.${name}`, name, replaces || !contract.includes(name), {
          must: 'not be named like a variable that the process gets by the contract',
          remedy:
            'Other parts rely on its value, and ECS refuses a name that is a variable and a secret: change the property that it is made of, or read another name in your settings.',
        });
    }
  }
  for (const name of Object.keys(props.variableAliases?.names ?? {})) {
    const given = [...contract, ...Object.keys({ ...props.environment, ...props.secrets })];
    checks
      .matches(`variableAliases.${name}`, name, /^[A-Za-z_][A-Za-z0-9_]*$/, {
        must: 'have a name of letters, digits and underscores',
        remedy: 'Rename the variable.',
      })
      .that(`variableAliases.${name}`, name, !given.includes(name), {
        must: 'not be named like a variable that the process gets already',
        remedy: 'Two values cannot have one name: take the further name away, or what else has it.',
      });
  }
  for (const name of Object.keys(props.secrets ?? {})) {
    checks.that(`environment.${name}`, props.environment?.[name], props.environment?.[name] === undefined, {
      must: 'not be given as plain text beside the secret of that name',
      remedy: 'Leave it out: ECS refuses a name that is given twice, and a secret has no place in a template.',
    });
  }
}

/** What the process, or another one of its application, gets by itself. */
function contractOf({
  database,
  broker,
  mediaStorage,
  urlSigningKeys,
  cacheStore,
  outgoingMail,
  secretKey,
  staticFiles,
  temporaryStorage,
}: ProcessProps & OfSome): string[] {
  const fromParts = {
    ...secretKey?.containerSecrets,
    ...database?.containerEnvironment,
    ...database?.containerSecrets,
    ...broker?.containerEnvironment,
    ...mediaStorage?.containerEnvironment,
    ...urlSigningKeys?.containerSecrets,
    ...cacheStore?.containerEnvironment,
    ...cacheStore?.containerSecrets,
    ...outgoingMail?.containerEnvironment,
    ...staticFiles?.containerEnvironment,
  };
  return [...ALWAYS, ...(temporaryStorage === undefined ? [] : ['TMPDIR']), ...Object.keys(fromParts)];
}

/** An image that is built for another processor ends with "exec format error". */
function checkImage(checks: Checks, { image, cpuArchitecture = CpuArchitecture.ARM64 }: ProcessProps): void {
  const platform: unknown = image instanceof AssetImage ? Reflect.get(image, 'props')?.platform?.platform : undefined;
  const wanted = cpuArchitecture === CpuArchitecture.ARM64 ? 'linux/arm64' : 'linux/amd64';
  checks.that('image', platform, typeof platform !== 'string' || platform.startsWith(wanted), {
    must: `be built for ${wanted}, the processor of the tasks`,
    remedy: 'Change `platform` of the image, or `cpuArchitecture`.',
  });
}

function networkDependencies(connections: Connections, ready: IDependable): IDependable[] {
  return [ready, ...connections.securityGroups];
}

function linuxParameters(scope: Construct, memoryLimitMiB: number): LinuxParameters {
  const parameters = new LinuxParameters(scope, 'LinuxParameters', { initProcessEnabled: true });
  parameters.dropCapabilities(Capability.ALL);
  parameters.addTmpfs({
    containerPath: WRITABLE_PATH,
    size: tmpfsSize(memoryLimitMiB),
    mountOptions: [TmpfsMountOption.RW, TmpfsMountOption.NOSUID, TmpfsMountOption.NODEV, TmpfsMountOption.NOEXEC],
  });
  return parameters;
}

function environmentOf(scope: Construct, props: HardenedTaskProps): { [name: string]: string } {
  const { process } = props;
  const { region } = Stack.of(scope);
  const variables = {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    DJANGO_SETTINGS_MODULE: process.settingsModule,
    DJANGO_FARGATE_PROCESS: props.kind,
    DJANGO_ALLOWED_HOSTS: (process.allowedHosts ?? []).join(','),
    DJANGO_CSRF_TRUSTED_ORIGINS: (process.csrfTrustedOrigins ?? []).join(','),
    HOME: WRITABLE_PATH,
    ...(props.temporaryStorage === undefined ? {} : { TMPDIR: TEMPORARY_STORAGE_PATH }),
    ...process.database?.containerEnvironment,
    ...process.broker?.containerEnvironment,
    ...process.mediaStorage?.containerEnvironment,
    ...process.cacheStore?.containerEnvironment,
    ...process.outgoingMail?.containerEnvironment,
    ...props.environment,
    ...process.environment,
  };
  return { ...variables, ...VariableAliases._of(process.variableAliases, variables) };
}

function secretsOf(process: ProcessProps, access = DatabaseAccess.READ_WRITE): { [name: string]: Secret } {
  const variables = {
    ...process.secretKey?.containerSecrets,
    ...(access === DatabaseAccess.OWNER ? process.database?.ownerContainerSecrets : process.database?.containerSecrets),
    ...process.urlSigningKeys?.containerSecrets,
    ...process.cacheStore?.containerSecrets,
    ...process.secrets,
  };
  return { ...variables, ...VariableAliases._of(process.variableAliases, variables) };
}

function changingSecretsOf(
  { secretKey, database, urlSigningKeys, cacheStore }: ProcessProps,
  access = DatabaseAccess.READ_WRITE,
): ISecret[] {
  const ofDatabase = access === DatabaseAccess.OWNER ? database?.changingOwnerSecrets : database?.changingSecrets;
  const ofParts = [urlSigningKeys, cacheStore].map((part) => part?.changingSecrets);
  return [secretKey?.changingSecrets, ofDatabase, ...ofParts].flatMap((secrets) => secrets ?? []);
}

/**
 * ECS reads the secrets with the execution role; an imported key lets it do so by the policy of the role
 * alone.
 */
function allowKeys(scope: Construct, { process, databaseAccess }: HardenedTaskProps, executionRole: IRole): void {
  const { secretKey, database, urlSigningKeys, cacheStore } = process;
  const login = databaseAccess === DatabaseAccess.OWNER ? database?.ownerSecret : database?.applicationSecret;
  const keys = [secretKey?.secret, login, urlSigningKeys?.secret, cacheStore?.secret].map(
    (secret) => secret?.encryptionKey,
  );
  for (const key of new Set(keys.filter((each) => each !== undefined))) {
    const through = { service: 'secretsmanager', region: Stack.of(scope).region, key } as const;
    grantKeyVia(through, executionRole, 'kms:Decrypt');
  }
}

function acknowledgeEnvironment(taskDefinition: FargateTaskDefinition): void {
  acknowledge(
    taskDefinition,
    'ECS2',
    'The plain variables are the contract with the container (module, region, queue URLs, host names); every secret comes from Secrets Manager by reference.',
  );
}
