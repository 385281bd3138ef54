import { randomBytes } from 'node:crypto';
import type { Rehearsal } from '../rehearsal';
import { Task } from '../task/process';
import { eventually, HANG_SECONDS } from '../wait';
import { FrontDoor, type Reply } from './front-door';

export interface TaskRecord {
  readonly task_id: string;
  readonly name: string;
  readonly queue: string;
  readonly label: string;
  readonly started_at: string;
  readonly finished_at: string | null;
}

/** The guestbook of examples/django-app, as its visitors and its staff use it. */
export class Guestbook {
  private readonly front: FrontDoor;
  private staff?: Promise<void>;
  private sessions = 0;
  private readonly username = 'rehearsal';
  private readonly password = randomBytes(18).toString('base64url');

  constructor(private readonly rehearsal: Rehearsal) {
    this.front = new FrontDoor(rehearsal, 'staff');
  }

  async post(text: string): Promise<void> {
    const reply = await this.front.submit('/', '/', { text });
    if (reply.status !== 302) {
      throw new Error(`posting a message answered ${reply.status}`);
    }
  }

  async messages(): Promise<{ text: string; words: number | null }[]> {
    return (await this.front.json<{ messages: { text: string; words: number | null }[] }>('/api/messages')).messages;
  }

  async records(filter: { label?: string; name?: string }): Promise<TaskRecord[]> {
    const query = new URLSearchParams(filter as Record<string, string>).toString();
    return (await this.front.json<{ tasks: TaskRecord[] }>(`/api/tasks?${query}`)).tasks;
  }

  /** Starts a drill through the page for staff; gives the id of its task. */
  async drill(drill: string, fields: Record<string, string> = {}): Promise<string> {
    const reply = await this.tryDrill(drill, fields);
    if (reply.status !== 202) {
      throw new Error(`the drill ${drill} answered ${reply.status}: ${reply.body.slice(0, 200)}`);
    }
    return JSON.parse(reply.body).task_id;
  }

  /** Asks for a drill, and gives the answer, whatever it is. */
  async tryDrill(drill: string, fields: Record<string, string> = {}): Promise<Reply> {
    await this.staffed();
    return this.front.submit('/admin/', '/drills/', { drill, ...fields });
  }

  finished(label: string, count = 1, seconds = HANG_SECONDS): Promise<TaskRecord[]> {
    return eventually(`task "${label}" is done`, seconds, async () => {
      const records = await this.records({ label });
      return records.filter((record) => record.finished_at !== null).length >= count ? records : undefined;
    });
  }

  /** Another browser of the staff user, with a session of its own. */
  async session(): Promise<FrontDoor> {
    await this.staffed();
    const front = new FrontDoor(this.rehearsal, `session ${++this.sessions}`);
    await this.submitLogin(front);
    return front;
  }

  private staffed(): Promise<void> {
    this.staff ??= this.logIn();
    return this.staff;
  }

  /** A staff user is made with a one-off command of the release's task, as an operator would. */
  private async logIn(): Promise<void> {
    const { username, password } = this;
    this.rehearsal.secrets.remember(password);
    const release = [...this.rehearsal.definitions.values()].find(({ kind }) => kind === 'release');
    if (release === undefined) {
      throw new Error('the stack has no release command to run a one-off command with');
    }
    const task = await this.rehearsal.run(
      {
        ...release,
        command: ['python', 'manage.py', 'createsuperuser', '--noinput'],
        environment: {
          ...release.environment,
          DJANGO_SUPERUSER_USERNAME: username,
          DJANGO_SUPERUSER_PASSWORD: password,
          DJANGO_SUPERUSER_EMAIL: 'rehearsal@example.com',
        },
      },
      'one-off',
    );
    if (!Task.isClean(await task.exited)) {
      throw new Error(`createsuperuser failed: ${task.logs.last(3).join(' ')}`);
    }
    await this.submitLogin(this.front);
  }

  private async submitLogin(front: FrontDoor): Promise<void> {
    const { username, password } = this;
    const reply = await front.submit('/accounts/login/', '/accounts/login/', { username, password });
    if (reply.status !== 302) {
      throw new Error(`logging in answered ${reply.status}`);
    }
  }
}

const books = new WeakMap<Rehearsal, Guestbook>();

/** The one visitor of a rehearsal's guestbook. */
export function guestbook(rehearsal: Rehearsal): Guestbook {
  const book = books.get(rehearsal) ?? new Guestbook(rehearsal);
  books.set(rehearsal, book);
  return book;
}
