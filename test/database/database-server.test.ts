import { DatabaseCluster } from 'aws-cdk-lib/aws-rds';
import {
  arnOf,
  databaseMetric,
  identifierOf,
  majorVersionOf,
  readerMetric,
  resourceIdOf,
  writerMetric,
} from '../../constructs/database/database-server';
import type { IPostgresDatabase } from '../../constructs/database/postgres-database';
import { testStack } from '../support';

describe('a database of somebody else', () => {
  test.each([
    ['name', identifierOf],
    ['ARN', arnOf],
    ['resource id', resourceIdOf],
    ['version', majorVersionOf],
    ['metric', (database: IPostgresDatabase) => databaseMetric(database, 'CPUUtilization')],
  ])('that has neither an instance nor a cluster says so when asked for its %s', (_, ask) => {
    expect(() => ask({} as IPostgresDatabase)).toThrow('A database must have an `instance` or a `cluster`');
  });

  test('that is a cluster is measured at whoever writes, and at the readers apart from it', () => {
    const cluster = DatabaseCluster.fromDatabaseClusterAttributes(testStack(), 'Cluster', {
      clusterIdentifier: 'orders',
    });
    const database = { cluster } as unknown as IPostgresDatabase;
    const roles = [writerMetric, readerMetric].map((metric) => metric(database, 'CPUUtilization').dimensions);
    expect(roles).toEqual([
      { DBClusterIdentifier: 'orders', Role: 'WRITER' },
      { DBClusterIdentifier: 'orders', Role: 'READER' },
    ]);
    expect([identifierOf(database), majorVersionOf(database), resourceIdOf(database)]).toEqual([
      'orders',
      undefined,
      undefined,
    ]);
  });
});
