import { createLogUpdate } from 'log-update';
import type { Rehearsal } from './rehearsal';

const DIM = (text: string) => `\x1b[2m${text}\x1b[0m`;
const GREEN = (text: string) => `\x1b[32m${text}\x1b[0m`;
const RED = (text: string) => `\x1b[31m${text}\x1b[0m`;
const LOG_LINES = 8;
/** Rows fit into 80 columns. */
const NAME_WIDTH = 26;
const column = (name: string) => clip(name, NAME_WIDTH + 1).padEnd(NAME_WIDTH);

/** Draws services, requests, queues and the last log lines below the lines that were printed. */
export class View {
  private readonly live: ReturnType<typeof createLogUpdate>;
  private timer?: NodeJS.Timeout;
  private readonly recent: string[] = [];
  private readonly followed = new Set<string>();

  constructor(
    private readonly rehearsal: Rehearsal,
    private readonly out: NodeJS.WriteStream = process.stdout,
  ) {
    this.live = createLogUpdate(out, { showCursor: true });
  }

  start(): void {
    const draw = () => void this.draw().catch(() => undefined);
    draw();
    this.timer = setInterval(draw, 1000);
  }

  stop(): void {
    clearInterval(this.timer);
    this.live.done();
  }

  /** Prints a line that stays, above the picture. */
  print(line: string): void {
    this.live.persist(line);
  }

  private async draw(): Promise<void> {
    this.follow();
    const queues = await this.queues();
    const width = this.out.columns ?? 120;
    const lines = [
      ...this.services(),
      ...queues,
      '',
      ...this.recent.slice(-LOG_LINES).map((line) => DIM(clip(line, width))),
    ];
    this.live(lines.join('\n'));
  }

  private services(): string[] {
    return this.rehearsal.services.map((service) => {
      const healthy = service.running.filter(({ task, registration }) =>
        registration === undefined ? task.health !== 'UNHEALTHY' : registration.target.health.state === 'healthy',
      ).length;
      const state = `${healthy}/${service.desiredCount} healthy`;
      const requests = service.group?.targets.reduce((sum, target) => sum + target.requests, 0);
      const served = requests === undefined ? '' : `${requests} requests`;
      const color = healthy >= service.desiredCount ? GREEN : RED;
      return `  ${column(service.name)} ${color(state.padEnd(14))} ${served.padEnd(16)} ${service.losses.length} replaced`;
    });
  }

  /** A line for each queue, with its dead letters. A dead-letter queue of no queue has a line of its own. */
  private async queues(): Promise<string[]> {
    const queues = [...this.rehearsal.queues.values()];
    const depths = new Map(
      await Promise.all(queues.map(async ({ arn, url }) => [arn, await this.rehearsal.doubles.depth(url)] as const)),
    );
    const redriven = new Set(queues.map(({ deadLetterArn }) => deadLetterArn));
    return queues
      .filter(({ arn }) => !redriven.has(arn))
      .map(({ name, arn, deadLetterArn = '' }) => {
        const { visible, inFlight } = depths.get(arn) ?? { visible: 0, inFlight: 0 };
        const dead = depths.get(deadLetterArn)?.visible;
        const letters = dead === undefined ? '' : `, ${dead} dead letters`;
        return `  ${column(name)} ${visible} waiting, ${inFlight} in work${dead ? RED(letters) : letters}`;
      });
  }

  private follow(): void {
    for (const { members } of this.rehearsal.services) {
      for (const { task } of members.filter((member) => !this.followed.has(member.task.id))) {
        this.followed.add(task.id);
        task.logs.onLine((line) => {
          this.recent.push(`${task.id}: ${this.rehearsal.secrets.mask(line)}`);
          this.recent.splice(0, this.recent.length - LOG_LINES);
        });
      }
    }
  }
}

function clip(line: string, width: number): string {
  return line.length > width - 1 ? `${line.slice(0, width - 2)}…` : line;
}
