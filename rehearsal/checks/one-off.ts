import type { Rehearsal } from '../rehearsal';
import { lastError } from '../task/last-error';
import type { Exit, Task } from '../task/process';
import type { TaskDefinition } from '../template/task-definition';
import { HANG_SECONDS, sleep } from '../wait';
import { expect } from './check';
import { pageOf } from './page';

export interface Ended {
  readonly task: Task;
  readonly exit: Exit;
  /** Everything that it said. */
  readonly lines: string[];
}

/** Runs a command with the image, variables and secrets of a web task, as an operator does. */
export function oneOff(
  rehearsal: Rehearsal,
  command: string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return oneOffOf(rehearsal, pageOf(rehearsal).service.definition, command, { environment });
}

/** What a one-off command has beside those of its task. */
export interface OneOffOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Seconds after which it is ended, and fails. @default HANG_SECONDS */
  readonly seconds?: number;
}

/** The same with those of another task. */
export async function oneOffOf(
  rehearsal: Rehearsal,
  definition: TaskDefinition,
  command: string[],
  { environment = {}, seconds = HANG_SECONDS }: OneOffOptions = {},
): Promise<Ended> {
  const changes = { command, healthCheck: undefined, environment: { ...definition.environment, ...environment } };
  const task = await rehearsal.run({ ...definition, ...changes }, 'one-off');
  const over = new AbortController();
  const exit = await Promise.race([task.exited, sleep(seconds * 1000, over.signal)]);
  over.abort();
  if (exit === undefined) {
    task.kill();
    throw new Error(`${command.join(' ')} hangs: it did not end within ${seconds} s`);
  }
  return { task, exit, lines: task.logs.last() };
}

/** Like `oneOff`; throws unless the command ends with 0. */
export async function successful(
  rehearsal: Rehearsal,
  command: string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const ended = await oneOff(rehearsal, command, environment);
  expect(ended.exit.code === 0, `${spoken(command)} ended with ${ended.exit.code}: ${lastError(ended.task)}`);
  return ended;
}

/** A command without what is long in it. */
export function spoken(command: readonly string[]): string {
  return command.map((word) => (word.length > 60 ? `${word.slice(0, 40).trim()}…` : word)).join(' ');
}

/** How a project calls its management commands: as the stack's own commands do, or by Django itself. */
export function manage(definitions: Iterable<Pick<TaskDefinition, 'command'>>, hasManage: boolean): string[] {
  for (const { command = [] } of definitions) {
    const index = command.findIndex((word) => /(^|\/)manage\.py$/.test(word));
    if (index >= 0) {
      return command.slice(0, index + 1);
    }
  }
  return hasManage ? ['python', 'manage.py'] : ['python', '-m', 'django'];
}

/** The same for the rehearsed application. */
export function manageOf(rehearsal: Rehearsal): string[] {
  return manage(rehearsal.definitions.values(), rehearsal.imageHas('manage.py'));
}
