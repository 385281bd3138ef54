import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { MINUTE } from './direct-foundation';
import type { Row, Watched } from './direct-watch';

/** Alarms on rotations, and on the refresh that follows them. */
export function handlerRows({ rotating, refreshing }: Watched): Row[] {
  const above = {
    comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
    threshold: 0,
    periods: 1,
    missing: TreatMissingData.NOT_BREACHING,
  };
  const errors = { period: Duration.minutes(5), statistic: Stats.SUM };
  return [
    ...rotating.map(
      (handler, index): Row => ({
        ...above,
        id: `RotationErrors${index + 1}`,
        name: `Shop/App/${handler.node.id}`,
        sentence: 'a step of the rotation of its secret failed. The current value stays valid.',
        runbook: 'rotation-errors',
        metric: handler.metricErrors(errors),
      }),
    ),
    {
      ...above,
      id: 'RefreshFailed',
      name: 'Shop/App/SecretRefresh',
      sentence: 'a secret changed, and for three hours the tasks that read it could not be replaced.',
      runbook: 'refresh-failed',
      metric: refreshing.deadLetters.metricApproximateNumberOfMessagesVisible({
        period: MINUTE,
        statistic: Stats.MAXIMUM,
      }),
    },
    {
      ...above,
      id: 'RefreshErrors',
      name: 'Shop/App/SecretRefresh',
      sentence: 'what replaces tasks after a secret has changed fails.',
      runbook: 'refresh-errors',
      metric: refreshing.handler.metricErrors(errors),
      periods: 3,
    },
  ];
}
