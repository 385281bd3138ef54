import { join } from 'node:path';
import { Duration, Fn, RemovalPolicy, Size, type Stack, SymlinkFollowMode } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AwsLogDriverMode,
  Capability,
  ContainerImage,
  Secret as ContainerSecret,
  CpuArchitecture,
  FargateTaskDefinition,
  type HealthCheck,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  TmpfsMountOption,
} from 'aws-cdk-lib/aws-ecs';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IDependable } from 'constructs';
import type { Database } from './direct-database';
import { DOMAIN_NAME } from './direct-edge';
import type { Foundation } from './direct-foundation';
import type { Queues } from './direct-queues';

export const CONTAINER_PORT = 8000;

export interface TaskSettings {
  readonly id: string;
  readonly kind: string;
  readonly command: string[];
  readonly cpu?: number;
  readonly memoryLimitMiB?: number;
  readonly tmpfs?: number;
  readonly stopTimeout?: number;
  readonly port?: number;
  readonly healthCheck?: string;
  readonly environment?: { [name: string]: string };
  readonly consumes?: string;
  /** Secret of the database's login. @default - the application's */
  readonly login?: ISecret;
}

export interface Task {
  readonly definition: FargateTaskDefinition;
  readonly taskRole: Role;
  /** What must be there before the first container starts. */
  readonly prerequisites: IDependable[];
}

/** What every task definition has in common, and a function that makes one. Policies are children of their roles: whoever waits for a role waits for them. */
export class Tasks {
  public readonly executionRole: Role;
  public readonly secretKey: Secret;
  /** What tasks wait for that are made from now on, beside the rest. */
  public readonly waitFor: IDependable[] = [];
  private readonly environment: { [name: string]: string };
  private readonly secrets: { [name: string]: ContainerSecret };
  private readonly image = ContainerImage.fromAsset(join(__dirname, '..', '..', 'examples', 'django-app'), {
    platform: Platform.LINUX_ARM64,
    followSymlinks: SymlinkFollowMode.EXTERNAL,
    exclude: ['*.ts', 'cdk.json', 'cdk.out', 'node_modules', 'package.json'],
  });

  constructor(
    private readonly stack: Stack,
    private readonly base: Foundation,
    private readonly data: Database,
    private readonly queues: Queues,
  ) {
    this.secretKey = new Secret(stack, 'SecretKey', {
      description: 'Django SECRET_KEY and the keys that are still accepted',
      encryptionKey: base.key,
      removalPolicy: RemovalPolicy.RETAIN,
      generateSecretString: {
        secretStringTemplate: '{"fallbacks":[]}',
        generateStringKey: 'key',
        passwordLength: 64,
        excludePunctuation: true,
      },
    });
    this.executionRole = new Role(stack, 'ExecutionRole', {
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com'),
    });
    this.allowExecution();
    this.environment = this.sharedEnvironment();
    this.secrets = this.sharedSecrets();
  }

