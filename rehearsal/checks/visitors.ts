import https from 'node:https';
import type { Rehearsal } from '../rehearsal';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { echo } from './asgi';
import type { CheckContext } from './check';
import type { FrontDoor } from './front-door';
import { type Guestbook, guestbook } from './guestbook';

const SESSIONS = 6;
const PARALLEL = 4;
/** Milliseconds between two rounds of one visitor: a steady load, and not a full one. */
const PAUSE = 500;
const POST_PAUSE = 800;

/** How often is asked, half a second apart, whether the last tasks are done. */
const TRIES = 3;

/** What happened to the visitors of a busy time. */
export interface Visit {
  readonly requests: number;
  readonly sockets: number;
  readonly tasks: number;
  /** Tasks that their queue will deliver again. */
  readonly late: number;
}

interface VisitorsProps {
  readonly rehearsal: Rehearsal;
  /** The visitor who is not logged in. */
  readonly front: FrontDoor;
  readonly book: Guestbook;
  readonly sessions: readonly FrontDoor[];
  /** For each session, a link that was signed before anything changed. */
  readonly links: readonly string[];
}

/**
 * Visitors who keep the application busy while something changes.
 *
 * Six are logged in, each with a session and a link that was signed before. Each sends four requests at once,
 * opens a WebSocket, and follows links that were signed earlier and just now. Others read pages and hand
 * tasks to both workers.
 */
