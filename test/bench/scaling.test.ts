import { Duration } from 'aws-cdk-lib';
import { calculate } from '../../bench/aws/metric-math';
import type { Scaling } from '../../bench/aws/scaling-template';
import { belowWork } from '../../bench/scaling';
import { QueueModel } from '../../bench/scaling/queue-model';
import { type Simulation, simulate } from '../../bench/scaling/simulator';
import { ecsPatterns, ourWorker } from '../../bench/scaling/subjects';
import { randomTrace } from '../../bench/scaling/traces';

/** What `npm run bench -- scaling` says is only as good as its model: each case here is computed by hand. */
const fast = ourWorker({ taskDuration: Duration.millis(500), concurrency: 1 });

function simulation(scaling: Scaling, props: Partial<Simulation>): Simulation {
  const common = { length: 1800, taskDuration: 0.5, processes: 1, taskStart: 57, metricDelay: 0 };
  return { scaling, ...common, arrivals: () => 0, ...props };
}

const atOnce = (count: number) => (second: number) => (second === 0 ? count : 0);
const isDone = (queue: QueueModel) => queue.isDone;

describe('a queue and its workers', () => {
  const props = { taskDuration: 2, processes: 2, taskStart: 10, tasks: 1 };

  test('two processes do a message each in two seconds, the others wait', () => {
    const queue = new QueueModel(props);
    queue.pass(5);
    expect([queue.held, queue.waiting]).toEqual([2, 3]);
    queue.pass(0);
    queue.pass(0);
    expect([queue.held, queue.waiting]).toEqual([2, 1]);
    for (let second = 4; second <= 7; second++) {
      queue.pass(0);
    }
    expect([queue.held, queue.waiting, queue.done]).toEqual([0, 0, 5]);
    expect(queue.waits).toEqual([0, 0, 2, 2, 4]);
    expect(queue.taskSeconds).toBe(7);
  });

  test('a task that starts takes nothing yet; one that stops ends what it has begun', () => {
    const queue = new QueueModel(props);
    queue.pass(4);
    queue.setDesired(2);
    expect([queue.desired, queue.runningTasks, queue.held]).toEqual([2, 1, 2]);
    queue.setDesired(0);
    queue.pass(0);
    expect([queue.desired, queue.runningTasks]).toEqual([0, 0]);
    expect([queue.done, queue.waiting]).toEqual([2, 2]);
  });
});

describe('a burst of 6,000, two a second and task', () => {
  test('is seen after a minute, and 50 tasks need 58 s for the rest', () => {
    // 6,000 less 2 × 60, at 120 for a task: 49, of which the next step is 50. These run at 60 + 57 s, when
    // 234 are done; 5,766 at 100 a second take 57.66 s.
    const { decisions, seconds } = simulate(simulation(fast, { arrivals: atOnce(6000), until: isDone }));
    expect(decisions).toMatchObject([{ second: 60, from: 1, to: 50 }]);
    expect(seconds).toBe(175);
  });

  test('with metrics that are a minute late, all that comes a minute later', () => {
    // At 177 s 354 are done; 5,646 at 100 a second take 56.46 s.
    const late = simulation(fast, { arrivals: atOnce(6000), until: isDone, metricDelay: 60 });
    const { decisions, seconds } = simulate(late);
    expect(decisions).toMatchObject([{ second: 120, from: 1, to: 50 }]);
    expect(seconds).toBe(234);
  });

  test('takes tasks away five minutes after the last message, a fifth at a time', () => {
    // The minute that ends at 180 s is the first one without a message: the fifth ends at 420 s. Then 50
    // become 40, and a minute later 33 for 32.
    const { decisions } = simulate(simulation(fast, { arrivals: atOnce(6000), length: 540 }));
    expect(decisions.map(({ second, from, to }) => [second, from, to])).toEqual([
      [60, 1, 50],
      [420, 50, 40],
      [480, 40, 33],
      [540, 33, 28],
    ]);
  });

  test("the defaults of the CDK's own pattern add five tasks every five minutes", () => {
    // Its metrics have a period of five minutes and its policies a cooldown of five.
    const { decisions } = simulate(
      simulation(ecsPatterns(50), { arrivals: atOnce(60_000), length: 1000, taskDuration: 100 }),
    );
    const bySteps = decisions.filter(({ second }) => second % 300 === 0);
    expect(bySteps.map(({ from, to }) => to - from)).toContain(5);
  });
});

describe('tasks at work', () => {
  test('are not taken away, although nothing waits', () => {
    // Ten tasks of twenty minutes: none goes before they are done.
    const long = ourWorker({ taskDuration: Duration.seconds(30), concurrency: 1 });
    const { decisions, queue } = simulate(simulation(long, { arrivals: atOnce(10), taskDuration: 1200, length: 1100 }));
    expect(decisions.filter(({ from, to }) => to < from)).toEqual([]);
    expect(queue.held).toBeGreaterThanOrEqual(5);
  });

  test('a model that takes them away is noticed', () => {
    const careless = { ...simulate(simulation(fast, { length: 60 })) };
    const decision = { second: 60, from: 9, to: 2, heldByMetric: 5, held: 5 };
    expect(belowWork({ ...careless, decisions: [decision] }, 1)).toEqual([decision]);
    expect(belowWork({ ...careless, decisions: [decision] }, 4)).toEqual([]);
  });

  test.each([1, 2, 4])('twenty random traces with %i processes never go below them', (processes) => {
    const scaling = ourWorker({ concurrency: processes, cpu: 1024, memoryLimitMiB: 2048 });
    for (let seed = 1; seed <= 20; seed++) {
      const trace = randomTrace(seed, 1200);
      const taskDuration = 0.3 * 2 ** (seed / 2);
      const result = simulate(
        simulation(scaling, { arrivals: (second) => trace[second], length: 1200, processes, taskDuration }),
      );
      expect(belowWork(result, processes)).toEqual([]);
    }
  });
});

describe('from none', () => {
  const none = ourWorker({ minCapacity: 0, concurrency: 1 });

  test('the first message starts a task, which goes when there is nothing left', () => {
    const { decisions, queue } = simulate(simulation(none, { arrivals: atOnce(1), length: 900 }));
    expect(queue.done).toBe(1);
    expect(decisions[0]).toMatchObject({ second: 60, from: 0, to: 1 });
    expect(decisions.at(-1)).toMatchObject({ from: 1, to: 0 });
  });
});

describe('metric math', () => {
  const series: { [id: string]: (number | undefined)[] } = { late: [undefined, 7, 5], none: [] };
  const resolve = (id: string, ago: number) => series[id][ago];

  test.each([
    ['FILL(late, REPEAT)', 7],
    ['FILL(FILL(none, REPEAT), 0)', 0],
    ['IF(FILL(late, REPEAT) > 6, -1, 2)', -1],
    ['CEIL(13 / 12) + FLOOR(13 / 12)', 3],
    ['late + 1', undefined],
  ])('%s is %p', (expression, value) => {
    expect(calculate(expression, resolve)).toBe(value);
  });

  test('REPEAT takes what was before the minute that is looked at', () => {
    expect(calculate('FILL(late, REPEAT)', resolve, 2)).toBe(5);
  });
});
