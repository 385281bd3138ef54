/** The secret of a database login. */
export interface DatabaseSecret {
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
  /** All of it in one, for the logins of the application. */
  readonly url?: string;
  /** engine, dbInstanceIdentifier and whatever else is there: kept as it is. */
  readonly [name: string]: unknown;
}

/** Environment variables of the function. */
export const DATABASE_ROTATION = {
  /** Who changes the password. Not set: the secret is the master's own, and the master changes it itself. */
  masterSecretArn: 'MASTER_SECRET_ARN',
  /** JSON: a list of `RotatedLogin`, one for each secret that the function rotates. */
  logins: 'LOGINS',
} as const;

/** What a rotation must know of the login in a secret. */
export interface RotatedLogin {
  readonly secretArn: string;
  /** The role that the login must act as. */
  readonly role: string;
  /**
   * The two logins to alternate between; empty when the login stays and gets a new password: until the tasks
   * are replaced they cannot open new connections.
   */
  readonly logins: string[];
}
