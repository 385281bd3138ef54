import { isAlive, whereProcessesCount } from '../task/alive';
import type { Engine } from './engine';

/** Label of everything that a rehearsal makes in an engine; its value is the run. */
export const LABEL = 'cdk-django-fargate-rehearsal';
/** Where the process of that run has its number: an engine may serve several machines and containers. */
const PLACE = `${LABEL}.place`;
const RUN = /^rehearsal-(\d+)-[0-9a-z]+-/;

/** The name of a run, with which the names of its containers and volumes begin. */
export function runOf(sandboxName: string): string {
  return `rehearsal-${sandboxName}`;
}

export function labelsOf(run: string): string[] {
  return [`${LABEL}=${run}`, `${PLACE}=${whereProcessesCount()}`];
}

/** What was removed: names. */
export interface Swept {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
}

/**
 * Removes containers and volumes of rehearsals whose process has ended without doing it. Those of a rehearsal
 * that runs, and of one on another machine, stay.
 */
export async function sweepLeftovers(engine: Engine, runs: (pid: number) => boolean = isAlive): Promise<Swept> {
  const ofDead = async (words: string[], format: string) => {
    const here = ['--filter', `label=${PLACE}=${whereProcessesCount()}`, '--format', format];
    const { code, stdout } = await engine.call([...words, ...here]);
    const names = code === 0 ? stdout.split('\n').map((name) => name.trim()) : [];
    return names.filter((name) => {
      const [, pid] = RUN.exec(name) ?? [];
      return pid !== undefined && !runs(Number(pid));
    });
  };
  const containers = await ofDead(['ps', '--all'], '{{.Names}}');
  if (containers.length > 0) {
    await engine.remove(containers);
  }
  // A volume cannot go before the container that has it.
  const volumes = await ofDead(['volume', 'ls'], '{{.Name}}');
  if (volumes.length > 0) {
    await engine.call(volumeRemoval(volumes));
  }
  return { containers, volumes };
}

export function volumeRemoval(names: readonly string[]): string[] {
  return ['volume', 'rm', '--force', ...names];
}
