// Every public name of the package, and nothing else.

export { DjangoApplication, type DjangoApplicationProps } from '../constructs/application/django-application';
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
export { Profile, type ProfileOptions } from '../constructs/core/profile';
export { type DatabaseVariableNames, DatabaseVariables } from '../constructs/database/database-variables';
export { PasswordRotation } from '../constructs/database/password-rotation';
export {
  type IPostgresDatabase,
  PostgresDatabase,
  type PostgresDatabaseAttributes,
  type PostgresDatabaseOptions,
  type PostgresDatabaseProps,
} from '../constructs/database/postgres-database';
export {
  FramePolicy,
  HttpsLoadBalancer,
  type HttpsLoadBalancerAttributes,
  type HttpsLoadBalancerProps,
  type IHttpsLoadBalancer,
} from '../constructs/edge/https-load-balancer';
export { WebFirewall, type WebFirewallProps } from '../constructs/edge/web-firewall';
export {
  type AlarmThresholds,
  ApplicationAlarms,
  type ApplicationAlarmsProps,
} from '../constructs/monitoring/application-alarms';
export { Network, type NetworkProps } from '../constructs/network/network';
export { type INotifications, Notifications, type NotificationsProps } from '../constructs/notifications/notifications';
export { AsgiService, type AsgiServiceOptions, type AsgiServiceProps } from '../constructs/processes/asgi-service';
export { BeatService, type BeatServiceOptions, type BeatServiceProps } from '../constructs/processes/beat-service';
export { ContainerHealthCheck } from '../constructs/processes/container-health-check';
export type { IDjangoService, ILoadBalancedService } from '../constructs/processes/django-service';
export type {
  ProcessProps,
  RoutedServiceOptions,
  RoutedServiceProps,
  ServiceOptions,
  ServiceProps,
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
export { WebService, type WebServiceOptions, type WebServiceProps } from '../constructs/processes/web-service';
export {
  WorkerService,
  type WorkerServiceOptions,
  type WorkerServiceProps,
} from '../constructs/processes/worker-service';
export { CeleryBroker, type CeleryBrokerProps, type ICeleryBroker } from '../constructs/queues/celery-broker';
export {
  type ITaskQueue,
  TaskQueue,
  type TaskQueueAttributes,
  type TaskQueueOptions,
  type TaskQueueProps,
} from '../constructs/queues/task-queue';
export {
  type ISecretKey,
  SecretKey,
  type SecretKeyAttributes,
  type SecretKeyOptions,
  type SecretKeyProps,
} from '../constructs/secrets/secret-key';
export { SecretRefresh, type SecretRefreshProps } from '../constructs/secrets/secret-refresh';
export { DjangoStack, type DjangoStackProps } from './django-stack';
export { DjangoStage, type DjangoStageProps } from './django-stage';
export { PipelineStack, type PipelineStackProps } from './pipeline-stack';
