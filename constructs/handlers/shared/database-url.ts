/** What the address of a database is made of. */
export interface DatabaseLogin {
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
}

/**
 * A database and a login in one line, as dj-database-url and django-environ read it.
 *
 * It asks for TLS itself, for whoever hands it to something that does not look at PGSSLMODE. The certificates
 * are those that PGSSLROOTCERT names: where they are is a matter of the image.
 */
export function databaseUrl({ username, password, host, port, dbname }: DatabaseLogin): string {
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
  return `postgres://${login}@${host}:${port}/${encodeURIComponent(dbname)}?sslmode=verify-full`;
}
