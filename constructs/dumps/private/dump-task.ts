import { type Duration, Size, Stack } from 'aws-cdk-lib';
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
  type ICluster,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  type Secret,
} from 'aws-cdk-lib/aws-ecs';
import { Grant, type IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IDependable } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import { CONTAINER_USER } from '../../core/contract';
import { containerSecret, grantKeyVia } from '../../core/key-policy';
import { ecsTasksForUs, WorkloadRole } from '../../core/workload-role';
import type { IPostgresDatabase } from '../../database/postgres-database';
import type { AwsvpcConfiguration, Placement } from '../../processes/task/placement';
import { awsvpcConfiguration } from '../../processes/task/placement';
import type { StartedTask } from '../../processes/task/started-task';
import type { DumpCopyOptions } from '../dump-copy';
import { DUMP, PREPARE, PREPARE_WITHOUT_AUTHORITIES, UPLOAD } from './scripts';
import { ephemeralStorageGiB } from './storage';

/** Where the volume of the dump is mounted. */
const FOLDER = '/var/tmp/dump';
const VOLUME = 'dump';
/** Namespace of the metrics. */
export const NAMESPACE = 'DjangoFargate';

export interface DumpTaskProps {
  readonly cluster: ICluster;
  readonly database: IPostgresDatabase;
  /** Host names of replicas, which are asked before the database itself. */
  readonly replicas: string[];
  readonly image: ContainerImage;
  readonly uploadImage: ContainerImage;
  /** Holds the authorities of RDS. @default - `image` does */
  readonly applicationImage?: ContainerImage;
  readonly bucket: IBucket;
  /** Whether the encryption context of its objects is the bucket. */
  readonly hasBucketKey: boolean;
  readonly prefix: string;
  readonly copyTo?: DumpCopyOptions;
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly storage: Size;
  readonly giveUpAfter: Duration;
  readonly cpuArchitecture?: CpuArchitecture;
  readonly executionRole: IRole;
  readonly logGroup: ILogGroup;
  readonly securityGroup: ISecurityGroup;
  readonly placement: Placement;
  /** Where the role is made, beside the bucket. @default - in the task */
  readonly besideBucket?: Construct;
  /** What the metrics call the dump. */
  readonly name: string;
}

/**
 * The task that dumps and uploads: three containers, one after the other.
 *
 * No variable is plain, and no container has a shell that anybody could open: what they need stands in their
 * commands, and what is secret comes from Secrets Manager.
 *
 * @internal
 */
export class DumpTask extends Construct implements StartedTask {
  public readonly taskDefinition: FargateTaskDefinition;
  public readonly taskRole: IRole;
  public readonly executionRole: IRole;
  public readonly containerNames: string[];
  public readonly network: AwsvpcConfiguration;
  /** What must exist before a task is started. */
  public readonly prerequisites: IDependable[];

