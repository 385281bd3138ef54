/** A resource of a template; properties of every type, as CloudFormation has them. */
interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of every type of resource.
  readonly Properties: any;
}

export interface ScalingTemplate {
  readonly Resources: { readonly [id: string]: Resource };
}

/** A metric of one query of an alarm. */
export interface MetricStat {
  readonly name: string;
  readonly statistic: string;
  /** In seconds. */
  readonly period: number;
}

/** An alarm as the template has it. */
export interface ScalingAlarm {
  readonly id: string;
  readonly comparison: string;
  readonly threshold: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly missing: string;
  /** In seconds. */
  readonly period: number;
  /** Expressions and metrics by the ids of their queries. */
  readonly queries: { readonly [id: string]: string | MetricStat };
  /** The query whose value the alarm compares. */
  readonly returned: string;
}

/** A step of a policy, from and to a distance from the threshold. */
export interface Step {
  readonly from: number;
  readonly to: number;
  readonly adjustment: number;
}

export interface StepPolicy {
  readonly kind: 'step';
  readonly id: string;
  readonly adjustmentType: string;
  /** In seconds. */
  readonly cooldown: number;
  readonly steps: Step[];
  readonly alarms: ScalingAlarm[];
}

/** Follows the average CPU; its alarms are made by Application Auto Scaling and not in the template. */
export interface CpuPolicy {
  readonly kind: 'cpu';
  readonly id: string;
  readonly target: number;
  readonly scaleOutCooldown: number;
  readonly scaleInCooldown: number;
}

/** How the number of tasks of one service is decided. */
export interface Scaling {
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly policies: (StepPolicy | CpuPolicy)[];
}

/** Cooldown that Application Auto Scaling takes for ECS where none is given. */
const DEFAULT_COOLDOWN = 300;

/** Reads the scaling of the service whose construct path, as in logical ids, begins like this. */
export function scalingIn(template: ScalingTemplate, service: string): Scaling {
  const all = Object.entries(template.Resources).filter(([id]) => id.startsWith(service));
  const of = (type: string) => all.filter(([, { Type }]) => Type === type);
  const targets = of('AWS::ApplicationAutoScaling::ScalableTarget');
  if (targets.length !== 1) {
    throw new Error(`${targets.length} scalable targets of ${service}`);
  }
  const { MinCapacity, MaxCapacity } = targets[0][1].Properties;
  const alarms = of('AWS::CloudWatch::Alarm');
  const policies = of('AWS::ApplicationAutoScaling::ScalingPolicy').map(([id, { Properties }]) =>
    Properties.PolicyType === 'StepScaling'
      ? stepPolicy(id, Properties, alarms)
      : cpuPolicy(id, Properties.TargetTrackingScalingPolicyConfiguration),
  );
  return { minCapacity: MinCapacity, maxCapacity: MaxCapacity, policies };
}

function stepPolicy(
  id: string,
  { StepScalingPolicyConfiguration: given }: Resource['Properties'],
  alarms: [string, Resource][],
): StepPolicy {
  const calls = (actions: unknown[] = []) => actions.some((action) => JSON.stringify(action)?.includes(`"${id}"`));
  if (given.StepAdjustments.length > 20) {
    throw new Error(`${id} has ${given.StepAdjustments.length} steps: AWS takes 20`);
  }
  return {
    kind: 'step',
    id,
    adjustmentType: given.AdjustmentType,
    cooldown: given.Cooldown ?? DEFAULT_COOLDOWN,
    steps: given.StepAdjustments.map((step: Resource['Properties']) => ({
      from: step.MetricIntervalLowerBound ?? Number.NEGATIVE_INFINITY,
      to: step.MetricIntervalUpperBound ?? Number.POSITIVE_INFINITY,
      adjustment: step.ScalingAdjustment,
    })),
    alarms: alarms.filter(([, { Properties }]) => calls(Properties.AlarmActions)).map(scalingAlarm),
  };
}

function cpuPolicy(id: string, given: Resource['Properties']): CpuPolicy {
  const metric = given.PredefinedMetricSpecification?.PredefinedMetricType;
  if (metric !== 'ECSServiceAverageCPUUtilization') {
    throw new Error(`${id} follows ${metric}, which is not modelled`);
  }
  return {
    kind: 'cpu',
    id,
    target: given.TargetValue,
    scaleOutCooldown: given.ScaleOutCooldown ?? DEFAULT_COOLDOWN,
    scaleInCooldown: given.ScaleInCooldown ?? DEFAULT_COOLDOWN,
  };
}

function scalingAlarm([id, { Properties: given }]: [string, Resource]): ScalingAlarm {
  const queries = given.Metrics?.map(queryOf) ?? [
    ['metric', { name: given.MetricName, statistic: given.Statistic, period: given.Period }],
  ];
  const period = queries.map(([, query]: [string, string | MetricStat]) =>
    typeof query === 'string' ? 0 : query.period,
  );
  return {
    id,
    comparison: given.ComparisonOperator,
    threshold: given.Threshold,
    evaluationPeriods: given.EvaluationPeriods,
    datapointsToAlarm: given.DatapointsToAlarm ?? given.EvaluationPeriods,
    missing: given.TreatMissingData ?? 'missing',
    period: Math.max(...period),
    queries: Object.fromEntries(queries),
    returned: given.Metrics?.find(({ ReturnData }: Resource['Properties']) => ReturnData !== false).Id ?? 'metric',
  };
}

function queryOf({ Id, Expression, MetricStat }: Resource['Properties']): [string, string | MetricStat] {
  return [
    Id,
    Expression ?? { name: MetricStat.Metric.MetricName, statistic: MetricStat.Stat, period: MetricStat.Period },
  ];
}
