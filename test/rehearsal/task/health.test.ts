import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Container } from '../../../rehearsal/task/container';
import { Task } from '../../../rehearsal/task/process';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

const logs = mkdtempSync(path.join(tmpdir(), 'health-'));
let task: Task;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  task.kill();
  jest.useRealTimers();
});

afterAll(() => rmSync(logs, { recursive: true }));

/** Starts a task whose health check answers as `passes` says for the seconds since its start. */
function start(passes: (seconds: number) => boolean): void {
  const started = Date.now();
  let leave: () => void = () => undefined;
  const container = {
    outputs: [],
    ended: new Promise((resolve) => {
      leave = () => resolve({ code: 137, signal: null });
    }),
    probe: async () => passes((Date.now() - started) / 1000),
    kill: () => leave(),
  } as unknown as Container;
  const healthCheck = { command: [], interval: 15, timeout: 5, retries: 3, startPeriod: 30 };
  const definition = { stopTimeout: 30, healthCheck } as unknown as TaskDefinition;
  task = new Task({ id: 'worker/1', definition, container, logs });
}

/** What the health is after so many seconds, one after the other. */
async function healthAt(...seconds: number[]): Promise<string[]> {
  const found: string[] = [];
  let now = 0;
  for (const second of seconds) {
    await jest.advanceTimersByTimeAsync((second - now) * 1000);
    now = second;
    found.push(task.health);
  }
  return found;
}

test('a task is healthy soon after its first passed check', async () => {
  start((seconds) => seconds >= 20);
  expect(await healthAt(19, 22)).toEqual(['UNKNOWN', 'HEALTHY']);
});

test('one that never passes is unhealthy three intervals after its start period, and not before', async () => {
  start(() => false);
  expect(await healthAt(31, 59, 65)).toEqual(['UNKNOWN', 'UNKNOWN', 'UNHEALTHY']);
});

test('one that passes late, within those intervals, is healthy', async () => {
  start((seconds) => seconds >= 50);
  expect(await healthAt(49, 53)).toEqual(['UNKNOWN', 'HEALTHY']);
});

test('one that no longer passes is unhealthy after three intervals', async () => {
  start((seconds) => seconds < 10);
  expect(await healthAt(2, 30, 49)).toEqual(['HEALTHY', 'HEALTHY', 'UNHEALTHY']);
});

test('one whose check cannot be run is unhealthy', async () => {
  start(() => {
    throw new Error('the rehearsal is over');
  });
  expect(await healthAt(31, 65)).toEqual(['UNKNOWN', 'UNHEALTHY']);
});
