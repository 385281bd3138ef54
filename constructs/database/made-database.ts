import type { CaBundle } from '../core/handler-function';
import { AuroraPostgresDatabase } from './aurora-postgres-database';
import { type IPostgresDatabase, PostgresDatabase } from './postgres-database';

/**
 * What must stay as it was first deployed, by the prop that says it.
 *
 * @internal
 */
export interface DatabaseIdentity {
  readonly applicationUser: string;
  readonly clusterIdentifier?: string;
  readonly databaseName: string;
  readonly instanceIdentifier?: string;
  readonly masterUsername: string;
  readonly pointInTime?: string;
  readonly port: number;
  readonly snapshotIdentifier?: string;
}

/**
 * What is known of a database that is made here; undefined of one that exists already.
 *
 * @internal
 */
export interface MadeDatabase extends IPostgresDatabase {
  readonly _identity: DatabaseIdentity;
  readonly _caBundle?: CaBundle;
}

/**
 * The database, where it is made here.
 *
 * @internal
 */
export function madeDatabase(database: IPostgresDatabase): MadeDatabase | undefined {
  return isMadeDatabase(database) ? database : undefined;
}

/**
 * Whether it is a database that is made here.
 *
 * @internal
 */
export function isMadeDatabase(value: unknown): value is PostgresDatabase | AuroraPostgresDatabase {
  return value instanceof PostgresDatabase || value instanceof AuroraPostgresDatabase;
}