  public make(settings: TaskSettings): Task {
    const { stack, base, data } = this;
    const { cpu = 512, memoryLimitMiB = 1024 } = settings;
    const taskRole = this.taskRole(settings);
    const definition = new FargateTaskDefinition(stack, `${settings.id}Definition`, {
      cpu,
      memoryLimitMiB,
      executionRole: this.executionRole.withoutPolicyUpdates(),
      taskRole: taskRole.withoutPolicyUpdates(),
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    const linuxParameters = new LinuxParameters(stack, `${settings.id}LinuxParameters`, { initProcessEnabled: true });
    linuxParameters.dropCapabilities(Capability.ALL);
    linuxParameters.addTmpfs({
      containerPath: '/tmp',
      size: settings.tmpfs ?? 128,
      mountOptions: [TmpfsMountOption.RW, TmpfsMountOption.NOSUID, TmpfsMountOption.NODEV],
    });
    definition.addContainer(settings.kind, {
      image: this.image,
      command: settings.command,
      essential: true,
      user: '10001',
      readonlyRootFilesystem: true,
      linuxParameters,
      logging: LogDriver.awsLogs({
        logGroup: base.logGroup,
        streamPrefix: settings.kind,
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(25),
      }),
      environment: { ...this.environment, ...settings.environment },
      secrets: { ...this.secrets, ...databaseVariables(settings.login ?? data.applicationSecret) },
      healthCheck: settings.healthCheck === undefined ? undefined : healthCheck(settings.healthCheck),
      stopTimeout: settings.stopTimeout === undefined ? undefined : Duration.seconds(settings.stopTimeout),
      portMappings: settings.port === undefined ? undefined : [{ containerPort: settings.port }],
    });
    const { internetConnectivityEstablished } = base.vpc.selectSubnets({ subnetType: SubnetType.PRIVATE_WITH_EGRESS });
    const prerequisites = [
      this.executionRole,
      taskRole,
      base.securityGroup,
      internetConnectivityEstablished,
      data.roles.resource,
      data.applicationSecret,
      data.ownerSecret,
      data.securityGroup,
      ...this.waitFor,
    ];
    return { definition, taskRole, prerequisites };
  }

  private sharedEnvironment(): { [name: string]: string } {
    const { region } = this.stack;
    const urls = this.queues.map(({ name, queue }) => [name, { url: queue.queueUrl }]);
    return {
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      DJANGO_SETTINGS_MODULE: 'config.settings',
      DJANGO_ALLOWED_HOSTS: DOMAIN_NAME,
      DJANGO_CSRF_TRUSTED_ORIGINS: `https://${DOMAIN_NAME}`,
      HOME: '/tmp',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/etc/ssl/certs/rds-global-bundle.pem',
      CELERY_BROKER_URL: 'sqs://',
      CELERY_BROKER_TRANSPORT_OPTIONS: this.stack.toJsonString({
        region,
        wait_time_seconds: 20,
        predefined_queues: Object.fromEntries(urls),
      }),
      CELERY_TASK_DEFAULT_QUEUE: 'default',
    };
  }

  private sharedSecrets(): { [name: string]: ContainerSecret } {
    return {
      DJANGO_SECRET_KEY: ContainerSecret.fromSecretsManager(this.secretKey, 'key'),
      DJANGO_SECRET_KEYS: ContainerSecret.fromSecretsManager(this.secretKey),
    };
  }

  private allowExecution(): void {
    const { stack, base, data } = this;
    const read = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'];
    const repository = stack.formatArn({
      service: 'ecr',
      resource: 'repository',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills them in, as in the name of the bootstrapped repository.
      resourceName: Fn.sub('cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}'),
    });
    new ManagedPolicy(this.executionRole, 'Policy', {
      roles: [this.executionRole],
      statements: [
        statement(['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'], repository),
        statement(['ecr:GetAuthorizationToken'], '*'),
        statement(['logs:CreateLogStream', 'logs:PutLogEvents'], base.logGroup.logGroupArn),
        statement(read, this.secretKey.secretArn),
        statement(read, data.ownerSecret.secretArn),
        statement(read, data.applicationSecret.secretArn),
      ],
    });
  }

  private taskRole({ id, consumes }: TaskSettings): Role {
    const { stack, base, queues } = this;
    const taskRole = new Role(stack, `${id}Role`, { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    const taskPolicy = new ManagedPolicy(taskRole, 'Policy', { roles: [taskRole] });
    for (const { queue } of queues) {
      taskPolicy.addStatements(statement(['sqs:SendMessage', 'sqs:GetQueueAttributes'], queue.queueArn));
    }
    taskPolicy.addStatements(statement(['kms:Decrypt', 'kms:GenerateDataKey'], base.key.keyArn));
    for (const { queue } of queues.filter(({ name }) => name === consumes)) {
      taskPolicy.addStatements(
        statement(
          ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
          queue.queueArn,
        ),
        statement(['kms:Decrypt'], base.key.keyArn),
      );
    }
    return taskRole;
  }
}

export function statement(actions: string[], ...resources: string[]): PolicyStatement {
  return new PolicyStatement({ actions, resources });
}

function databaseVariables(login: ISecret): { [name: string]: ContainerSecret } {
  return {
    DATABASE_HOST: ContainerSecret.fromSecretsManager(login, 'host'),
    DATABASE_PORT: ContainerSecret.fromSecretsManager(login, 'port'),
    DATABASE_NAME: ContainerSecret.fromSecretsManager(login, 'dbname'),
    DATABASE_USER: ContainerSecret.fromSecretsManager(login, 'username'),
    DATABASE_PASSWORD: ContainerSecret.fromSecretsManager(login, 'password'),
  };
}

function healthCheck(program: string): HealthCheck {
  return {
    command: ['CMD', 'python', '-c', program],
    interval: Duration.seconds(15),
    timeout: Duration.seconds(5),
    retries: 3,
    startPeriod: Duration.seconds(60),
  };
}
