// Every public name of the package, and nothing else, room by room (see constructs/).

// The whole application

export { DjangoApplication } from '../constructs/application/django-application';
export type { DjangoApplicationProps } from '../constructs/application/django-application-props';

// Processes: what runs on ECS Fargate

export { AsgiService, type AsgiServiceOptions, type AsgiServiceProps } from '../constructs/processes/asgi-service';
export { BeatService, type BeatServiceOptions, type BeatServiceProps } from '../constructs/processes/beat-service';
export { ContainerHealthCheck } from '../constructs/processes/container-health-check';
export type { IDjangoService, ILoadBalancedService } from '../constructs/processes/django-service';
export { Egress } from '../constructs/processes/egress';
export type {
  LoadBalancedServiceOptions,
  LoadBalancedServiceProps,
  ProcessProps,
  ServiceOptions,
  ServiceProps,
  TemporaryStorageOptions,
} from '../constructs/processes/process-props';
export {
  ReleaseCommand,
  type ReleaseCommandOptions,
  type ReleaseCommandProps,
} from '../constructs/processes/release-command';
export {
  ScheduledCommand,
  type ScheduledCommandOptions,
  type ScheduledCommandProps,
} from '../constructs/processes/scheduled-command';
export { AsgiServer } from '../constructs/processes/servers/asgi-server';
export type { GunicornProcessOptions } from '../constructs/processes/servers/gunicorn';
export { type GunicornOptions, GunicornWorker, WebServer } from '../constructs/processes/servers/web-server';
export { VariableAliases } from '../constructs/processes/task/variable-aliases';
export { WebService, type WebServiceOptions, type WebServiceProps } from '../constructs/processes/web-service';
export {
  WorkerService,
  type WorkerServiceOptions,
  type WorkerServiceProps,
} from '../constructs/processes/worker-service';

// Database: RDS for PostgreSQL, or Aurora PostgreSQL

export type { ServerlessCapacity } from '../constructs/database/aurora/serverless-capacity';
export {
  AuroraPostgresDatabase,
  type AuroraPostgresDatabaseAttributes,
  type AuroraPostgresDatabaseOptions,
  type AuroraPostgresDatabaseProps,
} from '../constructs/database/aurora-postgres-database';
export { DatabaseAccess } from '../constructs/database/database-access';
export type { DatabaseOptions } from '../constructs/database/database-options';
export { type DatabaseVariableNames, DatabaseVariables } from '../constructs/database/database-variables';
export { PasswordRotation } from '../constructs/database/password-rotation';
export { PointInTime } from '../constructs/database/point-in-time';
export {
  type IPostgresDatabase,
  PostgresDatabase,
  type PostgresDatabaseAttributes,
  type PostgresDatabaseOptions,
  type PostgresDatabaseProps,
} from '../constructs/database/postgres-database';

// Queues: SQS as the broker of Celery

export { CeleryBroker, type CeleryBrokerProps, type ICeleryBroker } from '../constructs/queues/celery-broker';
export {
  type ITaskQueue,
  TaskQueue,
  type TaskQueueAttributes,
  type TaskQueueOptions,
  type TaskQueueProps,
} from '../constructs/queues/task-queue';

// Cache: Valkey for the cache, sessions and the channel layer

export {
  Cache,
  type CacheAttributes,
  type CacheOptions,
  type CacheProps,
  type ICache,
} from '../constructs/cache/cache';
export { EvictionPolicy } from '../constructs/cache/eviction-policy';

// Storage: media files and static files in S3

export {
  type IMediaStorage,
  MediaStorage,
  type MediaStorageOptions,
  type MediaStorageProps,
} from '../constructs/storage/media-storage';
export {
  type IStaticFiles,
  StaticFiles,
  type StaticFilesOptions,
  type StaticFilesProps,
} from '../constructs/storage/static-files';
export {
  type IUrlSigningKeys,
  UrlSigningKeys,
  type UrlSigningKeysAttributes,
  type UrlSigningKeysOptions,
  type UrlSigningKeysProps,
} from '../constructs/storage/url-signing-keys';

// Mail: outgoing mail through SES

export {
  DmarcPolicy,
  type IMail,
  Mail,
  type MailAttributes,
  type MailOptions,
  type MailProps,
} from '../constructs/mail/mail';

// Secrets: SECRET_KEY and the refresh of what reads it

export {
  type ISecretKey,
  SecretKey,
  type SecretKeyAttributes,
  type SecretKeyOptions,
  type SecretKeyProps,
} from '../constructs/secrets/secret-key';
export { SecretRefresh, type SecretRefreshProps } from '../constructs/secrets/secret-refresh';

// Edge: distribution, load balancer and firewall

export { Cdn, type CdnOptions, type CdnProps } from '../constructs/edge/cdn';
export {
  FramePolicy,
  HttpsLoadBalancer,
  type HttpsLoadBalancerAttributes,
  type HttpsLoadBalancerOptions,
  type HttpsLoadBalancerProps,
  type IHttpsLoadBalancer,
} from '../constructs/edge/https-load-balancer';
export type { OriginHeader } from '../constructs/edge/origin-header';
export {
  FirewallScope,
  WebFirewall,
  type WebFirewallOptions,
  type WebFirewallProps,
} from '../constructs/edge/web-firewall';

// Network: the VPC

export { Network, type NetworkOptions, type NetworkProps } from '../constructs/network/network';

// Backup: vault, plan and restores as a test

export {
  BackupVaultLock,
  type BackupVaultLockOptions,
  type ComplianceLockOptions,
} from '../constructs/backup/backup-vault-lock';
export {
  DatabaseBackup,
  type DatabaseBackupOptions,
  type DatabaseBackupProps,
  type DatabaseBackupRule,
} from '../constructs/backup/database-backup';

// Dumps: dumps of the database in a bucket of their own

export { DatabaseDump, type DatabaseDumpOptions, type DatabaseDumpProps } from '../constructs/dumps/database-dump';
export type { DumpCopyOptions } from '../constructs/dumps/dump-copy';
export { type DumpComplianceLockOptions, DumpLock, type DumpLockOptions } from '../constructs/dumps/dump-lock';
export { RestoreDrill, type RestoreDrillOptions, type RestoreDrillProps } from '../constructs/dumps/restore-drill';

// Monitoring: alarms, event reports and the dashboard

export type { AlarmThresholds } from '../constructs/monitoring/alarm-thresholds';
export { ApplicationAlarms, type ApplicationAlarmsProps } from '../constructs/monitoring/application-alarms';

// Notifications: one SNS topic

export { type INotifications, Notifications, type NotificationsProps } from '../constructs/notifications/notifications';

// Core: the defaults of an environment

export { Profile, type ProfileOptions } from '../constructs/core/profile';
export type { RotationWindow } from '../constructs/core/secret-rotation';

// What deploys: stack, stage and pipeline

export { DjangoStack, type DjangoStackProps } from './django-stack';
export { DjangoStage, type DjangoStageProps } from './django-stage';
export { EdgeStack, type EdgeStackProps } from './edge-stack';
export { PipelineStack, type PipelineStackProps } from './pipeline-stack';
