/** A template; properties of every type, as CloudFormation has them. */
export interface Resources {
  // biome-ignore lint/suspicious/noExplicitAny: properties of every type of resource.
  readonly [id: string]: { readonly Type: string; readonly Properties?: any; readonly DependsOn?: string | string[] };
}

/** Seconds that are not in a template. */
export const ASSUMED = {
  /** From the order to start a task until its container runs: placement, network interface, image. */
  taskStart: 57,
  /** A process without work that gets SIGTERM. */
  idleStop: 1,
};

/** What a roll-out of one service takes, in seconds. */
export interface Rollout {
  readonly service: string;
  /** From the order until every old task is gone. */
  readonly settled: number;
  /** What ECS waits after that for alarms. */
  readonly bake: number;
  /** Until a version whose tasks never become healthy is given up, and the old one is whole again. */
  readonly givenUp: number;
}

/** The roll-out of every service of a template where no task has work. */
export function rolloutsOf(resources: Resources): Rollout[] {
  const services = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::ECS::Service');
  return services.map(([id, { Properties }]) => rollout(resources, id, Properties));
}

function rollout(resources: Resources, service: string, properties: Resources[string]['Properties']): Rollout {
  const { DeploymentConfiguration: deployment, HealthCheckGracePeriodSeconds: grace = 0 } = properties;
  const definition = resources[properties.TaskDefinition.Ref].Properties;
  const check = definition.ContainerDefinitions[0].HealthCheck;
  const group = targetGroupOf(resources, properties);
  const singleton = deployment.MaximumPercent <= 100;
  const { taskStart, idleStop } = ASSUMED;
  // ECS takes a task for healthy when its container is, and its target: the slower one counts.
  const healthy = Math.max(
    check === undefined ? 0 : check.Interval,
    group === undefined ? 0 : group.healthy * group.interval,
  );
  const drain = group === undefined ? 0 : group.drain;
  const settled = taskStart + healthy + drain + idleStop;

  const byContainer = check === undefined ? Infinity : check.StartPeriod + check.Retries * check.Interval;
  const byTarget = group === undefined ? Infinity : Math.max(grace, group.unhealthy * group.interval);
  const round = taskStart + Math.min(byContainer, byTarget) + idleStop;
  const tasks = singleton ? 1 : desiredOf(resources, service, properties);
  const back = singleton ? taskStart + healthy : 0; // Otherwise the old tasks have never stopped.
  const givenUp = Math.ceil(failuresOf(deployment, tasks) / tasks) * round + back;
  return { service, settled, bake: bakeOf(resources, deployment), givenUp: (singleton ? idleStop : 0) + givenUp };
}

function targetGroupOf(resources: Resources, { LoadBalancers }: Resources[string]['Properties']) {
  const [first] = LoadBalancers ?? [];
  if (first === undefined) {
    return undefined;
  }
  const { Properties } = resources[first.TargetGroupArn.Ref];
  const drain = Properties.TargetGroupAttributes.find(
    ({ Key }: { Key: string }) => Key === 'deregistration_delay.timeout_seconds',
  );
  return {
    interval: Properties.HealthCheckIntervalSeconds,
    healthy: Properties.HealthyThresholdCount,
    unhealthy: Properties.UnhealthyThresholdCount,
    drain: Number(drain.Value),
  };
}

/** The minimum of what scales; the wanted number of what does not. */
function desiredOf(resources: Resources, service: string, { DesiredCount }: Resources[string]['Properties']): number {
  const target = Object.values(resources).find(
    ({ Type, Properties }) =>
      Type === 'AWS::ApplicationAutoScaling::ScalableTarget' &&
      JSON.stringify(Properties.ResourceId).includes(`"${service}"`),
  );
  return Math.max(1, target?.Properties.MinCapacity ?? DesiredCount ?? 1);
}

/**
 * Failed tasks after which the circuit breaker gives up; half of the tasks, three to 200, where nothing is
 * said.
 */
function failuresOf({ DeploymentCircuitBreaker }: Resources[string]['Properties'], tasks: number): number {
  const { Type = 'BOUNDED_PERCENT', Value = 50 } = DeploymentCircuitBreaker.ThresholdConfiguration ?? {};
  switch (Type) {
    case 'COUNT':
      return Value;
    case 'BOUNDED_PERCENT':
      return Math.min(200, Math.max(3, Math.ceil((Value * tasks) / 100)));
    default:
      throw new Error(`no threshold ${Type}`);
  }
}

/** ECS waits as long as the longest of the alarms needs to see a fault. */
function bakeOf(resources: Resources, { Alarms }: Resources[string]['Properties']): number {
  const names: { Ref: string }[] = Alarms?.AlarmNames ?? [];
  const times = names.map(({ Ref }) => {
    const { EvaluationPeriods, Period, Metrics = [] } = resources[Ref].Properties;
    const periods = Metrics.map(({ MetricStat }: { MetricStat?: { Period: number } }) => MetricStat?.Period ?? 0);
    return EvaluationPeriods * Math.max(Period ?? 0, ...periods);
  });
  return Math.max(0, ...times);
}
