import { Duration } from 'aws-cdk-lib';
import type { Scaling } from './aws/scaling-template';
import { type Decision, type Result, type Simulation, simulate } from './scaling/simulator';
import { cpuTracking, ecsPatterns, ourWorker } from './scaling/subjects';
import { dayTrace, randomOf, randomTrace } from './scaling/traces';

const CEILING = 50;
const BURST = 6000;
/** From a decision until the task takes messages: what was measured elsewhere for an image of common size. */
const TASK_START = 57;
const DELAY = 60;
const LIMITS = { first: 60, drained: 175 };
const TRACES = 1000;

/**
 * What synthesized alarms and policies do to a queue: a burst, a day, and random traces.
 *
 * No AWS is involved: the model of CloudWatch, of Application Auto Scaling and of ECS is in ./scaling and
 * ./aws, and test/bench/scaling.test.ts checks it against cases that are computed by hand.
 */
export function run(): void {
  const fast = ourWorker({ taskDuration: Duration.millis(500), concurrency: 1 });
  const holds = [bursts(fast), day(), randomTraces()];
  process.exitCode = holds.every(Boolean) ? 0 : 1;
}

function bursts(ours: Scaling): boolean {
  const subjects: { [name: string]: Scaling } = {
    'cdk-django-fargate': ours,
    'aws-ecs-patterns, defaults': ecsPatterns(CEILING),
    'CPU tracking, 60 %': cpuTracking(CEILING),
  };
  console.log(
    `${BURST} messages at once, 2 a second and task, from 1 to ${CEILING} tasks, ${TASK_START} s task start\n`,
  );
  row('', 'delay', 'first', 'drained');
  const verdicts = [0, DELAY].flatMap((metricDelay) =>
    Object.entries(subjects).map(([name, scaling]) => {
      const result = simulate({ ...burst(scaling), metricDelay });
      const first = result.decisions[0]?.second ?? Infinity;
      row(`  ${name}`, `${metricDelay} s`, `${first} s`, `${result.seconds} s`);
      return (
        scaling !== ours || (first <= LIMITS.first + metricDelay && result.seconds <= LIMITS.drained + metricDelay)
      );
    }),
  );
  return verdict(
    `first decision within ${LIMITS.first} s, drained within ${LIMITS.drained} s, each after the delay`,
    verdicts,
  );
}

function burst(scaling: Scaling): Omit<Simulation, 'metricDelay'> {
  return {
    scaling,
    arrivals: (second) => (second === 0 ? BURST : 0),
    until: ({ isDone }) => isDone,
    length: 7200,
    taskDuration: 0.5,
    processes: 1,
    taskStart: TASK_START,
  };
}

function day(): boolean {
  const trace = dayTrace();
  const acceptable = 60;
  const taskDuration = 5;
  const messages = trace.reduce((sum, count) => sum + count, 0);
  const ideal = Math.max(24, (messages * taskDuration) / 3600);
  console.log(
    `\nA day of ${messages} messages of ${taskDuration} s, five bursts of 1000 among them; metrics a minute late\n`,
  );
  row('', `> ${acceptable} s`, 'task-hours', 'ideal', 'changes/h', 'below work');
  const subjects = {
    'cdk-django-fargate': ourWorker({ concurrency: 1 }),
    'aws-ecs-patterns, defaults': ecsPatterns(CEILING),
    'CPU tracking, 60 %': cpuTracking(CEILING),
  };
  const results = Object.entries(subjects).map(([name, scaling]) => {
    const common = { scaling, length: trace.length, taskDuration, processes: 1, taskStart: TASK_START };
    const result = simulate({ ...common, arrivals: (second) => trace[second], metricDelay: DELAY });
    const { waits, taskSeconds } = result.queue;
    const late = waits.filter((wait) => wait > acceptable).length / waits.length;
    row(
      `  ${name}`,
      `${(100 * late).toFixed(1)} %`,
      (taskSeconds / 3600).toFixed(1),
      ideal.toFixed(1),
      (result.decisions.length / 24).toFixed(1),
      String(belowWork(result, 1).length),
    );
    return result;
  });
  return verdict('never in below what is in work', [belowWork(results[0], 1).length === 0]);
}

/** Decisions to scale in below what is in work by the newest metrics. */
export function belowWork({ decisions }: Result, processes: number): Decision[] {
  return decisions.filter(({ from, to, heldByMetric }) => to < from && to * processes < heldByMetric);
}

function randomTraces(): boolean {
  const length = 2400;
  const subjects = [1, 2, 4].map((processes) => {
    return { processes, scaling: ourWorker({ concurrency: processes, cpu: 1024, memoryLimitMiB: 2048 }) };
  });
  let [ins, below, belowTruth] = [0, 0, 0];
  for (let seed = 1; seed <= TRACES; seed++) {
    const random = randomOf(seed * 7919);
    const { scaling, processes } = subjects[seed % subjects.length];
    const trace = randomTrace(seed, length);
    const result = simulate({
      scaling,
      processes,
      arrivals: (second) => trace[second],
      length,
      taskDuration: 10 ** (random() * 3 - 1),
      taskStart: 30 + random() * 60,
      metricDelay: random() < 0.5 ? 0 : DELAY,
    });
    ins += result.decisions.filter(({ from, to }) => to < from).length;
    below += belowWork(result, processes).length;
    belowTruth += result.decisions.filter(({ from, to, held }) => to < from && to * processes < held).length;
  }
  console.log(
    `\n${TRACES} random traces of ${length / 60} minutes, tasks of 0.1 to 100 s: ${ins} decisions to scale in`,
  );
  console.log(`  below what is in work by the newest metrics: ${below}; by what had changed since: ${belowTruth}`);
  return verdict('never in below what is in work', [below === 0, ins > TRACES / 2]);
}

function row(name: string, ...cells: string[]): void {
  console.log(name.padEnd(32) + cells.map((cell) => cell.padStart(12)).join(''));
}

function verdict(name: string, holds: boolean[]): boolean {
  const all = holds.every(Boolean);
  console.log(`  ${name}: ${all ? 'holds' : 'MISSED'}`);
  return all;
}
