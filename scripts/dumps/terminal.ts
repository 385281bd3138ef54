import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const RUNBOOKS = join(__dirname, '..', '..', 'docs', 'runbooks.md');
const MARK = 'the block has ended with';

/** A line of a block that cannot be typed here, and what is typed in its place. */
export interface Instead {
  /** What the line begins with. */
  readonly line: string;
  /** @default - nothing */
  readonly typed?: string;
}

/** The blocks of commands below a heading of docs/runbooks.md. */
export function blocksOf(heading: string): string[] {
  return fenced(heading, 'sh');
}

/** The blocks of SQL below a heading. */
export function sqlOf(heading: string): string[] {
  return fenced(heading, 'sql');
}

function fenced(heading: string, language: string): string[] {
  const page = readFileSync(RUNBOOKS, 'utf8');
  const from = page.indexOf(`\n## ${heading}\n`);
  if (from < 0) {
    throw new Error(`docs/runbooks.md has no section ${heading}`);
  }
  const end = page.slice(from + 1).search(/\n## /);
  const section = page.slice(from, end < 0 ? undefined : from + 1 + end);
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, commands]) => commands);
}

/** A shell of somebody who follows the runbooks: what one block sets, the next one has. */
export class Terminal {
  private readonly shell: ChildProcess;
  private said = '';

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.shell = spawn('bash', [], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
    for (const output of [this.shell.stdout, this.shell.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    }
    this.shell.stdin?.write('exec 2>&1\nset -o pipefail -E\ntrap \'failed="$failed$BASH_COMMAND ($?)"\' ERR\n');
  }

  /** Types a block; gives what it printed, and throws where a command of it fails. */
  async type(block: string, instead: readonly Instead[] = []): Promise<string> {
    const lines = block.split('\n');
    for (const { line, typed } of instead) {
      const at = lines.findIndex((each) => each.startsWith(line));
      if (at < 0) {
        throw new Error(`no line of the block begins with ${line}`);
      }
      lines.splice(at, 1, ...(typed === undefined ? [] : [typed]));
    }
    const from = this.said.length;
    this.shell.stdin?.write(`failed=''\n${lines.join('\n')}\nprintf '%s %s\\n' '${MARK}' "$failed"\n`);
    for (;;) {
      const text = this.said.slice(from);
      const [whole, failed] = new RegExp(`^${MARK} (.*)$`, 'm').exec(text) ?? [];
      if (whole !== undefined) {
        const printed = text.slice(0, text.indexOf(whole));
        if (failed !== '') {
          throw new Error(`${failed} failed: ${printed}`);
        }
        return printed;
      }
      if (this.shell.exitCode !== null) {
        throw new Error(`the shell has ended: ${text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  close(): void {
    this.shell.kill('SIGKILL');
  }
}
