import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { type HandlerSettings, handlerFunction } from '../../core/handler-function';
import { grantKeyVia, grantSecretRead } from '../../core/key-policy';
import {
  type DatabaseRolesProperties,
  HANDLER_TIMEOUT,
  ROLES_REVISION,
  SERVICE_TIMEOUT,
} from '../../handlers/database-roles/contract';
import type { Arrival } from '../arriving/arrival';
import type { DatabaseHandlers } from '../private/handlers';

/** Names of the roles of an application. */
export interface ApplicationRoles {
  readonly owner: string;
  readonly ownerLogins: string[];
  readonly serving: string;
  readonly servingLogins: string[];
}

/** The secrets of a database, before they are attached to the instance. */
export interface UnattachedSecrets {
  readonly master: ISecret;
  readonly application: ISecret;
  readonly owner: ISecret;
}

/** Properties of `DatabaseRoles`. */
export interface DatabaseRolesProps extends HandlerSettings {
  readonly handlers: DatabaseHandlers;
  /** All attached to the instance, so that they know host and port. */
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly ownerSecret: ISecret;
  /** The same before they are attached: what refers to these is made while the instance is. */
  readonly unattached: UnattachedSecrets;
  readonly databaseName: string;
  readonly roles: ApplicationRoles;
  /** What else the handler does with a database that comes from elsewhere. */
  readonly arrival: Arrival;
  /** Id of the instance or cluster. A new one has another one, and gets its roles. */
  readonly instanceResourceId: string;
  /** What else must be there before anybody can connect. */
  readonly servers: Construct[];
}

/**
 * The owner of an application's database and the role of what serves, each with two logins, which a Lambda
 * function creates before anything else connects.
 *
 * @internal
 */
export class DatabaseRoles extends Construct {
  /** The custom resource, which is complete when the roles exist. */
  public readonly resource: CustomResource;
  /** Log group of the database's handlers. */
  public readonly logGroup: ILogGroup;

  constructor(scope: Construct, id: string, props: DatabaseRolesProps) {
    super(scope, id);
    const { handlers, masterSecret, applicationSecret, ownerSecret, roles, arrival, ...settings } = props;

    const { handler, role, logGroup } = handlerFunction(this, {
      ...settings,
      bundle: 'database-roles',
      description: 'Makes the roles and the logins of the application in the database',
      timeout: HANDLER_TIMEOUT,
      network: handlers.network,
      whyNoDeadLetters:
        'Only CloudFormation invokes it, once for a deployment, and waits for the answer: a lost one fails the deployment, which shows it better than a queue.',
    });
    const { master, application, owner } = props.unattached;
    for (const secret of [master, application, owner]) {
      grantSecretRead(secret, role);
    }
    grantCompletion(role, [application, owner], settings.encryptionKey);
    const properties: DatabaseRolesProperties = {
      MasterSecretArn: masterSecret.secretArn,
      ApplicationSecretArn: applicationSecret.secretArn,
      OwnerSecretArn: ownerSecret.secretArn,
      Database: props.databaseName,
      Owner: roles.owner,
      OwnerLogins: roles.ownerLogins,
      ServingRole: roles.serving,
      Logins: roles.servingLogins,
      Instance: props.instanceResourceId,
      ...arrival,
      Revision: ROLES_REVISION,
    };
    this.resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DatabaseRoles',
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
      properties: { ...properties },
    });
    const secrets = [masterSecret, applicationSecret, ownerSecret];
    this.resource.node.addDependency(handler, ...secrets, ...props.servers, ...handlers.ready);
    this.logGroup = logGroup;
  }
}

/** Lets the function write the url into secrets, whose key it uses for that through Secrets Manager alone. */
function grantCompletion(role: IRole, secrets: ISecret[], key: IKey | undefined): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'],
      resources: secrets.map(({ secretArn }) => secretArn),
    }),
  );
  if (key !== undefined) {
    grantKeyVia({ service: 'secretsmanager', region: Stack.of(role).region, key }, role, 'kms:GenerateDataKey');
  }
}
