import type { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type { ISecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ContainerImage, CpuArchitecture, ICluster, Secret } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IDependable } from 'constructs';
import type { ICache } from '../cache/cache';
import type { Profile } from '../core/profile';
import type { DatabaseAccess } from '../database/database-access';
import type { IPostgresDatabase } from '../database/postgres-database';
import type { IHttpsLoadBalancer } from '../edge/https-load-balancer';
import type { IMail } from '../mail/mail';
import type { ICeleryBroker } from '../queues/celery-broker';
import type { ISecretKey } from '../secrets/secret-key';
import type { IMediaStorage } from '../storage/media-storage';
import type { ContainerHealthCheck } from './container-health-check';
import type { Egress } from './egress';

/** What every process of an application has in common: one image, run with different commands. */
export interface ProcessProps {
  /** Cluster that the tasks run in. */
  readonly cluster: ICluster;
  /** Image of the application. The same for every process. */
  readonly image: ContainerImage;
  /** Django settings module, for example `config.settings`. */
  readonly settingsModule: string;
  /**
   * Database of the process, which gets its secret and a way through its security group.
   *
   * @default - none
   */
  readonly database?: IPostgresDatabase;
  /**
   * Django SECRET_KEY.
   *
   * @default - none
   */
  readonly secretKey?: ISecretKey;
  /**
   * Celery broker.
   *
   * Every process may send Celery tasks to its queues.
   *
   * @default - none
   */
  readonly broker?: ICeleryBroker;
  /**
   * Storage of media files.
   *
   * Every process may read, write and delete its files.
   *
   * @default - none
   */
  readonly mediaStorage?: IMediaStorage;
  /**
   * Cache, which also holds sessions and the groups of a channel layer where the settings say so.
   *
   * @default - none
   */
  readonly cacheStore?: ICache;
  /**
   * Outgoing mail.
   *
   * Every process may send from its addresses.
   *
   * @default - none
   */
  readonly outgoingMail?: IMail;
  /**
   * Host names for DJANGO_ALLOWED_HOSTS, in Django's syntax: `.example.com` stands for a domain and its
   * subdomains.
   *
   * @default - the service's own host names behind a load balancer, otherwise none
   */
  readonly allowedHosts?: string[];
  /**
   * Origins for DJANGO_CSRF_TRUSTED_ORIGINS, with scheme.
   *
   * @default - the service's own host names with their scheme behind a load balancer, otherwise none
   */
  readonly csrfTrustedOrigins?: string[];
  /**
   * More environment variables.
   *
   * **Never put a secret here: the template shows them.**
   *
   * @default - none
   */
  readonly environment?: { [name: string]: string };
  /**
   * More variables from Secrets Manager or Parameter Store.
   *
   * @default - none
   */
  readonly secrets?: { [name: string]: Secret };
  /**
   * Processor of the tasks; the image must be built for it.
   *
   * @default CpuArchitecture.ARM64
   */
  readonly cpuArchitecture?: CpuArchitecture;
  /**
   * Subnets of the tasks.
   *
   * @default - private subnets with a way out; public ones with public addresses where the VPC has no such
   * subnets
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Security group of the tasks.
   *
   * @default - a new one without inbound rules
   */
  readonly securityGroup?: ISecurityGroup;
  /**
   * Whom the process may connect to, beside the database and what else it is given.
   *
   * The list replaces the default, so it must include `Egress.https()`. A way out that is not listed is
   * closed: SMTP, an external database and a cache need one each. **It is no filter for names and metadata:
   * security groups do not look at DNS queries to the VPC's resolver or at requests to the metadata endpoint
   * of ECS.** With a `securityGroup` of your own, open the ways in it yourself, HTTPS and the database among
   * them.
   *
   * @default - TCP port 443 to anywhere
   */
  readonly egress?: Egress[];
  /**
   * Role with which ECS starts the tasks: pulls the image, reads the secrets, writes the logs.
   *
   * @default - a new one with just that
   */
  readonly executionRole?: IRole;
  /**
   * Log group of the process.
   *
   * @default - a new one
   */
  readonly logGroup?: ILogGroup;
  /**
   * Key of what is made here: log groups, and the queue of a scheduled command.
   *
   * @default - encrypted with keys of AWS
   */
  readonly encryptionKey?: IKey;
  /**
   * How long the log group that is made here keeps events.
   *
   * @default - from the profile
   */
  readonly logRetention?: RetentionDays;
  /**
   * What happens to what is made here, log groups and the queue of a scheduled command, when it leaves the
   * stack.
   *
   * @default - from the profile
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * What must exist before the first ECS task starts, for example the release.
   *
   * @default - only what the process itself needs
   */
  readonly waitFor?: IDependable[];
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
}

/** Space that a task has for temporary files. */
export interface TemporaryStorageOptions {
  /**
   * Space for uploads and exports that are too large for /tmp: whole GiB, from 1 to 195.
   *
   * Makes a volume on disk at /var/tmp/django, private to the task and empty at each start, and sets TMPDIR
   * to it: Django and Python's `tempfile` write there. A short container of the same image makes it writable
   * before the application starts; it runs as root, without capabilities. Under ASGI, Django keeps an upload
   * twice while it reads it.
   *
   * Up to 15 GiB cost nothing. Fargate gives a task 20 GiB, 5 of which are left to the image, and charges for
   * more by the hour. Programs may run from the volume, other than from /tmp.
   *
   * @default - none: /tmp alone, in memory, an eighth of the task's
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
   */
  readonly temporaryStorage?: Size;
}

