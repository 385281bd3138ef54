/**
 * How the passwords of the application's logins in the database rotate.
 *
 * The master's password, in a secret of its own, rotates with them.
 */
export enum PasswordRotation {
  /**
   * Two logins alternate.
   *
   * The password in use stays valid until the next rotation, so no connection fails.
   */
  ALTERNATING_LOGINS = 'alternating-logins',
  /**
   * One login gets a new password.
   *
   * For a database that cannot have a second login. **Until their replacement a few minutes later, running
   * processes cannot open new connections: requests and Celery tasks fail.**
   */
  SINGLE_LOGIN = 'single-login',
  /** Passwords do not rotate. **A password that leaks stays valid until you change it by hand.** */
  OFF = 'off',
}
