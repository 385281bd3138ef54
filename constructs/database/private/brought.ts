import type { Connections } from 'aws-cdk-lib/aws-ec2';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IDatabaseCluster, IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct, DependencyGroup, type IDependable } from 'constructs';
import { CA_BUNDLE_PATH } from '../../core/contract';
import { DatabaseVariables } from '../database-variables';
import { databaseSecrets, PostgresDatabaseBase, tlsEnvironment } from './postgres-database-base';
import { replicaEnvironment } from './replicas';

/** What is known of a database that exists already. */
export interface BroughtDatabaseProps {
  readonly instance?: IDatabaseInstance;
  readonly cluster?: IDatabaseCluster;
  /** The instance or the cluster. */
  readonly server: IDependable;
  readonly readReplicas: IDatabaseInstance[];
  /** Where read replicas or readers listen. */
  readonly hosts: string[];
  readonly connections: Connections;
  readonly applicationSecret: ISecret;
  readonly ownerSecret?: ISecret;
  readonly variables?: DatabaseVariables;
  readonly caBundlePath?: string;
  readonly maxConnections?: number;
  readonly burstable?: boolean;
}

/**
 * A database that exists already.
 *
 * @internal
 */
export class BroughtDatabase extends PostgresDatabaseBase {
  public readonly instance?: IDatabaseInstance;
  public readonly cluster?: IDatabaseCluster;
  public readonly applicationSecret: ISecret;
  public readonly ownerSecret: ISecret;
  public readonly readReplicas: IDatabaseInstance[];
  public readonly containerEnvironment: { [name: string]: string };
  public readonly containerSecrets: { [name: string]: ContainerSecret };
  public readonly ownerContainerSecrets: { [name: string]: ContainerSecret };
  public readonly ready: IDependable;
  public readonly maxConnections?: number;
  public readonly changingSecrets: ISecret[];
  public readonly changingOwnerSecrets: ISecret[];
  public readonly rotationFunctions: IFunction[] = [];
  public readonly burstable?: boolean;
  public readonly connections: Connections;
  /** Whether it is a cluster with readers. */
  public readonly _hasReaders: boolean;

  constructor(scope: Construct, id: string, props: BroughtDatabaseProps) {
    super(scope, id);
    const { applicationSecret, ownerSecret } = props;
    const variables = props.variables ?? DatabaseVariables.DATABASE;
    this.instance = props.instance;
    this.cluster = props.cluster;
    this.applicationSecret = applicationSecret;
    this.ownerSecret = ownerSecret ?? applicationSecret;
    this.readReplicas = props.readReplicas;
    this.containerEnvironment = {
      ...tlsEnvironment(props.caBundlePath ?? CA_BUNDLE_PATH),
      ...replicaEnvironment(props.hosts, variables),
    };
    this.containerSecrets = databaseSecrets(this.applicationSecret, variables);
    this.ownerContainerSecrets = databaseSecrets(this.ownerSecret, variables);
    const secrets = ownerSecret === undefined ? [applicationSecret] : [applicationSecret, ownerSecret];
    this.ready = new DependencyGroup(props.server, ...secrets);
    this.maxConnections = props.maxConnections;
    this.burstable = props.burstable;
    this.changingSecrets = noticeable(this.applicationSecret);
    this.changingOwnerSecrets = noticeable(this.ownerSecret);
    this.connections = props.connections;
    this._hasReaders = props.cluster !== undefined && props.hosts.length > 0;
  }
}

/** The event of a change names the full ARN, so a secret that is known by a part of it cannot be watched. */
function noticeable(secret: ISecret): ISecret[] {
  return secret.secretFullArn === undefined ? [] : [secret];
}