/** What can be tuned in every process that keeps running. */
export interface ServiceOptions extends TemporaryStorageOptions {
  /**
   * The program and its arguments, in exec form.
   *
   * @default - gunicorn, uvicorn, `celery worker` or `celery beat`, as the construct runs it
   */
  readonly command?: string[];
  /**
   * CPU units of a task; 1024 is one vCPU.
   *
   * @default - from the profile; 256 for beat
   */
  readonly cpu?: number;
  /**
   * Memory of a task in MiB.
   *
   * Must form a pair with `cpu` that Fargate sells.
   *
   * @default - from the profile; 512 for beat
   */
  readonly memoryLimitMiB?: number;
  /**
   * Power that the process has in the database.
   *
   * `OWNER` is for what makes schemas or tables at run time. Everything else reads and changes rows.
   *
   * @default DatabaseAccess.READ_WRITE
   */
  readonly databaseAccess?: DatabaseAccess;
  /**
   * Whether tasks run on Fargate Spot.
   *
   * It costs about a third of the price, and AWS takes a task away at two minutes' notice.
   *
   * @default - from the profile for web, ASGI and workers; false for all others, and beat refuses true
   */
  readonly spot?: boolean;
  /**
   * Whether `aws ecs execute-command` may open a shell in a running task.
   *
   * The root file system becomes writable: the agent behind it cannot run with a read-only one. **The shell
   * runs as root of the container, whatever user the application runs as**: whoever may call
   * `ecs:ExecuteCommand` can read and change everything in it. Every call is in CloudTrail.
   *
   * @default false
   */
  readonly enableExecuteCommand?: boolean;
}

/** A process that keeps running. */
export interface ServiceProps extends ProcessProps, ServiceOptions {
  /**
   * SNS topic notified when the deployment alarm fires.
   *
   * ECS rolls the deployment back either way.
   *
   * @default - none
   */
  readonly alarmTopic?: ITopic;
}

/** What can be tuned in every service behind the load balancer. */
export interface LoadBalancedServiceOptions extends ServiceOptions {
  /**
   * Host names whose requests come here, such as `shop.example.com` or `*.example.com`.
   *
   * They are also what the process allows in ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS. Requests for any other
   * host get 404 from the load balancer.
   *
   * @default - the domain names of the load balancer, or its own name where it has none
   */
  readonly hostNames?: string[];
  /**
   * Priority of the rule among all rules of the load balancer, 1 to 50,000.
   *
   * The load balancer evaluates lower numbers first.
   *
   * @default - 100 for ASGI, 200 for web
   */
  readonly priority?: number;
  /**
   * Path that answers 200 while the process works, whatever the Host header.
   *
   * @default '/healthz'
   */
  readonly healthCheckPath?: string;
  /**
   * How ECS finds out that the container is alive.
   *
   * @default - a request for `healthCheckPath`
   */
  readonly healthCheck?: ContainerHealthCheck;
  /**
   * Fewest tasks.
   *
   * @default - from the profile
   */
  readonly minCapacity?: number;
  /**
   * Most tasks.
   *
   * @default - from the profile
   */
  readonly maxCapacity?: number;
  /**
   * Server processes in a task, as WEB_CONCURRENCY.
   *
   * @default - from `cpu` and `memoryLimitMiB`
   */
  readonly processes?: number;
  /**
   * Average CPU in percent that scaling holds.
   *
   * @default 60
   */
  readonly targetCpuPercent?: number;
  /**
   * Requests per task and minute that scaling holds.
   *
   * @default 1000
   */
  readonly requestsPerTarget?: number;
  /**
   * How long the server keeps an idle connection; longer than the load balancer does.
   *
   * @default - idle timeout of the load balancer and 15 seconds
   */
  readonly keepAlive?: Duration;
  /**
   * Time between SIGTERM and SIGKILL, at most 120 seconds.
   *
   * @default Duration.seconds(45)
   */
  readonly stopTimeout?: Duration;
  /**
   * Time for requests in flight between SIGTERM and the end of the process; shorter than `stopTimeout`.
   *
   * @default Duration.seconds(30)
   */
  readonly gracefulTimeout?: Duration;
  /**
   * How long the longest request takes that a deployment must not cut.
   *
   * It raises `deregistrationDelay`, so every roll-out takes as much longer. **In each deployment the load
   * balancer answers requests that take longer with 502**, and closes WebSockets.
   *
   * @default Duration.seconds(15)
   */
  readonly longestRequest?: Duration;
  /**
   * Time for requests in flight between deregistration and SIGTERM.
   *
   * @default - `longestRequest`, at least 15 seconds
   */
  readonly deregistrationDelay?: Duration;
}

/** A service behind the load balancer. */
export interface LoadBalancedServiceProps extends ServiceProps, LoadBalancedServiceOptions {
  /** Load balancer that sends requests to the service. */
  readonly loadBalancer: IHttpsLoadBalancer;
}
