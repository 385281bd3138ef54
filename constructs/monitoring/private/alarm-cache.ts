import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ICache } from '../../cache/cache';
import { type AlarmRow, GREATER_THAN_THRESHOLD, MINUTE, MISSING, NOT_BREACHING } from './alarm-table';

const FIVE_MINUTES = Duration.minutes(5);
/** Seconds by which a replica may lag behind: what it has not seen is lost when it takes over. */
const LONG_LAG = 10;

/** Alarms of a cache whose nodes are known. */
export const CACHE_ALARMS: AlarmRow<ICache>[] = [
  {
    id: 'CacheCpu',
    runbook: 'cache-cpu',
    metric: (cache) => highest(cache, 'EngineCPUUtilization', Stats.AVERAGE),
    threshold: ({ cacheCpuPercent }) => cacheCpuPercent,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 15,
    treatMissingData: MISSING,
    sentence: ({ cacheCpuPercent }) =>
      `the thread that runs all commands was above ${cacheCpuPercent} % for 15 minutes.`,
  },
  {
    id: 'CacheMemory',
    runbook: 'cache-memory',
    metric: (cache) => highest(cache, 'DatabaseMemoryUsagePercentage', Stats.MAXIMUM),
    threshold: ({ cacheMemoryPercent }) => cacheMemoryPercent,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 15,
    treatMissingData: MISSING,
    sentence: ({ cacheMemoryPercent }) =>
      `more than ${cacheMemoryPercent} % of the memory were in use for 15 minutes; without room keys are evicted, or writes fail.`,
  },
  {
    id: 'CacheEvictions',
    runbook: 'cache-evictions',
    metric: (cache) => highest(cache, 'Evictions', Stats.SUM, FIVE_MINUTES),
    threshold: ({ cacheEvictions }) => cacheEvictions,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 3,
    treatMissingData: NOT_BREACHING,
    sentence: ({ cacheEvictions }) =>
      `more than ${cacheEvictions} keys were evicted in each 5 minutes of 15; sessions and groups of sockets may be among them.`,
  },
  {
    id: 'CacheConnections',
    runbook: 'cache-connections',
    metric: (cache) => highest(cache, 'CurrConnections', Stats.MAXIMUM),
    threshold: ({ cacheConnections }) => cacheConnections,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 5,
    treatMissingData: MISSING,
    sentence: ({ cacheConnections }) => `more than ${cacheConnections} connections were open for 5 minutes.`,
  },
  {
    id: 'CacheReplicationLag',
    runbook: 'cache-replication-lag',
    metric: (cache) => (cache.nodeIds.length > 1 ? highest(cache, 'ReplicationLag', Stats.MAXIMUM) : undefined),
    threshold: () => LONG_LAG,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 5,
    treatMissingData: NOT_BREACHING,
    sentence: () => `a replica has lagged more than ${LONG_LAG} seconds behind for 5 minutes.`,
  },
];

/**
 * The highest value of any node: which one is the primary changes when it fails. Undefined where no node is
 * known.
 */
function highest({ nodeIds }: ICache, metricName: string, statistic: string, period = MINUTE): IMetric | undefined {
  const metrics = nodeIds.map(
    (CacheClusterId) =>
      new Metric({ namespace: 'AWS/ElastiCache', metricName, dimensionsMap: { CacheClusterId }, statistic, period }),
  );
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`node${index + 1}`, metric]));
  return metrics.length > 1
    ? new MathExpression({ expression: 'MAX(METRICS())', usingMetrics, label: metricName, period })
    : metrics[0];
}
