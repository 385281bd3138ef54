import { Duration, Size, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AwsLogDriverMode,
  Capability,
  type CfnTaskDefinition,
  type ContainerDefinition,
  ContainerDependencyCondition,
  type ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  type HealthCheck,
  type ICluster,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  type Secret,
} from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct, type IDependable } from 'constructs';
import { CONTAINER_USER } from '../../core/contract';
import { containerSecret, grantKeyVia } from '../../core/key-policy';
import type { IPostgresDatabase } from '../../database/postgres-database';
import { type AwsvpcConfiguration, awsvpcConfiguration, type Placement } from '../../processes/task/placement';
import type { StartedTask } from '../../processes/task/started-task';
import type { DatabaseDump } from '../database-dump';
import { COPY, DOWNLOAD, IS_READY, RESTORE, SERVER, VERIFY } from './drill-scripts';
import { drillStorageGiB } from './drill-storage';
import { NAMESPACE } from './dump-task';
import { PREPARE } from './scripts';

/** Where the volume is mounted. */
const FOLDER = '/var/tmp/drill';
const VOLUME = 'drill';
const PORT = 15432;
const AUTHORITIES = `${FOLDER}/authorities.pem`;

export interface DrillTaskProps {
  readonly cluster: ICluster;
  readonly database: IPostgresDatabase;
  readonly dump: DatabaseDump;
  /** The programs and the server of PostgreSQL. */
  readonly image: ContainerImage;
  readonly downloadImage: ContainerImage;
  readonly applicationImage: ContainerImage;
  /** Seconds; 0 where the newest dump may have any age. */
  readonly maxDumpAge: number;
  readonly giveUpAfter: Duration;
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly storage: Size;
  readonly cpuArchitecture?: CpuArchitecture;
  readonly taskRole: IRole;
  readonly executionRole: IRole;
  readonly logGroup: ILogGroup;
  readonly securityGroup: ISecurityGroup;
  readonly placement: Placement;
  /** What looks at the database. Without it, a table is copied into the database of the application. */
  readonly verification?: Verification;
}

/** What `VERIFY` is told. */
export interface Verification {
  readonly name: string;
  readonly commands: string[][];
  readonly variables: { readonly [name: string]: string };
  readonly databaseVariables: { readonly [part: string]: string | undefined };
  /** Further names, each with its variable. */
  readonly aliases: { readonly [name: string]: string };
}

/**
 * A task that restores a dump into a PostgreSQL of its own: it downloads, serves, restores, and has somebody
 * look at it.
 *
 * @internal
 */
export class DrillTask extends Construct implements StartedTask {
  public readonly taskDefinition: FargateTaskDefinition;
  public readonly taskRole: IRole;
  public readonly executionRole: IRole;
  public readonly containerNames: string[];
  public readonly network: AwsvpcConfiguration;
  /** What must exist before a task is started. */
  public readonly prerequisites: IDependable[];

