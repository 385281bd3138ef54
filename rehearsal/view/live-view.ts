import { emitKeypressEvents } from 'node:readline';
import type { Controls, Status } from './controls';
import { frame, rowsOf } from './frame';
import { REHEARSAL } from './journal';
import { type Action, type Key, press, START } from './state';
import { clean } from './text';

/** The terminal of a view. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** A second screen without a cursor; the first one comes back as it was. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
/** A terminal that knows these shows a frame as a whole. */
const [BEGIN, END] = ['\x1b[?2026h', '\x1b[?2026l'];
/** Milliseconds: how often the rehearsal is asked, and how soon something new is drawn. */
const ASKED = 1000;
const SOON = 50;

/** Shows a rehearsal in a terminal of its own, and takes keys. */
export class LiveView {
  private state = START;
  private status: Status = { services: [], queues: [] };
  private notice = '';
  private page = 1;
  private asking?: NodeJS.Timeout;
  private drawing?: NodeJS.Timeout;
  private isOpen = false;
  private readonly onKey = (_text: string | undefined, key: Key) => this.take(key);
  private readonly onResize = () => this.draw();
  private readonly restore = () => this.close();

  /** `stop` is called for Ctrl-C: a terminal that gives keys away sends no signal. */
  constructor(
    private readonly controls: Controls,
    private readonly stop: () => void,
    private readonly terminal: Terminal = { input: process.stdin, output: process.stdout },
  ) {
    controls.journal.onLine(() => this.soon());
  }

  async open(): Promise<void> {
    const { input, output } = this.terminal;
    this.isOpen = true;
    process.once('exit', this.restore);
    output.write(ENTER);
    output.on('resize', this.onResize);
    if (input.isTTY) {
      emitKeypressEvents(input);
      input.setRawMode(true);
      input.on('keypress', this.onKey);
      input.resume();
    }
    await this.ask();
  }

  /** Shows what has happened in the place of what the last command did. */
  say(text: string): void {
    this.notice = clean(text.split('\n')[0]);
    this.soon();
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (!this.isOpen) {
      return;
    }
    this.isOpen = false;
    clearTimeout(this.asking);
    clearTimeout(this.drawing);
    process.off('exit', this.restore);
    const { input, output } = this.terminal;
    output.off('resize', this.onResize);
    if (input.isTTY) {
      input.off('keypress', this.onKey);
      input.setRawMode(false);
      input.pause();
    }
    output.write(LEAVE);
  }

  private async ask(): Promise<void> {
    this.status = await this.controls.status().catch(() => this.status);
    if (this.isOpen) {
      this.draw();
      this.asking = setTimeout(() => void this.ask(), ASKED);
    }
  }

  private soon(): void {
    if (this.isOpen && this.drawing === undefined) {
      this.drawing = setTimeout(() => this.draw(), SOON);
    }
  }

  private draw(): void {
    clearTimeout(this.drawing);
    this.drawing = undefined;
    if (!this.isOpen) {
      return;
    }
    const { controls, status, state, notice } = this;
    const { output } = this.terminal;
    const [columns, rows] = [output.columns || 80, output.rows || 24];
    const { lines, page } = frame({ controls, status, state, notice }, { columns, rows, hasColour: hasColour() });
    this.page = page;
    // Each line is written over the one before it, so that nothing flickers.
    output.write(`${BEGIN}\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J${END}`);
  }

  private take(key: Key): void {
    const { controls, page } = this;
    const rows = rowsOf(this.status, controls.journal);
    const { schedules, secrets } = controls;
    const { state, action } = press(this.state, key, { rows, schedules, secrets, page });
    this.state = state;
    if (action !== undefined) {
      void this.act(action);
    }
    this.draw();
  }

  private async act(action: Action): Promise<void> {
    if (action.kind === 'stop') {
      this.stop();
      return;
    }
    if (action.kind === 'say') {
      this.notice = action.text;
      return;
    }
    this.notice = `${spoken(action)} …`;
    const said = await this.perform(action).catch((error: Error) => `${spoken(action)}: ${error.message}`);
    const [first, ...rest] = said.split('\n').map(clean);
    this.notice = first;
    for (const line of [first, ...rest]) {
      this.controls.journal.add(REHEARSAL, line);
    }
  }

  private perform(action: Exclude<Action, { kind: 'stop' | 'say' }>): Promise<string> {
    const { controls } = this;
    switch (action.kind) {
      case 'run':
        return controls.run(action.line, action.service);
      case 'restart':
      case 'kill':
      case 'trigger':
      case 'rotate':
        return controls[action.kind](action.name);
      case 'deploy':
        return controls.deploy();
      default:
        return controls.psql();
    }
  }
}

function spoken(action: Exclude<Action, { kind: 'stop' | 'say' }>): string {
  return 'name' in action ? `${action.kind} ${action.name}` : action.kind;
}

/** As https://no-color.org says. */
function hasColour({ NO_COLOR, TERM }: NodeJS.ProcessEnv = process.env): boolean {
  return (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
}
