import { type Duration, Stack } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { HandlerSettings } from '../../core/handler-function';
import { type RotationWindow, SecretRotation } from '../../core/secret-rotation';
import { DATABASE_ROTATION, type RotatedLogin } from '../../handlers/database-rotation/contract';
import type { DatabaseHandlers } from '../private/handlers';
import type { ApplicationRoles, DatabaseRoles, UnattachedSecrets } from './roles';

/** In seconds: connections to the database, and every version of the master's secret in turn. */
const TIMEOUT = 120;

/** Properties of `DatabaseRotation`. */
export interface DatabaseRotationProps extends HandlerSettings {
  readonly handlers: DatabaseHandlers;
  readonly roles: ApplicationRoles;
  /** Where the roles are made. */
  readonly madeBy: DatabaseRoles;
  /** All attached to the instance. */
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly ownerSecret: ISecret;
  /** The same before: the functions refer to these, and are made while the instance is. */
  readonly unattached: UnattachedSecrets;
  readonly period: Duration;
  readonly window?: RotationWindow;
  /** Whether two logins alternate. Otherwise one stays and gets a new password. */
  readonly alternating: boolean;
}

/**
 * Rotates the passwords of the application's logins and of the master, each kind with a function of its own.
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
    const { handlers, roles, madeBy, masterSecret, applicationSecret, ownerSecret, alternating, ...rest } = props;
    const { unattached, ...settings } = rest;
    const login = ({ secretArn }: ISecret, role: string, logins: string[]): RotatedLogin => {
      return { secretArn, role, logins: alternating ? logins : [] };
    };
    const logins = [
      login(unattached.application, roles.serving, roles.servingLogins),
      login(unattached.owner, roles.owner, roles.ownerLogins),
    ];
    const common = {
      ...settings,
      bundle: 'database-rotation',
      timeout: TIMEOUT,
      network: handlers.network,
      logGroup: madeBy.logGroup,
      actions: ['secretsmanager:ListSecretVersionIds'],
      after: [madeBy.resource, masterSecret, applicationSecret, ownerSecret, ...handlers.ready],
    };
    const application = new SecretRotation(this, 'Application', {
      ...common,
      secret: applicationSecret,
      others: { Owner: ownerSecret },
      writes: [unattached.application, unattached.owner],
      reads: [unattached.master],
      description: "Rotates the passwords of the application's logins in the database",
      environment: {
        [DATABASE_ROTATION.masterSecretArn]: unattached.master.secretArn,
        [DATABASE_ROTATION.logins]: Stack.of(this).toJsonString(logins),
      },
    });
    const master = new SecretRotation(this, 'Master', {
      ...common,
      secret: masterSecret,
      writes: [unattached.master],
      description: 'Rotates the password of the master user of the database',
    });
    this.functions = [application.handler, master.handler];
    // What rotates must know what the handler of the roles writes into the secrets, before it is there.
    madeBy.resource.node.addDependency(...this.functions);
  }
}
