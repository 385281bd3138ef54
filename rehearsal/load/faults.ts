import type { Patch } from '../image/patch';
import { resourcesOfType, type Template } from '../template/assembly';
import type { TaskDefinition } from '../template/task-definition';
import { ALL_STOPPED, BUSY, ONE_HELD, ONE_STOPPED, SLOW } from './checks';

/** A fault, and the one check that must notice it. */
export interface Fault {
  readonly name: string;
  readonly kind: 'web' | 'asgi';
  readonly check: string;
  readonly template?: (template: Template) => void;
  readonly patches?: Patch[];
  readonly definition?: (definition: TaskDefinition) => TaskDefinition;
}

export const MUTATIONS: Fault[] = [
  { name: 'four threads, as before', kind: 'web', check: SLOW, definition: withFlag('--threads', '4') },
  {
    name: 'no thread for health checks',
    kind: 'web',
    check: BUSY,
    patches: [
      {
        file: 'gunicorn.conf.py',
        append: `
from concurrent.futures import ThreadPoolExecutor
from gunicorn.workers.gthread import ThreadWorker

ThreadWorker.get_thread_pool = lambda self: ThreadPoolExecutor(self.cfg.threads)
`,
      },
    ],
  },
  {
    name: 'a process may hang for ten minutes',
    kind: 'web',
    check: ONE_STOPPED,
    definition: withFlag('--timeout', '600'),
  },
  { name: 'a process may hold the GIL', kind: 'web', check: ONE_HELD, definition: withFlag('--timeout', '600') },
  { name: 'a hundred health checks may fail', kind: 'web', check: ALL_STOPPED, template: patientTargets },
  {
    name: 'uvicorn that refuses more than 20 requests',
    kind: 'asgi',
    check: SLOW,
    definition: (definition) => ({
      ...definition,
      command: [...(definition.command ?? []), ...(definition.kind === 'asgi' ? ['--limit-concurrency', '20'] : [])],
    }),
  },
  { name: 'a hundred health checks of uvicorn may fail', kind: 'asgi', check: ONE_HELD, template: patientTargets },
];

function withFlag(flag: string, value: string): (definition: TaskDefinition) => TaskDefinition {
  return (definition) => ({
    ...definition,
    command: definition.command?.map((word, index, words) => (words[index - 1] === flag ? value : word)),
  });
}

function patientTargets(template: Template): void {
  for (const { resource } of resourcesOfType(template, 'AWS::ElasticLoadBalancingV2::TargetGroup')) {
    if (resource.Properties !== undefined) {
      resource.Properties.UnhealthyThresholdCount = 100;
    }
  }
}
