import https from 'node:https';
import { sleep } from '../wait';
import { echo } from './asgi';
import type { CheckContext } from './check';
import type { FrontDoor } from './front-door';
import { type Guestbook, guestbook } from './guestbook';

const SESSIONS = 6;
const PARALLEL = 4;
/** Milliseconds between two rounds of one visitor: a steady load, and not a full one. */
const PAUSE = 150;
const POST_PAUSE = 400;

/** What happened to the visitors of a busy time. */
export interface Visit {
  readonly requests: number;
  readonly sockets: number;
  readonly tasks: number;
}

/**
 * Logged-in visitors, each with a session and a link signed before anything changes. While they are busy each sends four
 * requests at once, opens a WebSocket as the person who is logged in, follows links signed earlier and just now; others
 * read pages, and hand tasks to both workers.
 */
export class Visitors {
  static async logIn({ rehearsal, front }: CheckContext): Promise<Visitors> {
    const book = guestbook(rehearsal, front);
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => book.session()));
    const links = await Promise.all(sessions.map((session) => linkOf(session)));
    return new Visitors(front, book, sessions, links);
  }

  private readonly agent = new https.Agent({ keepAlive: true });
  private readonly failures: string[] = [];
  private readonly loggedOut = new Set<FrontDoor>();
  private requests = 0;
  private sockets = 0;
  private busy = false;

  private constructor(
    private readonly front: FrontDoor,
    private readonly book: Guestbook,
    private readonly sessions: FrontDoor[],
    private readonly links: string[],
  ) {}

  /** Keeps everybody busy while something is done; throws unless nobody noticed. */
  async during(label: string, work: () => Promise<void>): Promise<Visit> {
    const [requests, sockets] = [this.requests, this.sockets];
    let [posted, drills] = [0, 0];
    this.busy = true;
    const loops = [
      ...this.sessions.map((session, index) => this.repeat(PAUSE, () => this.round(session, this.links[index]))),
      ...[1, 2].map(() => this.repeat(PAUSE, () => this.read(this.front, '/'))),
      this.repeat(POST_PAUSE, async () => {
        await this.book.post(`${label} ${posted}`);
        posted++;
      }),
      this.repeat(POST_PAUSE, async () => {
        await this.book.drill(drills % 2 === 0 ? 'ping' : 'slow', { label, seconds: '0.2' });
        drills++;
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
    await this.done(label, posted, drills);
    return { requests: this.requests - requests, sockets: this.sockets - sockets, tasks: posted + drills };
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

  /** Every task of the label has ended well. */
  private async done(label: string, posted: number, drills: number): Promise<void> {
    await this.book.finished(label, 30, drills);
    const counted = async () =>
      (await this.book.messages()).filter(({ text, words }) => text.startsWith(`${label} `) && words !== null).length;
    const wanted = Math.min(posted, PAGE);
    for (let tries = 0; (await counted()) < wanted; tries++) {
      if (tries > 60) {
        throw new Error(`${wanted - (await counted())} of ${wanted} messages were never counted: tasks are lost`);
      }
      await sleep(500);
    }
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

  private async whoAmI(session: FrontDoor): Promise<void> {
    const body = await this.read(session, '/api/session');
    if (body !== '' && !JSON.parse(body).authenticated) {
      this.loggedOut.add(session);
    }
  }

  /** The first thing that the WebSocket says is who is connected. */
  private async greet(session: FrontDoor): Promise<void> {
    this.sockets++;
    try {
      const [greeting] = (await echo(session.webSocket('/ws/echo'), 'hello')) as { authenticated?: boolean }[];
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

/** As many messages as the application's list shows. */
const PAGE = 50;

async function linkOf(session: FrontDoor): Promise<string> {
  return (await session.json<{ url: string }>('/invitations/')).url;
}
