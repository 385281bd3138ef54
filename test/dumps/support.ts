import type { Stack } from 'aws-cdk-lib';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { PostgresDatabase, type PostgresDatabaseProps } from '../../constructs/database/postgres-database';
import { DatabaseDump, type DatabaseDumpProps } from '../../constructs/dumps/database-dump';
import { testVpc } from '../support';

/** What a dump stands beside. */
export function beside(
  stack: Stack,
  props: Partial<PostgresDatabaseProps> = {},
): { readonly cluster: Cluster; readonly database: PostgresDatabase } {
  const vpc = testVpc(stack);
  return {
    cluster: new Cluster(stack, 'Cluster', { vpc }),
    database: new PostgresDatabase(stack, 'Database', { vpc, ...props }),
  };
}

/** A dump of a database that is made beside it. */
export function dumpIn(
  stack: Stack,
  props: Partial<DatabaseDumpProps> = {},
  ofDatabase: Partial<PostgresDatabaseProps> = {},
): DatabaseDump {
  return new DatabaseDump(stack, 'Dump', {
    ...beside(stack, ofDatabase),
    applicationImage: ContainerImage.fromRegistry('shop'),
    ...props,
  });
}