  constructor(scope: Construct, id: string, props: DrillTaskProps) {
    super(scope, id);
    const { cluster, securityGroup, placement } = props;
    this.executionRole = props.executionRole;
    this.taskRole = props.taskRole;
    this.network = awsvpcConfiguration(cluster.vpc, placement, securityGroup);
    this.taskDefinition = new FargateTaskDefinition(this, 'Definition', {
      cpu: props.cpu,
      memoryLimitMiB: props.memoryLimitMiB,
      ephemeralStorageGiB: drillStorageGiB(props.storage),
      executionRole: this.executionRole,
      taskRole: this.taskRole,
      runtimePlatform: {
        cpuArchitecture: props.cpuArchitecture ?? CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      volumes: [{ name: VOLUME }],
    });
    const process = props.verification === undefined ? 'restore' : 'drill';
    (this.taskDefinition.node.defaultChild as CfnTaskDefinition).addMetadata('cdk-django-fargate', { process });

    const download = this.download(props);
    const server = this.server(props);
    const restore = this.restore(props);
    const last = props.verification === undefined ? this.copy(props) : this.verify(props, props.verification);
    after(server, download, ContainerDependencyCondition.SUCCESS);
    after(restore, server, ContainerDependencyCondition.HEALTHY);
    after(last, restore, ContainerDependencyCondition.SUCCESS);
    if (props.verification === undefined) {
      const authorities = this.authorities(props);
      after(authorities, download, ContainerDependencyCondition.SUCCESS);
      after(last, authorities, ContainerDependencyCondition.SUCCESS);
    }
    // The server ends because the task does, with a status of its own.
    this.containerNames = [download, restore, last].map(({ containerName }) => containerName);
    this.prerequisites = [
      this.executionRole,
      this.taskRole,
      securityGroup,
      cluster.vpc.selectSubnets(placement.vpcSubnets).internetConnectivityEstablished,
    ];
  }

  /** As root without capabilities: the volume is root's. */
  private download({ downloadImage, dump, maxDumpAge, ...props }: DrillTaskProps): ContainerDefinition {
    const { bucket, prefix } = dump;
    return this.container('download', props, {
      image: downloadImage,
      words: [
        ...['sh', '-c', DOWNLOAD, 'download'],
        ...[FOLDER, bucket.bucketName, bucket.env.region, prefix, String(maxDumpAge)],
      ],
      user: '0',
    });
  }

  /** As the user of the image, whom `initdb` must find by its name. */
  private server({ image, giveUpAfter, ...props }: DrillTaskProps): ContainerDefinition {
    return this.container('postgres', props, {
      image,
      words: ['sh', '-c', SERVER, 'postgres', FOLDER, String(PORT), String(giveUpAfter.toSeconds())],
      user: 'postgres',
      healthCheck: {
        command: ['CMD', 'sh', '-c', IS_READY, 'ready', String(PORT)],
        interval: Duration.seconds(5),
        retries: 10,
        startPeriod: Duration.seconds(60),
      },
    });
  }

  private restore({ image, giveUpAfter, cpu, ...props }: DrillTaskProps): ContainerDefinition {
    const jobs = Math.max(1, Math.floor(cpu / 1024));
    return this.container('restore', props, {
      image,
      words: [
        ...['sh', '-c', RESTORE, 'restore'],
        ...[FOLDER, String(PORT), String(jobs), String(giveUpAfter.toSeconds())],
      ],
    });
  }

  private verify({ applicationImage, ...props }: DrillTaskProps, verification: Verification): ContainerDefinition {
    const { name, commands, variables, databaseVariables, aliases } = verification;
    const here: { [part: string]: string } = {
      host: '127.0.0.1',
      port: String(PORT),
      name: 'restored',
      user: 'postgres',
      password: 'none',
      url: `postgres://postgres:none@127.0.0.1:${PORT}/restored?sslmode=disable`,
    };
    const database = Object.fromEntries(
      Object.entries(databaseVariables).flatMap(([part, variable]) =>
        variable === undefined || here[part] === undefined ? [] : [[variable, here[part]]],
      ),
    );
    const settings = {
      name,
      namespace: NAMESPACE,
      commands,
      aliases,
      variables: { ...variables, HOME: FOLDER, TMPDIR: FOLDER },
      // On the loopback interface nothing is encrypted; database() of runtime/ asks for both all the same.
      database: { ...database, ...props.database.containerEnvironment, PGSSLMODE: 'disable' },
    };
    return this.container('verify', props, {
      image: applicationImage,
      words: ['python', '-c', VERIFY, FOLDER, Stack.of(this).toJsonString(settings)],
      essential: true, // The last one: when it ends, the task does.
    });
  }

  private authorities({ applicationImage, database, ...props }: DrillTaskProps): ContainerDefinition {
    return this.container('authorities', props, {
      image: applicationImage,
      words: ['python', '-c', PREPARE, FOLDER, database.containerEnvironment.PGSSLROOTCERT, AUTHORITIES],
    });
  }

  private copy({ image, database, securityGroup, ...props }: DrillTaskProps): ContainerDefinition {
    const login = database.ownerSecret;
    database.connections.allowDefaultPortFrom(securityGroup, this.node.path);
    if (login.encryptionKey !== undefined) {
      const through = { service: 'secretsmanager', region: Stack.of(this).region, key: login.encryptionKey } as const;
      grantKeyVia(through, this.executionRole, 'kms:Decrypt');
    }
    return this.container('copy', props, {
      image,
      words: ['sh', '-c', COPY, 'copy', FOLDER, String(PORT), AUTHORITIES],
      secrets: {
        PGHOST: containerSecret(login, 'host'),
        PGPORT: containerSecret(login, 'port'),
        PGDATABASE: containerSecret(login, 'dbname'),
        PGUSER: containerSecret(login, 'username'),
        PGPASSWORD: containerSecret(login, 'password'),
      },
      essential: true,
    });
  }

  private container(
    name: string,
    { logGroup }: Pick<DrillTaskProps, 'logGroup'>,
    options: ContainerOptions,
  ): ContainerDefinition {
    const { image, words, secrets, healthCheck, user = CONTAINER_USER, essential = false } = options;
    const linuxParameters = new LinuxParameters(this, `${name}LinuxParameters`, { initProcessEnabled: true });
    linuxParameters.dropCapabilities(Capability.ALL);
    const container = this.taskDefinition.addContainer(name, {
      image,
      entryPoint: words.slice(0, 1),
      command: words.slice(1),
      secrets,
      healthCheck,
      essential,
      user,
      readonlyRootFilesystem: true,
      linuxParameters,
      logging: LogDriver.awsLogs({
        logGroup,
        streamPrefix: 'drill',
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(25),
      }),
    });
    container.addMountPoints({ sourceVolume: VOLUME, containerPath: FOLDER, readOnly: false });
    return container;
  }
}

interface ContainerOptions {
  readonly image: ContainerImage;
  /** Entry point and command. */
  readonly words: string[];
  readonly secrets?: { [name: string]: Secret };
  readonly healthCheck?: HealthCheck;
  /** @default - the user of every process */
  readonly user?: string;
  readonly essential?: boolean;
}

function after(
  container: ContainerDefinition,
  before: ContainerDefinition,
  condition: ContainerDependencyCondition,
): void {
  container.addContainerDependencies({ container: before, condition });
}
