import { freePort, portOr } from './edge/ports';
import { type Parts, provision, type RehearsalProps } from './provision';
import type { KnownFile } from './task/container';
import { lastError } from './task/last-error';
import { badLineEndings } from './task/line-endings';
import { howEnded, Task } from './task/process';
import { released } from './task/release';

/** A stack, run on this machine with real processes. */
export interface Rehearsal extends Parts {
  /** Whether the application has a file. */
  imageHas(file: KnownFile): boolean;
  /** Where a listener of the template is reached, for example port 443. */
  url(templatePort: number): string;
  /** Runs the release commands one after the other; throws when one fails, before any service has started. */
  release(): Promise<Task[]>;
  /** Starts the load balancer and every service. */
  start(): Promise<void>;
  /** Drains everything in order. */
  stop(): Promise<void>;
  /** Ends everything at once and leaves nothing behind. */
  close(): void;
}

/** Makes everything that the processes of a stack need, and starts none of them. */
export async function rehearse(props: RehearsalProps): Promise<Rehearsal> {
  const parts = await provision(props);
  return {
    ...parts,
    imageHas: (file) => imageHas(parts, file),
    url: (templatePort) => url(parts, templatePort),
    release: () => release(parts),
    start: () => start(parts),
    stop: () => stop(parts),
    close: () => close(parts),
  };
}

/** Releases a stack and starts it, until every service is steady. Throws, and leaves nothing, otherwise. */
export async function serve(rehearsal: Rehearsal): Promise<void> {
  try {
    await rehearsal.release();
    await rehearsal.start();
    await Promise.all(rehearsal.services.map((service) => service.untilSteady()));
  } catch (error) {
    rehearsal.close();
    throw error;
  }
}

function imageHas({ images }: Parts, file: KnownFile): boolean {
  return [...images.values()].some((image) => image.has(file));
}

function url({ listeners, door }: Parts, templatePort: number): string {
  const { secure } = listeners.find(({ port }) => port === templatePort) ?? { secure: false };
  return `${secure ? 'https' : 'http'}://localhost:${door?.portOf(templatePort)}`;
}

async function release({ definitions, images, releaseTimeouts, run, secrets, props }: Parts): Promise<Task[]> {
  const done: Task[] = [];
  for (const definition of [...definitions.values()].filter(({ kind }) => kind === 'release')) {
    props.announce.progress(`release: ${(definition.command ?? []).join(' ')}`);
    const timeout = releaseTimeouts.get(definition.id);
    if (timeout === undefined) {
      throw new Error(`nothing in the template runs the release ${definition.id}`);
    }
    const task = await run(definition, 'release');
    const image = images.get(definition.image);
    const entryPoint = definition.entryPoint ?? image?.defaults.entryPoint ?? [];
    const exit = await released(task, { timeout, entryPoint }, props.announce);
    if (!Task.isClean(exit)) {
      const how = howEnded(exit);
      const lines = task.logs.last(12).map((line) => `    ${line}`);
      const [program] = [...entryPoint, ...(definition.command ?? [])];
      const why = `${lastError(task)}${await badLineEndings(task, program, image)}`;
      const message = `the release failed with ${how}, so no service starts: ${why}\n${lines.join('\n')}`;
      throw new Error(secrets.mask(message));
    }
    done.push(task);
  }
  return done;
}

async function start(parts: Parts): Promise<void> {
  await listen(parts);
  for (const service of parts.services) {
    service.start();
  }
  parts.scheduler.start();
}

async function listen({ listeners, loadBalancer, distribution, door, origin, props }: Parts): Promise<void> {
  if (door === undefined) {
    return;
  }
  if (origin !== undefined) {
    await loadBalancer?.listen(origin, await freePort());
  }
  const name = door === distribution ? 'distribution' : 'load balancer';
  for (const listener of listeners) {
    const preferred = listener.secure ? (props.httpsPort ?? 8443) : (props.httpPort ?? 8080);
    const port = await portOr(preferred);
    await door.listen(listener, port);
    const taken = port === preferred || preferred === 0 ? '' : `: ${preferred} is taken`;
    props.announce.substitution(`port ${listener.port} of the ${name} is ${port} of this machine${taken}`);
  }
}

async function stop(parts: Parts): Promise<void> {
  parts.scheduler.stop();
  await Promise.all(parts.services.map((service) => service.stop()));
  close(parts);
}

function close({ scheduler, services, loadBalancer, distribution, sandbox }: Parts): void {
  scheduler.stop();
  for (const service of services) {
    service.abandon();
  }
  distribution?.close();
  loadBalancer?.close();
  sandbox.close();
}
