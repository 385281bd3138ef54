/**
 * What the construct tells the handler: properties of `Custom::DatabaseRoles`.
 *
 * A changed value runs the handler again.
 */
export interface DatabaseRolesProperties {
  /** Secret of the master user: JSON with host, port, username, password. */
  readonly MasterSecretArn: string;
  /** Secret of what serves: JSON with host, port, dbname, username (one of `Logins`), password. */
  readonly ApplicationSecretArn: string;
  /** Secret of what changes tables: as the application's, with one of `OwnerLogins`. */
  readonly OwnerSecretArn: string;
  readonly Database: string;
  /** The role that owns the database and everything in it; it cannot log in. */
  readonly Owner: string;
  /** The two logins that act as the owner. */
  readonly OwnerLogins: string[];
  /** The role that reads and changes rows, and nothing else; it cannot log in. */
  readonly ServingRole: string;
  /** The two logins that act as the serving role. */
  readonly Logins: string[];
  /** Identity of the instance: a restored or replaced one needs its roles too. */
  readonly Instance: string;
  /** Whether the database comes from elsewhere, with all that is in it: the owner takes it over, once. */
  readonly TakeOwnership?: 'true';
  /** Whose objects in the database become the owner's, instead of everybody's. */
  readonly TakeOwnershipFrom?: string[];
  /** Extensions that the master makes, by name. */
  readonly Extensions?: string[];
  /** `ROLES_REVISION` of the library that wrote the template. */
  readonly Revision: string;
}

/** Raised when the handler learns something that existing databases need too. */
export const ROLES_REVISION = '3';

/** How long the handler may take, in seconds: it waits for an instance that is still coming up. */
export const HANDLER_TIMEOUT = 600;
/** How long CloudFormation waits for the answer, in seconds: a repeated delivery fits in. */
export const SERVICE_TIMEOUT = 900;
