import { Checks } from '../core/checks';
import { checkKinds } from '../core/kinds';

/** Names of the environment variables with the address and the login of the database. */
export interface DatabaseVariableNames {
  /** Variable with the host name. */
  readonly host: string;
  /** Variable with the port. */
  readonly port: string;
  /** Variable with the name of the database. */
  readonly name: string;
  /** Variable with the login. */
  readonly user: string;
  /** Variable with the password of the login. */
  readonly password: string;
  /**
   * Variable with all of it in one, `postgres://user:password@host:port/name?sslmode=verify-full`, from the key
   * `url` of the secret.
   *
   * The handlers of `PostgresDatabase` write that key, also into secrets from before there was one, and keep
   * it right when passwords rotate. **In a secret that is brought, whoever rotates it must write it:** ECS
   * starts no task whose secret lacks the key.
   *
   * @default - none
   */
  readonly url?: string;
  /**
   * Variable with the host names of the read replicas, comma-separated where there are several.
   *
   * It is set where there are read replicas.
   *
   * @default 'DATABASE_REPLICA_HOST'
   */
  readonly replicaHost?: string;
}

/**
 * Names of the database's environment variables, to fit the settings of an existing project.
 *
 * @example
 * const variables = DatabaseVariables.of({
 *   host: 'DB_HOST',
 *   port: 'DB_PORT',
 *   name: 'DB_NAME',
 *   user: 'DB_USER',
 *   password: 'DB_PASSWORD',
 * });
 */
export class DatabaseVariables {
  /** DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER and DATABASE_PASSWORD. */
  public static readonly DATABASE = DatabaseVariables.of({
    host: 'DATABASE_HOST',
    port: 'DATABASE_PORT',
    name: 'DATABASE_NAME',
    user: 'DATABASE_USER',
    password: 'DATABASE_PASSWORD',
  });
  /**
   * DATABASE_URL, as dj-database-url and django-environ read it, beside the variables of `DATABASE`.
   */
  public static readonly URL = DatabaseVariables.of({ ...DatabaseVariables.DATABASE.names, url: 'DATABASE_URL' });
  /** POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD. */
  public static readonly POSTGRES = DatabaseVariables.of({
    host: 'POSTGRES_HOST',
    port: 'POSTGRES_PORT',
    name: 'POSTGRES_DB',
    user: 'POSTGRES_USER',
    password: 'POSTGRES_PASSWORD',
  });
  /** PGHOST, PGPORT, PGDATABASE, PGUSER and PGPASSWORD, which libpq reads by itself. */
  public static readonly LIBPQ = DatabaseVariables.of({
    host: 'PGHOST',
    port: 'PGPORT',
    name: 'PGDATABASE',
    user: 'PGUSER',
    password: 'PGPASSWORD',
  });

  /** Uses names of your own. */
  public static of(names: DatabaseVariableNames): DatabaseVariables {
    checkKinds('DatabaseVariables.of', 'DatabaseVariableNames', names);
    const checks = new Checks('DatabaseVariables.of');
    for (const [part, name] of Object.entries(names)) {
      checks.known(part, name);
    }
    checks.throwIfAny();
    return new DatabaseVariables(names);
  }

  private constructor(
    /** The names. */
    public readonly names: DatabaseVariableNames,
  ) {}
}
