/** How the passwords of the application's logins in the database change. That of the master changes with them, in a secret of its own. */
export enum PasswordRotation {
  /** Two logins take turns: the running password stays valid until the next rotation, so nobody notices. */
  ALTERNATING_LOGINS = 'alternating-logins',
  /**
   * One login gets another password at once. Until its tasks are replaced, a few minutes, they cannot open new connections: requests and
   * tasks fail. Only for a database that cannot have a second login.
   */
  SINGLE_LOGIN = 'single-login',
  /** The passwords stay, and whoever once learned one keeps it. */
  OFF = 'off',
}
