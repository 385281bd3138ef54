import type { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { HandlerSettings } from '../../core/handler-function';
import { SecretRotation } from '../../core/secret-rotation';
import { DATABASE_ROTATION } from '../../handlers/database-rotation/contract';
import type { DatabaseHandlers } from './handlers';
import type { DatabaseRoles } from './roles';

/** In seconds: connections to the database, and every version of the master's secret in turn. */
const TIMEOUT = 120;

/** Properties of `DatabaseRotation`. */
export interface DatabaseRotationProps extends HandlerSettings {
  readonly handlers: DatabaseHandlers;
  readonly roles: DatabaseRoles;
  /** Both attached to the instance. */
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly period: Duration;
  readonly owner: string;
  /**
   * The two to alternate between.
   *
   * @default - the login stays and gets a new password
   */
  readonly logins?: string[];
}

/**
 * Rotates the passwords of the application and of the master, each with a function of its own.
 *
 * The function of the master can touch no other secret, because every password in the database depends on the
 * master's. The function of the application cannot change the master's.
 *
 * @internal
 */
export class DatabaseRotation extends Construct {
  public readonly functions: IFunction[];

  constructor(scope: Construct, id: string, props: DatabaseRotationProps) {
    super(scope, id);
    const { handlers, roles, masterSecret, applicationSecret, logins, owner, ...settings } = props;
    const common = {
      ...settings,
      bundle: 'database-rotation',
      timeout: TIMEOUT,
      network: handlers.network,
      logGroup: roles.logGroup,
      actions: ['secretsmanager:ListSecretVersionIds'],
      after: [roles.resource, masterSecret, applicationSecret, ...handlers.ready],
    };
    const application = new SecretRotation(this, 'Application', {
      ...common,
      secret: applicationSecret,
      reads: [masterSecret],
      description: "Rotates the password of the application's login in the database",
      environment: {
        [DATABASE_ROTATION.masterSecretArn]: masterSecret.secretArn,
        [DATABASE_ROTATION.owner]: owner,
        ...(logins === undefined ? {} : { [DATABASE_ROTATION.logins]: logins.join(',') }),
      },
    });
    const master = new SecretRotation(this, 'Master', {
      ...common,
      secret: masterSecret,
      description: 'Rotates the password of the master user of the database',
    });
    this.functions = [application.handler, master.handler];
  }
}
