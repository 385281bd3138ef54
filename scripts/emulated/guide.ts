import { type ChildProcess, spawn } from 'node:child_process';
import { BLOCKS, guidePage, type Listed, matched } from './guide-blocks';

/** What typing a block came to. */
export interface Typed {
  readonly output: string;
  /** Each command that ended with an error, as bash knows it. */
  readonly errors: readonly string[];
}

export interface GuideProps {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Changes the page, for a fault that is to be noticed. @default - none */
  change?(page: string): string;
}

/** A terminal in which somebody types the commands of the guide: variables and functions stay. */
export class Guide {
  private readonly shell: ChildProcess;
  private readonly left: Map<Listed, string>;
  private output = '';
  private heard: () => void = () => undefined;

  constructor({ cwd, env, change = (page) => page }: GuideProps) {
    this.left = new Map(
      [...matched(change(guidePage()))].map(([entry, block]) => [
        entry,
        withoutExceptions(entry, block?.commands ?? ''),
      ]),
    );
    this.shell = spawn('bash', ['--noprofile', '--norc'], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.shell.stdout, this.shell.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
        this.heard();
      });
    }
    this.shell.on('exit', () => this.heard());
    this.shell.stdin?.write(`set -E\ntrap 'echo "${ERROR}$BASH_COMMAND" >&2' ERR\n`);
  }

  /** Blocks that nobody has typed. */
  get untyped(): string[] {
    return [...this.left.keys()].map(({ has }) => has);
  }

  /** Types the next block with a text, with the reader's own values in place of the page's. */
  async type(has: string, values: Readonly<Record<string, string>> = {}): Promise<Typed> {
    const entry = [...this.left.keys()].find((each) => each.has === has) ?? BLOCKS.find((each) => each.has === has);
    if (entry === undefined) {
      throw new Error(`the guide has no block with "${has}"`);
    }
    const commands = this.left.get(entry) ?? withoutExceptions(entry, matched(guidePage()).get(entry)?.commands ?? '');
    this.left.delete(entry);
    const typed = Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), commands);
    return this.send(typed);
  }

  /** Types something that is no block of the page. */
  async send(commands: string): Promise<Typed> {
    this.output = '';
    this.shell.stdin?.write(`{\n${commands}\n} </dev/null\necho "${END}"; echo "${END}" >&2\n`);
    await new Promise<void>((resolve, reject) => {
      const late = () => reject(new Error(`not within ${PATIENCE / 60_000} minutes:\n${commands}\n${this.output}`));
      const timer = setTimeout(late, PATIENCE);
      this.heard = () => {
        if (this.output.split(`${END}\n`).length === 3) {
          clearTimeout(timer);
          resolve();
        } else if (this.shell.exitCode !== null) {
          clearTimeout(timer);
          reject(new Error(`the shell has ended: ${this.output}`));
        }
      };
      this.heard();
    });
    const lines = this.output.replaceAll(`${END}\n`, '').split('\n');
    return {
      output: lines.filter((line) => !line.startsWith(ERROR)).join('\n'),
      errors: lines.filter((line) => line.startsWith(ERROR)).map((line) => line.slice(ERROR.length)),
    };
  }

  close(): void {
    this.shell.stdin?.end();
    this.shell.kill();
  }
}

/** A waiter of AWS's command line that waits for what never comes takes an hour; milliseconds. */
const PATIENCE = 20 * 60_000;
const END = '::typed';
const ERROR = '::error ';

function withoutExceptions({ except = [] }: Listed, commands: string): string {
  const lines = commands.split('\n').filter((line) => !except.some((each) => line.startsWith(each.line)));
  return lines.join('\n');
}
