import type { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret, ISecretAttachmentTarget } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { CaBundle } from '../../core/handler-function';
import { arrivalOf } from '../arriving/arrival';
import { PasswordRotation } from '../password-rotation';
import type { CommonProps } from '../private/defaults';
import { DatabaseHandlers } from '../private/handlers';
import { DEFAULT_NAMES, loginsOf, ownerLoginsOf, servingRoleOf } from '../private/names';
import { type ApplicationRoles, DatabaseRoles, type UnattachedSecrets } from './roles';
import { DatabaseRotation } from './rotation';
import { databaseSecret } from './secrets';

/** What the logins are made in. */
export interface DatabaseServer {
  /** The instance or the cluster, which tells secrets its host and port. */
  readonly target: ISecretAttachmentTarget;
  /** A new instance or cluster has another one, and gets its roles. */
  readonly resourceId: string;
  /** What must be there before anybody can connect, beside the target: the instances of a cluster. */
  readonly servers: Construct[];
  readonly securityGroup: SecurityGroup;
  /** The secrets that the target was made with. */
  readonly unattached: UnattachedSecrets;
}

/** The roles in a database, their secrets, and what rotates these. */
export interface DatabaseLogins {
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly ownerSecret: ISecret;
  readonly roles: DatabaseRoles;
  /** None where rotation is off. */
  readonly rotationFunctions: IFunction[];
  readonly isRotated: boolean;
  readonly caBundle?: CaBundle;
}

/** The secrets of the master user, of what serves and of releases, before the server is known. */
export function databaseSecretsOf(scope: Construct, props: CommonProps): UnattachedSecrets {
  const common = {
    encryptionKey: props.encryptionKey,
    removalPolicy: props.secretsAndLogsRemovalPolicy,
    rotated: isRotated(props),
    databaseName: props.databaseName,
  };
  const master = databaseSecret(scope, 'MasterSecret', {
    ...common,
    description: 'Master user of the database: for RDS and the handlers that look after it',
    username: props.masterUsername,
    defaultUsername: DEFAULT_NAMES.masterUsername,
  });
  const application = databaseSecret(scope, 'ApplicationSecret', {
    ...common,
    description: 'Login of the application in its database',
    username: loginsOf(props.applicationUser)[0],
    defaultUsername: loginsOf(DEFAULT_NAMES.applicationUser)[0],
  });
  const owner = databaseSecret(scope, 'OwnerSecret', {
    ...common,
    description: 'Login of releases in the database: owns the tables',
    username: ownerLoginsOf(props.applicationUser)[0],
    defaultUsername: ownerLoginsOf(DEFAULT_NAMES.applicationUser)[0],
  });
  return { master, application, owner };
}

/** The roles in the database, and the rotation of their passwords unless it is off. */
export function databaseLogins(scope: Construct, props: CommonProps, server: DatabaseServer): DatabaseLogins {
  const { target, unattached } = server;
  const masterSecret = unattached.master.attach(target);
  const applicationSecret = unattached.application.attach(target);
  const ownerSecret = unattached.owner.attach(target);
  const handlers = new DatabaseHandlers(scope, 'Handlers', {
    vpc: props.vpc,
    port: props.port,
    subnets: props.handlerSubnets,
    secretsManagerEndpoint: props.secretsManagerEndpoint,
    databaseSecurityGroup: server.securityGroup,
    caBundle: props.handlerCaBundle,
  });
  const { caBundle } = handlers;
  const handled = {
    masterSecret,
    applicationSecret,
    ownerSecret,
    unattached,
    handlers,
    encryptionKey: props.encryptionKey,
    removalPolicy: props.secretsAndLogsRemovalPolicy,
    roles: rolesOf(props),
    logRetention: props.logRetention,
    reservedConcurrentExecutions: props.handlerReservedConcurrency,
    deadLetterTopic: props.eventTopic,
    caBundle,
  };
  const roles = new DatabaseRoles(scope, 'Roles', {
    ...handled,
    databaseName: props.databaseName,
    arrival: arrivalOf(props),
    instanceResourceId: server.resourceId,
    servers: server.servers,
  });
  const rotation = isRotated(props)
    ? new DatabaseRotation(scope, 'Rotation', {
        ...handled,
        madeBy: roles,
        period: props.passwordRotationPeriod,
        window: props.passwordRotationWindow,
        alternating: props.passwordRotation === PasswordRotation.ALTERNATING_LOGINS,
      })
    : undefined;
  const rotationFunctions = rotation?.functions ?? [];
  return {
    masterSecret,
    applicationSecret,
    ownerSecret,
    roles,
    rotationFunctions,
    isRotated: rotation !== undefined,
    caBundle,
  };
}

function isRotated({ passwordRotation }: CommonProps): boolean {
  return passwordRotation !== PasswordRotation.OFF;
}

/** The names of the roles that the application has in the database. */
function rolesOf({ applicationUser }: CommonProps): ApplicationRoles {
  return {
    owner: applicationUser,
    ownerLogins: ownerLoginsOf(applicationUser),
    serving: servingRoleOf(applicationUser),
    servingLogins: loginsOf(applicationUser),
  };
}
