/** The secret of a database login. */
export interface DatabaseSecret {
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
  /** engine, dbInstanceIdentifier and whatever else is there: kept as it is. */
  readonly [name: string]: unknown;
}

/** Environment variables of the function. */
export const DATABASE_ROTATION = {
  /** Who changes the password. Not set: the secret is the master's own, and the master changes it itself. */
  masterSecretArn: 'MASTER_SECRET_ARN',
  /**
   * The two logins to alternate between, with a comma.
   *
   * Not set: the login stays and gets a new password, and until the tasks are replaced they cannot open new
   * connections.
   */
  logins: 'LOGINS',
  /** The role that the logins must act as. Not set: it is not checked. */
  owner: 'OWNER',
} as const;