  constructor(scope: Construct, id: string, props: DumpTaskProps) {
    super(scope, id);
    const { cluster, database, securityGroup, placement } = props;
    this.executionRole = props.executionRole;
    this.taskRole = writingRole(props.besideBucket ?? this, props);
    this.network = awsvpcConfiguration(cluster.vpc, placement, securityGroup);
    this.taskDefinition = new FargateTaskDefinition(this, 'Definition', {
      cpu: props.cpu,
      memoryLimitMiB: props.memoryLimitMiB,
      ephemeralStorageGiB: ephemeralStorageGiB(props.storage),
      executionRole: this.executionRole,
      taskRole: this.taskRole,
      runtimePlatform: {
        cpuArchitecture: props.cpuArchitecture ?? CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      volumes: [{ name: VOLUME }],
    });
    (this.taskDefinition.node.defaultChild as CfnTaskDefinition).addMetadata('cdk-django-fargate', { process: 'dump' });
    const containers = [this.prepare(props), this.dump(props), this.upload(props)];
    for (const [index, container] of containers.entries()) {
      container.addMountPoints({ sourceVolume: VOLUME, containerPath: FOLDER, readOnly: false });
      if (index > 0) {
        container.addContainerDependencies({
          container: containers[index - 1],
          condition: ContainerDependencyCondition.SUCCESS,
        });
      }
    }
    this.containerNames = containers.map(({ containerName }) => containerName);

    database.connections.allowDefaultPortFrom(securityGroup, this.node.path);
    const keys = [database.ownerSecret, props.copyTo?.secret].map((secret) => secret?.encryptionKey);
    for (const key of new Set(keys.filter((each) => each !== undefined))) {
      const through = { service: 'secretsmanager', region: Stack.of(this).region, key } as const;
      grantKeyVia(through, this.executionRole, 'kms:Decrypt');
    }
    this.prerequisites = [
      this.executionRole,
      this.taskRole,
      securityGroup,
      database.ready,
      ...database.connections.securityGroups,
      cluster.vpc.selectSubnets(placement.vpcSubnets).internetConnectivityEstablished,
    ];
  }

  /** As root without capabilities: the volume is root's, and for a folder of one's own none is needed. */
  private prepare(props: DumpTaskProps): ContainerDefinition {
    const { applicationImage, image } = props;
    const authorities = props.database.containerEnvironment.PGSSLROOTCERT;
    return this.container('prepare', props, {
      image: applicationImage ?? image,
      words:
        applicationImage === undefined
          ? ['sh', '-c', PREPARE_WITHOUT_AUTHORITIES, 'prepare', FOLDER]
          : ['python', '-c', PREPARE, FOLDER, authorities, copyOfAuthorities()],
      user: '0',
    });
  }

  private dump(props: DumpTaskProps): ContainerDefinition {
    const { applicationImage, database, image, replicas, prefix, giveUpAfter } = props;
    const authorities =
      applicationImage === undefined ? database.containerEnvironment.PGSSLROOTCERT : copyOfAuthorities();
    const login = database.ownerSecret;
    return this.container('dump', props, {
      image,
      words: [
        ...['sh', '-c', DUMP, 'dump'],
        ...[FOLDER, prefix, authorities, replicas.join(' '), String(giveUpAfter.toSeconds())],
      ],
      secrets: {
        PGHOST: containerSecret(login, 'host'),
        PGPORT: containerSecret(login, 'port'),
        PGDATABASE: containerSecret(login, 'dbname'),
        PGUSER: containerSecret(login, 'username'),
        PGPASSWORD: containerSecret(login, 'password'),
      },
    });
  }

  private upload(props: DumpTaskProps): ContainerDefinition {
    const { uploadImage, bucket, copyTo } = props;
    return this.container('upload', props, {
      image: uploadImage,
      words: [
        ...['sh', '-c', UPLOAD, 'upload'],
        ...[FOLDER, bucket.bucketName, bucket.env.region, JSON.stringify(props.name), JSON.stringify(NAMESPACE)],
        ...(copyTo === undefined ? [] : [copyTo.endpoint, copyTo.region, copyTo.bucket, folderOf(copyTo)]),
      ],
      secrets:
        copyTo === undefined
          ? undefined
          : {
              COPY_ACCESS_KEY_ID: containerSecret(copyTo.secret, 'accessKeyId'),
              COPY_SECRET_ACCESS_KEY: containerSecret(copyTo.secret, 'secretAccessKey'),
            },
      essential: true, // The last one: when it ends, the task does.
    });
  }

  private container(name: string, { logGroup }: DumpTaskProps, options: ContainerOptions): ContainerDefinition {
    const { image, words, secrets, user = CONTAINER_USER, essential = false } = options;
    const linuxParameters = new LinuxParameters(this, `${name}LinuxParameters`, { initProcessEnabled: true });
    linuxParameters.dropCapabilities(Capability.ALL);
    return this.taskDefinition.addContainer(name, {
      image,
      entryPoint: words.slice(0, 1),
      command: words.slice(1),
      secrets,
      essential,
      user,
      readonlyRootFilesystem: true,
      linuxParameters,
      logging: LogDriver.awsLogs({
        logGroup,
        streamPrefix: 'dump',
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(25),
      }),
    });
  }
}

interface ContainerOptions {
  readonly image: ContainerImage;
  /** Entry point and command. */
  readonly words: string[];
  readonly secrets?: { [name: string]: Secret };
  /** @default - the user of every process */
  readonly user?: string;
  readonly essential?: boolean;
}

function copyOfAuthorities(): string {
  return `${FOLDER}/authorities.pem`;
}

function folderOf({ folder }: DumpCopyOptions): string {
  return folder === undefined ? '' : `${folder}/`;
}

/**
 * A role that can put objects below the prefix of one bucket, and end an upload in parts. It can neither list
 * the bucket nor read, overwrite for good or delete anything in it.
 *
 * An upload in parts decrypts what it has encrypted for itself, which is allowed for objects of this bucket
 * alone, and through S3 alone. Without `s3:GetObject` that opens no object.
 */
function writingRole(scope: Construct, { bucket, hasBucketKey, prefix }: DumpTaskProps): IRole {
  const role = new WorkloadRole(scope, 'TaskRole', { assumedBy: ecsTasksForUs(scope) });
  const objects = bucket.arnForObjects(`${prefix}/*`);
  Grant.addToPrincipal({
    grantee: role,
    actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
    resourceArns: [objects], // Dumps are named after the time at which they are made.
  });
  acknowledge(
    role,
    `IAM5[Resource::${findingOf(Stack.of(scope).resolve(objects))}]`,
    'A dump is named after the time at which it is made. The two actions write below one prefix of one bucket with versions, and neither reads nor deletes anything.',
  );
  const key = bucket.encryptionKey;
  if (key !== undefined) {
    const use = { service: 's3', region: bucket.env.region, key } as const;
    grantKeyVia(use, role, 'kms:GenerateDataKey');
    grantKeyVia(
      { ...use, context: { 'aws:s3:arn': hasBucketKey ? [bucket.bucketArn] : [bucket.bucketArn, objects] } },
      role,
      'kms:Decrypt',
    );
  }
  return role;
}
