import type { ChildProcess } from 'node:child_process';
import { YOURSELF } from '../../../rehearsal/task/identity';

/** A program of a task, in Python. */
export const program = (source: string, ...words: string[]) => ({
  words: ['python3', '-c', source, ...words],
  environment: { PATH: process.env.PATH, COLOUR: 'blue' },
  workingDirectory: '/',
  identity: YOURSELF,
  python: 'python3',
});

/** Says a variable and the working directory of a task. */
export const SAYS = 'import os; print(os.environ["COLOUR"], os.getcwd())';

/** All that a program writes until it ends. */
export async function output(child: ChildProcess): Promise<string> {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += chunk;
    });
  }
  await new Promise((resolve) => child.once('close', resolve));
  return text.trim();
}
