import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { SecretRefresh } from '../../secrets/secret-refresh';
import { type AlarmRow, anyAbove0, GREATER_THAN_THRESHOLD, MINUTE, NOT_BREACHING } from './alarm-table';

const FIVE_MINUTES = Duration.minutes(5);

export const ROTATION_ALARMS: AlarmRow<IFunction>[] = [
  anyAbove0({
    id: 'RotationErrors',
    runbook: 'rotation-errors',
    metric: (handler) => handler.metricErrors({ period: FIVE_MINUTES, statistic: Stats.SUM }),
    sentence: 'a step of the rotation of its secret failed. The current value stays valid.',
  }),
];

export const REFRESH_ALARMS: AlarmRow<SecretRefresh>[] = [
  anyAbove0({
    id: 'RefreshFailed',
    runbook: 'refresh-failed',
    metric: (refresh) => refresh.metricDeadLetters({ period: MINUTE, statistic: Stats.MAXIMUM }),
    sentence: 'a secret changed, and for three hours the tasks that read it could not be replaced.',
  }),
  {
    id: 'RefreshErrors',
    runbook: 'refresh-errors',
    metric: (refresh) => refresh.metricErrors({ period: FIVE_MINUTES, statistic: Stats.SUM }),
    threshold: () => 0,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 3,
    treatMissingData: NOT_BREACHING,
    sentence: () => 'what replaces tasks after a secret has changed fails.',
  },
];
