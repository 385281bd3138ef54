import { calculate, type Point } from '../aws/metric-math';
import type { CpuPolicy, Scaling, ScalingAlarm, StepPolicy } from '../aws/scaling-template';
import { QueueModel } from './queue-model';

export interface Simulation {
  readonly scaling: Scaling;
  /** Messages that arrive in each second. */
  readonly arrivals: (second: number) => number;
  /** Seconds. */
  readonly length: number;
  /** Ends as soon as this holds. */
  readonly until?: (queue: QueueModel) => boolean;
  readonly taskDuration: number;
  readonly processes: number;
  /** Seconds from a decision until the task takes messages. */
  readonly taskStart: number;
  /** Seconds from the end of a minute until CloudWatch has its data. */
  readonly metricDelay: number;
}

/** One change of the number of tasks. */
export interface Decision {
  readonly second: number;
  readonly from: number;
  readonly to: number;
  /** Messages in work by the newest metric, and in truth. */
  readonly heldByMetric: number;
  readonly held: number;
}

export interface Result {
  readonly decisions: Decision[];
  readonly seconds: number;
  readonly queue: QueueModel;
}

const COMPARE: { readonly [operator: string]: (value: number, threshold: number) => boolean } = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/**
 * Target tracking adds tasks after three minutes above its target, and takes them away after fifteen below.
 */
const TRACKING = { high: 3, low: 15, share: 0.9 };

/** What CloudWatch was told at the end of each minute. */
interface Sample {
  readonly visible: number;
  readonly hidden: number;
  readonly tasks: number;
  readonly cpu: Point;
}

/** Runs the alarms and policies of a template over a queue, second by second. */
export function simulate(props: Simulation): Result {
  return new Simulator(props).run();
}

class Simulator {
  private readonly queue: QueueModel;
  private readonly samples: Sample[] = [];
  private readonly decisions: Decision[] = [];
  /** When the last change of each policy was, upwards and downwards. */
  private readonly changed = new Map<string, { out: number; in: number }>();

  constructor(private readonly props: Simulation) {
    const { scaling, taskDuration, processes, taskStart } = props;
    this.queue = new QueueModel({ taskDuration, processes, taskStart, tasks: scaling.minCapacity });
  }

  public run(): Result {
    const { arrivals, length, until } = this.props;
    let second = 0;
    while (second < length) {
      this.queue.pass(arrivals(second));
      second += 1;
      if (second % 60 === 0) {
        const { waiting, held, runningTasks } = this.queue;
        this.samples.push({ visible: waiting, hidden: held, tasks: runningTasks, cpu: this.queue.takeCpu() });
        this.decide(second);
      }
      if (until?.(this.queue) === true) {
        break;
      }
    }
    return { decisions: this.decisions, seconds: second, queue: this.queue };
  }

  private decide(second: number): void {
    for (const policy of this.props.scaling.policies) {
      if (policy.kind === 'step') {
        this.step(policy, second);
      } else {
        this.track(policy, second);
      }
    }
  }

  private step(policy: StepPolicy, second: number): void {
    for (const alarm of policy.alarms) {
      if (second % alarm.period !== 0 || !this.isInAlarm(alarm, second)) {
        continue;
      }
      const value = this.valueOf(alarm, second, 0);
      const distance = value === undefined ? Number.NaN : value - alarm.threshold;
      const below = distance < 0; // Then the upper bound belongs to the step, and the lower one not.
      const found = policy.steps.find(({ from, to }) =>
        below ? distance > from && distance <= to : distance >= from && distance < to,
      );
      if (found !== undefined) {
        const exact = policy.adjustmentType === 'ExactCapacity';
        this.change(policy, second, exact ? found.adjustment : this.queue.desired + found.adjustment);
      }
    }
  }

  /** Sets a number of tasks, unless the cooldown forbids it. */
  private change(policy: StepPolicy, second: number, wanted: number): void {
    const to = this.within(wanted);
    const from = this.queue.desired;
    const last = this.changed.get(policy.id);
    const recent = (at: number | undefined) => at !== undefined && second - at < policy.cooldown;
    const adds = policy.adjustmentType !== 'ExactCapacity' && recent(last?.out) && to > from;
    if (to === from || adds || (to < from && recent(last?.in))) {
      return;
    }
    this.apply(policy.id, second, to);
  }

