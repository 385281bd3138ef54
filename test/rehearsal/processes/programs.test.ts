import { Programs, type ProgramsProps } from '../../../rehearsal/processes/programs';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

/** The words of a command of a task, as they are started on this machine. */
function words(definition: Partial<TaskDefinition>): readonly string[] {
  const props = {
    id: 'run/1',
    definition: { port: 8000, secrets: {}, ...definition },
    environment: {},
    port: 43210,
    image: {
      root: '/cache/image',
      path: '/bin',
      python: 'python',
      defaults: { environment: {}, workingDirectory: '/' },
    },
    identity: {},
    files: { temporary: '/run/tmp', inside: new Map() },
    caBundle: '/run/ca.crt',
  };
  return new Programs(props as unknown as ProgramsProps).of(['tini', '8000', ...(definition.command ?? [])]).words;
}

test('the command of a template has the port and the address of this machine, and one that is typed its own', () => {
  const command = ['echo', '0.0.0.0:8000'];
  expect(words({ command })).toEqual(['tini', '43210', 'echo', '127.0.0.1:43210']);
  expect(words({ command, isTyped: true })).toEqual(['tini', '43210', 'echo', '0.0.0.0:8000']);
});
