import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { Terminal } from '@xterm/headless';

/** How a program in a terminal ended. */
export interface Left {
  /** As a shell has it: 128 and the signal, where one ended it. */
  readonly code: number;
  /** Whether the terminal echoes and takes lines as it did before. */
  readonly isRestored: boolean;
}

/** Keys by their names, as a terminal sends them. */
export const KEY = {
  up: '\x1b[A',
  down: '\x1b[B',
  pageUp: '\x1b[5~',
  end: '\x1b[F',
  enter: '\r',
  escape: '\x1b',
  backspace: '\x7f',
  ctrlC: '\x03',
};

/** Seconds that only a hang takes. */
const HANG = 50;

/** A program in a pseudo-terminal, with its keyboard and what its screen shows. */
export class PseudoTerminal {
  readonly ended: Promise<Left>;
  private readonly terminal: Terminal;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();

  constructor(
    command: readonly string[],
    options: {
      readonly columns?: number;
      readonly rows?: number;
      readonly env?: NodeJS.ProcessEnv;
      readonly cwd?: string;
    } = {},
  ) {
    const { columns = 80, rows = 24, env = process.env, cwd } = options;
    this.terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 5000 });
    const words = [path.join(__dirname, 'terminal.py'), String(columns), String(rows), ...command];
    this.child = spawn('python3', words, { env: { ...env, TERM: 'xterm-256color' }, cwd });
    this.child.stdout?.on('data', (data: Buffer) => this.terminal.write(data, () => this.look()));
    let said = '';
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', () => {
        const last = said.trim().split('\n').at(-1) ?? '';
        // After what was written last.
        this.terminal.write('', () =>
          last.startsWith('{') ? resolve(JSON.parse(last)) : reject(new Error(`the terminal was closed: ${said}`)),
        );
      });
    });
    this.ended.catch(() => undefined); // Whoever waits for it hears of it.
  }

  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** What the screen shows, a line each. */
  get lines(): string[] {
    const { active } = this.terminal.buffer;
    return Array.from({ length: this.terminal.rows }, (_, row) =>
      (active.getLine(active.viewportY + row)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** What has scrolled out of the screen, too. */
  get history(): string {
    const { active } = this.terminal.buffer;
    return Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? '').join(
      '\n',
    );
  }

  /** Whether a program has taken the screen for itself. */
  get isTaken(): boolean {
    return this.terminal.buffer.active.type === 'alternate';
  }

  /** The number of cells that have a colour or a weight of their own. */
  get painted(): number {
    const { active } = this.terminal.buffer;
    const cells = Array.from({ length: this.terminal.rows }, (_, row) => active.getLine(active.viewportY + row));
    return cells
      .flatMap((line) => Array.from({ length: this.terminal.cols }, (_, column) => line?.getCell(column)))
      .filter((cell) => cell !== undefined && !cell.isAttributeDefault()).length;
  }

  /** Waits until the screen shows something; throws with the screen when it never does. */
  async until(what: string | RegExp | ((text: string) => boolean), seconds: number = HANG): Promise<string> {
    const shows =
      typeof what === 'string'
        ? (text: string) => text.includes(what)
        : what instanceof RegExp
          ? (text: string) => what.test(text)
          : what;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (shows(this.text)) {
          done();
          resolve();
        }
      };
      const fail = () => {
        done();
        reject(new Error(`the screen never shows ${what}:\n${this.text}`));
      };
      const timer = setTimeout(fail, seconds * 1000);
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(look);
      };
      this.waiting.add(look);
      void this.ended.then(look, fail).then(() => setImmediate(() => this.waiting.has(look) && fail()));
      look();
    });
    return this.text;
  }

  /** Ends the program as a closed window does. */
  close(): void {
    this.child.stdin?.end();
  }

  private look(): void {
    for (const look of [...this.waiting]) {
      look();
    }
  }
}