  private track(policy: CpuPolicy, second: number): void {
    const { target, scaleOutCooldown, scaleInCooldown } = policy;
    // Without FILL an alarm takes the minutes that have data.
    const late = Math.ceil(this.props.metricDelay / 60);
    const recent = (count: number) => Array.from({ length: count }, (_, ago) => this.sampleAt(second, ago + late)?.cpu);
    const last = this.changed.get(policy.id);
    const high = recent(TRACKING.high);
    const low = recent(TRACKING.low);
    const newest = high[0];
    if (newest === undefined) {
      return;
    }
    const wanted = this.within(Math.ceil((this.queue.desired * newest) / target));
    if (high.every((cpu) => cpu !== undefined && cpu > target)) {
      if (wanted > this.queue.desired && second - (last?.out ?? -Infinity) >= scaleOutCooldown) {
        this.apply(policy.id, second, wanted);
      }
    } else if (low.every((cpu) => cpu !== undefined && cpu < TRACKING.share * target)) {
      if (wanted < this.queue.desired && second - (last?.in ?? -Infinity) >= scaleInCooldown) {
        this.apply(policy.id, second, wanted);
      }
    }
  }

  private apply(policy: string, second: number, to: number): void {
    const from = this.queue.desired;
    const last = this.changed.get(policy) ?? { out: -Infinity, in: -Infinity };
    this.changed.set(policy, to > from ? { ...last, out: second } : { ...last, in: second });
    const heldByMetric = this.newest(second)?.hidden ?? 0;
    this.decisions.push({ second, from, to, heldByMetric, held: this.queue.held });
    this.queue.setDesired(to);
  }

  private within(count: number): number {
    const { minCapacity, maxCapacity } = this.props.scaling;
    return Math.min(maxCapacity, Math.max(minCapacity, count));
  }

  private isInAlarm(alarm: ScalingAlarm, second: number): boolean {
    const points = Array.from({ length: alarm.evaluationPeriods }, (_, ago) => this.valueOf(alarm, second, ago));
    const breaching = points.filter((value) =>
      value === undefined ? alarm.missing === 'breaching' : COMPARE[alarm.comparison](value, alarm.threshold),
    );
    return breaching.length >= alarm.datapointsToAlarm;
  }

  /** What the alarm compares for the period that ended so many periods ago. */
  private valueOf(alarm: ScalingAlarm, second: number, ago: number): Point {
    const resolve = (id: string, back: number): Point => {
      const query = alarm.queries[id];
      return typeof query === 'string'
        ? calculate(query, resolve, back)
        : this.measured(query.name, second, { ago: back, minutes: alarm.period / 60 });
    };
    return resolve(alarm.returned, ago);
  }

  /** The largest sample of a period: what Maximum gives, and SampleCount where a sample is a count. */
  private measured(name: string, second: number, { ago, minutes }: { ago: number; minutes: number }): Point {
    const inPeriod = Array.from({ length: minutes }, (_, minute) => this.sampleAt(second, ago * minutes + minute));
    const values = inPeriod.flatMap((sample) => (sample === undefined ? [] : [valueIn(sample, name)]));
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  }

  /** The sample of the minute that ended so many minutes ago, as far as CloudWatch has it by now. */
  private sampleAt(second: number, ago: number): Sample | undefined {
    const index = second / 60 - 1 - ago;
    return (index + 1) * 60 + this.props.metricDelay <= second ? this.samples[index] : undefined;
  }

  private newest(second: number): Sample | undefined {
    return this.sampleAt(second, Math.ceil(this.props.metricDelay / 60));
  }
}

function valueIn(sample: Sample, name: string): Point {
  switch (name) {
    case 'ApproximateNumberOfMessagesVisible':
      return sample.visible;
    case 'ApproximateNumberOfMessagesNotVisible':
      return sample.hidden;
    case 'CPUUtilization': // By its SampleCount: one sample of each task.
      return sample.tasks === 0 ? undefined : sample.tasks;
    default:
      throw new Error(`no metric ${name}`);
  }
}