export class Visitors {
  static async logIn({ rehearsal, front }: CheckContext): Promise<Visitors> {
    const book = guestbook(rehearsal);
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => book.session()));
    const links = await Promise.all(sessions.map((session) => linkOf(session)));
    return new Visitors({ rehearsal, front, book, sessions, links });
  }

  private readonly agent = new https.Agent({ keepAlive: true });
  private readonly failures: string[] = [];
  private readonly loggedOut = new Set<FrontDoor>();
  private requests = 0;
  private sockets = 0;
  private busy = false;
  private readonly labels: string[] = [];
  private readonly unsettled = new Map<string, string>();

  private constructor(private readonly props: VisitorsProps) {}

  /** Keeps everybody busy while something is done; throws unless nobody noticed. */
  async during(label: string, work: () => Promise<void>): Promise<Visit> {
    const [requests, sockets] = [this.requests, this.sockets];
    const drills: string[] = [];
    let posted = 0;
    this.busy = true;
    const loops = [
      ...this.props.sessions.map((session, index) =>
        this.repeat(PAUSE, () => this.round(session, this.props.links[index])),
      ),
      ...[1, 2].map(() => this.repeat(PAUSE, () => this.read(this.props.front, '/'))),
      this.repeat(POST_PAUSE, async () => {
        await this.props.book.post(`${label} ${posted}`);
        posted++;
      }),
      this.repeat(POST_PAUSE, async () => {
        const drill = drills.length % 2 === 0 ? 'ping' : 'express-slow';
        drills.push(await this.props.book.drill(drill, { label, seconds: '0.2' }));
      }),
    ];
    try {
      await work();
      // The new tasks alone, for a moment.
      await sleep(1000);
    } finally {
      this.busy = false;
      await Promise.all(loops);
    }
    this.verdict();
    const late = await this.lost(label, drills);
    return { requests: this.requests - requests, sockets: this.sockets - sockets, tasks: posted + drills.length, late };
  }

  /**
   * Leads every session from a new task to an old one, while both serve.
   *
   * An old task must accept what a new one has signed: session, link and WebSocket. By chance, a visitor
   * on a busy machine may never meet both. So each asks until it has.
   */
  async meetBoth(old: ReadonlySet<string>): Promise<void> {
    await Promise.all(
      this.props.sessions.map(async (session) => {
        const tab = session.tab('from new to old');
        const until = <T>(who: string, isOld: boolean, ask: () => Promise<T>) =>
          eventually(
            `${who} answers`,
            HANG_SECONDS,
            async () => {
              const answer = await ask();
              const { last } = tab.calls ?? {};
              return last !== undefined && old.has(last.id) === isOld ? { answer } : undefined;
            },
            20,
          );
        await until('a new task', false, () => this.whoAmI(session, tab));
        const { answer: page } = await until('a new task', false, () => this.read(tab, '/invitations/', [302]));
        if (page.startsWith('{')) {
          await until('an old task', true, () => this.read(tab, JSON.parse(page).url));
        }
        await until('an old task', true, () => this.whoAmI(session, tab));
        await until('a new ASGI task', false, () => this.greet(session, tab));
        await until('an old ASGI task', true, () => this.greet(session, tab));
      }),
    );
  }

  close(): void {
    this.agent.destroy();
  }

  private verdict(): void {
    const counts = new Map<string, number>();
    for (const failure of this.failures) {
      counts.set(failure, (counts.get(failure) ?? 0) + 1);
    }
    const said = [...counts].slice(0, 6).map(([what, times]) => `${times} × ${what}`);
    if (this.loggedOut.size > 0) {
      said.unshift(`${this.loggedOut.size} of ${SESSIONS} sessions logged out`);
    }
    if (said.length > 0) {
      throw new Error(`${this.requests} requests: ${said.join(', ')}`);
    }
  }

  /** Waits for the drills of a busy time that had not ended when it was over. */
  async settled(prefix: string): Promise<void> {
    const label = [...this.unsettled.values()].find((one) => one.startsWith(prefix));
    if (label !== undefined) {
      await eventually(
        `the last drills of ${label} are done`,
        HANG_SECONDS,
        async () => (await this.settle(label)) === 0,
      );
    }
  }

  /**
   * Every task has ended well or is still in its queue. SQS gives what a stopped worker had asked for to the
   * next one after the queue's visibility timeout: whoever was handed in last may be waiting for that. Gives
   * how many do.
   */
  private async lost(label: string, drills: string[]): Promise<number> {
    this.labels.push(label);
    for (const id of drills) {
      this.unsettled.set(id, label);
    }
    let missing = 0;
    for (let tries = 0; tries < TRIES; tries++) {
      missing = await this.uncounted();
      for (const one of this.labels) {
        missing += await this.settle(one);
      }
      if (missing === 0) {
        return 0;
      }
      await sleep(500);
    }
    const waiting = await this.waiting();
    if (missing > waiting) {
      throw new Error(`${missing} tasks were never done, ${waiting} are still in a queue`);
    }
    return missing;
  }

  /** Messages whose words no task has counted. */
  private async uncounted(): Promise<number> {
    const { postgres, database = '' } = this.props.rehearsal;
    const rows = await postgres?.query(database, async (client) => {
      const query = 'SELECT text FROM guestbook_message WHERE words IS NULL';
      return (await client.query<{ text: string }>(query)).rows;
    });
    return (rows ?? []).filter(({ text }) => this.labels.some((label) => text.startsWith(`${label} `))).length;
  }

  /** Forgets the drills of a label that have ended well; gives how many have not. */
  private async settle(label: string): Promise<number> {
    for (const { task_id, finished_at } of await this.props.book.records({ label })) {
      if (finished_at !== null) {
        this.unsettled.delete(task_id);
      }
    }
    return [...this.unsettled.values()].filter((one) => one === label).length;
  }

  /**
   * Messages in the queues of tasks, in flight or not. A number from before would not help: what waited then,
   * such as a periodic task, may be done by now.
   */
  private async waiting(): Promise<number> {
    const { doubles, queues } = this.props.rehearsal;
    const ofTasks = [...queues.values()].filter(({ deadLetterArn }) => deadLetterArn !== undefined);
    const depths = await Promise.all(ofTasks.map(({ url }) => doubles.depth(url)));
    return depths.reduce((sum, { visible, inFlight }) => sum + visible + inFlight, 0);
  }

  private async repeat(pause: number, round: () => Promise<unknown>): Promise<void> {
    while (this.busy) {
      await round().catch((error: Error) => this.failures.push(error.message));
      await sleep(pause);
    }
  }

  private async round(session: FrontDoor, link: string): Promise<void> {
    await Promise.all(Array.from({ length: PARALLEL }, () => this.whoAmI(session)));
    await this.greet(session);
    await this.read(session, link);
    const page = await this.read(session, '/invitations/', [302]);
    // Without a session there is a redirect to the login in place of a link.
    if (page.startsWith('{')) {
      await this.read(session, JSON.parse(page).url);
    }
  }

  /** A session may ask in another tab. */
  private async whoAmI(session: FrontDoor, tab = session): Promise<void> {
    const body = await this.read(tab, '/api/session');
    if (body !== '' && !JSON.parse(body).authenticated) {
      this.loggedOut.add(session);
    }
  }

  /** The first thing that the WebSocket says is who is connected. */
  private async greet(session: FrontDoor, tab = session): Promise<void> {
    this.sockets++;
    try {
      const [greeting] = (await echo(tab.webSocket('/ws/echo'), 'hello')) as { authenticated?: boolean }[];
      if (!greeting?.authenticated) {
        this.loggedOut.add(session);
      }
    } catch (error) {
      this.failures.push(`WebSocket: ${(error as Error).message}`);
    }
  }

  private async read(session: FrontDoor, path: string, accepted: number[] = []): Promise<string> {
    this.requests++;
    try {
      const { status, body } = await session.visit(path, this.agent);
      if (status === 200) {
        return body;
      }
      if (!accepted.includes(status)) {
        this.failures.push(`${status} at ${path.replace(/[\w:-]{20,}/, '<signed link>')}`);
      }
    } catch (error) {
      this.failures.push(`${path.slice(0, 13)}: ${(error as Error).message}`);
    }
    return '';
  }
}

async function linkOf(session: FrontDoor): Promise<string> {
  return (await session.json<{ url: string }>('/invitations/')).url;
}
