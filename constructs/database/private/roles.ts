import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { type HandlerSettings, handlerFunction } from '../../core/handler-function';
import { grantKeyVia } from '../../core/key-policy';
import {
  type DatabaseRolesProperties,
  HANDLER_TIMEOUT,
  ROLES_REVISION,
  SERVICE_TIMEOUT,
} from '../../handlers/database-roles/contract';
import type { DatabaseHandlers } from './handlers';

/** Properties of `DatabaseRoles`. */
export interface DatabaseRolesProps extends HandlerSettings {
  readonly handlers: DatabaseHandlers;
  /** Both attached to the instance, so that they know host and port. */
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly databaseName: string;
  readonly owner: string;
  readonly logins: string[];
  /** Id of the instance. A new instance has another one, and gets its roles. */
  readonly instanceResourceId: string;
}

/**
 * The owner role and the two logins of an application, which a Lambda function creates before anything else
 * connects.
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
    const { handlers, masterSecret, applicationSecret, ...settings } = props;

    const { handler, role, logGroup } = handlerFunction(this, {
      ...settings,
      bundle: 'database-roles',
      description: 'Makes the owner role and the two logins of the application in the database',
      timeout: HANDLER_TIMEOUT,
      network: handlers.network,
      whyNoDeadLetters:
        'Only CloudFormation invokes it, once for a deployment, and waits for the answer: a lost one fails the deployment, which shows it better than a queue.',
    });
    masterSecret.grantRead(role);
    applicationSecret.grantRead(role);
    if (props.encryptionKey !== undefined) {
      grantKeyVia('secretsmanager', Stack.of(this).region, props.encryptionKey, role, 'kms:Decrypt');
    }
    const properties: DatabaseRolesProperties = {
      MasterSecretArn: masterSecret.secretArn,
      ApplicationSecretArn: applicationSecret.secretArn,
      Database: props.databaseName,
      Owner: props.owner,
      Logins: props.logins,
      Instance: props.instanceResourceId,
      Revision: ROLES_REVISION,
    };
    this.resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DatabaseRoles',
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
      properties: { ...properties },
    });
    this.resource.node.addDependency(handler, masterSecret, applicationSecret, ...handlers.ready);
    this.logGroup = logGroup;
  }
}
