import type { Rehearsal } from '../../rehearsal';
import { sleep } from '../../wait';
import { type Check, type CheckContext, DATABASE_OF_TEMPLATE, expect, hasDatabase, NotApplicable } from '../check';
import { CONNECTIONS, DRAINING, PAGES } from '../names';

/** Variables of the contract: connections of one server process, and server processes of a task. */
const [PER_PROCESS, PROCESSES] = ['DJANGO_FARGATE_CONNECTIONS', 'WEB_CONCURRENCY'];
/** Milliseconds between two looks at the server. */
const PERIOD = 100;

/** Most connections that a task held at the same time, by the task's id. */
type Peaks = ReadonlyMap<string, number>;

const watched = new WeakMap<Rehearsal, Peaks>();

/**
 * Counts the database connections of each task while something is done: PostgreSQL knows a task by its
 * PGAPPNAME.
 */
export async function watchConnections<T>(rehearsal: Rehearsal, work: () => Promise<T>): Promise<T> {
  const peaks = new Map<string, number>();
  watched.set(rehearsal, peaks);
  let busy = true;
  const watching = rehearsal.postgres?.query('postgres', async (client) => {
    while (busy) {
      const { rows } = await client.query<{ task: string; count: string }>(
        `SELECT application_name AS task, count(*) AS count FROM pg_stat_activity
         WHERE client_addr IS NOT NULL GROUP BY application_name`,
      );
      for (const { task, count } of rows) {
        peaks.set(task, Math.max(peaks.get(task) ?? 0, Number(count)));
      }
      await sleep(PERIOD);
    }
  });
  try {
    return await work();
  } finally {
    busy = false;
    await watching;
  }
}

/** Load-balanced services, and the connections that the template counts for a task of each. */
function counted({ rehearsal }: CheckContext): { name: string; most: number }[] {
  return rehearsal.services.flatMap(({ name, definition: { environment } }) => {
    const most = Number(environment[PER_PROCESS]) * Number(environment[PROCESSES]);
    return most > 0 ? [{ name, most }] : [];
  });
}

export const connectionChecks: Check[] = [
  {
    name: CONNECTIONS,
    lane: 'connections',
    needs: [PAGES],
    follows: [DRAINING], // Also where it fails, for want of connections: this says why.
    about: `${DATABASE_OF_TEMPLATE}, and ${PER_PROCESS} in a service`,
    applies: (context) => hasDatabase(context) && counted(context).length > 0,
    async run(context) {
      const found = watched.get(context.rehearsal);
      if (found === undefined) {
        throw new NotApplicable('the load of visitors, which was never there');
      }
      const peaks = [...found];
      const held = counted(context).flatMap(({ name, most }) =>
        peaks.filter(([task]) => task.startsWith(`${name}/`)).map(([task, peak]) => ({ task, peak, most })),
      );
      const greedy = held.filter(({ peak, most }) => peak > most);
      expect(
        greedy.length === 0,
        `${greedy.map(({ task, peak, most }) => `${task} held ${peak} connections, the template counts ${most}`).join('; ')}. Make a pool of ${PER_PROCESS} connections, or set \`connectionsPerProcess\` to the number of threads: docs/contract.md, Database connections`,
      );
      return held.map(({ task, peak, most }) => `${task} ${peak} of ${most}`).join(', ') || 'the page asked for none';
    },
  },
];
