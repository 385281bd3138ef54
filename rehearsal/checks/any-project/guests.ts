import http from 'node:http';
import https from 'node:https';
import type { Rehearsal } from '../../rehearsal';
import { eventually, HANG_SECONDS, sleep } from '../../wait';
import { expect } from '../check';
import type { FrontDoor } from '../front-door';
import { pageOf } from '../page';
import type { Staff } from './staff';

/** Who reads pages at the same time. */
const READERS = 3;
/** Milliseconds between two pages of one reader: a steady load, and not a full one. */
const PAUSE = 150;
const SESSIONS = 2;

interface GuestsProps {
  readonly rehearsal: Rehearsal;
  readonly front: FrontDoor;
  /** Undefined where nobody can log in. */
  readonly staff?: Staff;
}

/** Visitors of any project, who read its page and stay logged in, where the project has the admin. */
export class Guests {
  /**
   * Sessions from before anything changed. Each asks for one page at a time: Django gives a session
   * a new id when its key is a fallback, and whoever asks for two then loses one. `runtime/` mends that.
   */
  private sessions: FrontDoor[] = [];
  /** One that is led to old and new tasks. */
  private led?: FrontDoor;
  private readonly agent: http.Agent;
  private readonly failures: string[] = [];
  private readonly loggedOut = new Set<string>();
  private requests = 0;
  private busy = false;

  constructor(private readonly props: GuestsProps) {
    this.agent = new (props.front.secure ? https : http).Agent({ keepAlive: true });
  }

  /** Logs in before anything changes. */
  async logIn(): Promise<void> {
    const { staff } = this.props;
    if (staff !== undefined) {
      this.led = await staff.logIn();
      this.sessions = await Promise.all(Array.from({ length: SESSIONS }, () => staff.logIn()));
    }
  }

  /** Who was logged out, and by what kind of task: empty when nobody was. */
  get out(): string[] {
    return [...this.loggedOut];
  }

  /** Reads pages while something is done; gives how many requests there were, and throws when one failed. */
  async during(work: () => Promise<void>): Promise<number> {
    this.busy = true;
    const loops = [
      ...Array.from({ length: READERS }, () => this.repeat(() => this.read())),
      ...this.sessions.map((session) => this.repeat(() => this.look(session, 'a session from before'))),
    ];
    try {
      await work();
      await sleep(1000); // The new tasks alone, for a moment.
    } finally {
      this.busy = false;
      await Promise.all(loops);
      this.agent.destroy();
    }
    const different = [...new Set(this.failures)].slice(0, 4);
    expect(
      this.failures.length === 0,
      `${this.failures.length} of ${this.requests} requests failed: ${different.join(', ')}`,
    );
    return this.requests;
  }

  /**
   * Leads a session from before to a new task, and one that a new task began to an old task, while both
   * serve.
   */
  async meetBoth(old: ReadonlySet<string>): Promise<void> {
    const { led, props } = this;
    const { staff } = props;
    if (staff === undefined || led === undefined) {
      return;
    }
    const on = (front: FrontDoor) => {
      const last = front.calls?.last;
      return last === undefined ? undefined : old.has(last.id);
    };
    const meet = async (front: FrontDoor, isOld: boolean, who: string) => {
      await eventually(
        `${isOld ? 'an old' : 'a new'} task answers ${who}`,
        HANG_SECONDS,
        async () => {
          await this.look(front, who);
          return on(front) === isOld || this.loggedOut.has(who);
        },
        20,
      );
    };
    await meet(led, false, 'a session from before');
    const fresh = await eventually(
      'a new task logs somebody in',
      HANG_SECONDS,
      async () => {
        const session = await staff.logIn();
        return on(session) === false ? session : undefined;
      },
      20,
    );
    if (!this.served(old)) {
      return; // A service that stops its old tasks first has none left.
    }
    await meet(fresh, true, 'a session of a new task at an old one');
  }

  private served(old: ReadonlySet<string>): boolean {
    const targets = this.props.rehearsal.services.flatMap(({ group }) => group?.targets ?? []);
    return targets.some(({ id, draining }) => old.has(id) && !draining);
  }

  private async repeat(round: () => Promise<unknown>): Promise<void> {
    while (this.busy) {
      await round();
      await sleep(PAUSE);
    }
  }

  private async read(): Promise<void> {
    const { path, host, status } = pageOf(this.props.rehearsal);
    this.requests++;
    await this.props.front.request(path, { host, agent: this.agent }).then(
      (reply) => reply.status === status || this.failures.push(`${path} answered ${reply.status}`),
      (error: Error) => this.failures.push(`${path}: ${error.message}`),
    );
  }

  private async look(session: FrontDoor, who: string): Promise<void> {
    this.requests++;
    await this.props.staff?.knows(session).then(
      (known) => known || this.loggedOut.add(who),
      (error: Error) => this.failures.push(error.message),
    );
  }
}
