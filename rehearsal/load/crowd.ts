import http from 'node:http';
import https from 'node:https';
import type { CheckContext } from '../checks/check';
import type { FrontDoor } from '../checks/front-door';
import type { Service } from '../task/services';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { BODY, WAIT } from './views';

/** Seconds that anybody else may wait for a page. */
export const PATIENCE = 5;

/** A page that was asked for, and what came of it. */
export interface Visit {
  readonly path: string;
  readonly startedAt: number;
  readonly seconds: number;
  /** Undefined where a page came in time. */
  readonly problem?: string;
}

/** People who read pages and the health check through the front door, until they are stopped. */
export class Visitors {
  readonly visits: Visit[] = [];
  private running = true;
  private readonly done: Promise<unknown>;

  constructor(
    private readonly front: FrontDoor,
    healthPath: string,
  ) {
    const paths = ['/', '/', '/', healthPath];
    this.done = Promise.all(paths.map((path) => this.read(path)));
  }

  async stop(): Promise<Visit[]> {
    this.running = false;
    await this.done;
    return this.visits;
  }

  /** Those that got no page in time. */
  get failed(): Visit[] {
    return this.visits.filter(({ problem }) => problem !== undefined);
  }

  private async read(path: string): Promise<void> {
    while (this.running) {
      const startedAt = Date.now();
      const problem = await this.front.request(path, { timeout: PATIENCE * 1000 }).then(
        ({ status }) => (status === 200 ? undefined : `status ${status}`),
        (error: Error) => error.message,
      );
      this.visits.push({ path, startedAt, seconds: (Date.now() - startedAt) / 1000, problem });
      await sleep(100);
    }
  }
}

/** Requests that wait for a slow dependency: as many are open at any time. */
export function slowDependency({ front }: CheckContext, count: number): () => Promise<string[]> {
  const problems: string[] = [];
  let running = true;
  const one = async () => {
    while (running) {
      await front.request(WAIT, { timeout: 90_000 }).then(
        ({ status }) => status === 200 || problems.push(`status ${status}`),
        (error: Error) => problems.push(error.message),
      );
    }
  };
  const all = Promise.all(Array.from({ length: count }, one));
  return async () => {
    running = false;
    await all;
    return problems;
  };
}

/** Clients that send a body at one byte in ten seconds. */
export function slowClients({ front, rehearsal }: CheckContext, count: number): () => string[] {
  const problems: string[] = [];
  const requests = Array.from({ length: count }, () => {
    const request = (front.secure ? https : http).request({
      host: '127.0.0.1',
      port: front.port(front.listener),
      path: BODY,
      method: 'POST',
      headers: { host: front.host, 'content-type': 'text/plain', 'content-length': '1000' },
      agent: false,
      ca: rehearsal.authority.certificate.cert,
      servername: front.host,
    } as https.RequestOptions);
    request.on('response', ({ statusCode }) => problems.push(`status ${statusCode} before the body was sent`));
    request.on('error', (error) => problems.push(error.message));
    request.write('a');
    return request;
  });
  const timer = setInterval(() => {
    for (const request of requests) {
      request.write('a');
    }
  }, 10_000);
  return () => {
    clearInterval(timer);
    const before = [...problems];
    for (const request of requests) {
      request.destroy();
    }
    return before;
  };
}

/** Waits until as many requests are on their way through a service. */
export async function inFlight(service: Service, count: number): Promise<void> {
  const open = () => (service.group?.targets ?? []).reduce((sum, { inFlight: one }) => sum + one, 0);
  await eventually(`${count} requests are in flight`, HANG_SECONDS, () => open() >= count, 20);
}
