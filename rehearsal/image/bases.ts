import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import type { Base } from './dockerfile/base';
import type { Plan } from './dockerfile/plan';
import { WAYS_OUT } from './dockerfile/rules';
import { findInterpreter, type Interpreter } from './interpreters';
import { viewOfPython } from './machine';
import { nodePrograms } from './node';
import { NotRunnableHere } from './not-runnable-here';
import { skeleton } from './skeleton';
import { tail } from './step-errors';
import { copyProgram, uvProgram } from './tools';
import type { Bind, Ended } from './view';

export interface BasesProps {
  readonly cache: string;
  readonly announce: Announce;
  /** Version of Python in the place of the one that an image has. */
  readonly python?: string;
  /** Runs a command with a folder as `/`. */
  readonly run: (root: string, words: string[]) => Promise<Ended>;
}

/** Makes what images of a registry give to a stage, of what this machine has. */
export class Bases {
  /** Places that only a step of the build sees, and where they are. */
  readonly aliases = new Map<string, string>();

  constructor(private readonly props: BasesProps) {}

  /** The Python of an image. */
  pythonOf({ kind, python }: Base): Interpreter | undefined {
    return kind === 'python' || kind === 'system' ? findInterpreter(this.props.python ?? python) : undefined;
  }

  /** Every Python that a stage of the plan has, as its steps see it. */
  pythons({ stages }: Plan): Bind[] {
    const found = stages.flatMap(({ from }) => {
      const python = 'base' in from ? this.pythonOf(from.base) : undefined;
      return python === undefined ? [] : [viewOfPython(python)];
    });
    for (const { alias } of found) {
      if (alias !== undefined) {
        this.aliases.set(...alias);
      }
    }
    return [...new Map(found.flatMap(({ bind }) => bind).map((bind) => [bind.target, bind])).values()];
  }

  /** Makes the folder of an image. */
  async make(base: Base, root: string): Promise<void> {
    mkdirSync(root, { recursive: true });
    if (base.kind === 'uv') {
      return this.uv(base, root);
    }
    if (base.kind === 'scratch') {
      return;
    }
    skeleton(root);
    chmodSync(path.join(root, 'tmp'), 0o1777);
    if (base.kind !== 'node') {
      await this.python(base, root);
    }
    if (base.kind === 'node' || base.node !== undefined) {
      this.node(base, root);
    }
    if (base.uv !== undefined) {
      this.uv(base, path.join(root, 'usr/local/bin'));
    }
  }

  private async python(base: Base, root: string): Promise<void> {
    const interpreter = this.interpreter(base);
    if (interpreter === undefined) {
      return;
    }
    this.props.announce.progress(`Python ${interpreter.version} for ${base.image}`);
    const view = viewOfPython(interpreter);
    const words = [view.program, '-m', 'venv', '/usr/local'];
    const { code, output } = await this.props.run(root, words);
    if (code !== 0) {
      throw new NotRunnableHere(`Python ${interpreter.version} of this machine makes no environment: ${tail(output)}`);
    }
  }

  /** The Python of an image. Throws where this machine has none of that version. */
  private interpreter(base: Base): Interpreter | undefined {
    if (base.kind === 'system' && base.python === undefined) {
      return undefined;
    }
    const found = this.pythonOf(base);
    if (found === undefined) {
      const wanted = this.props.python ?? base.python ?? '3';
      throw new NotRunnableHere(
        `${this.props.python === undefined ? `${base.image} has` : '--python is'} Python ${wanted}, which is neither on PATH nor in pyenv nor known to uv. ` +
          `Install it, for example by \`uv python install ${wanted}\`. ${WAYS_OUT}`,
      );
    }
    if (this.props.python !== undefined && this.props.python !== base.python) {
      this.props.announce.substitution(`${base.image}: Python is ${found.version} here, as --python says`);
    } else if (base.python === undefined) {
      this.props.announce.substitution(`${base.image} names no version of Python: it is ${found.version} here`);
    } else if (base.exactPython !== undefined && base.exactPython.split('.').length > 2) {
      if (base.exactPython !== found.version) {
        this.props.announce.substitution(`${base.image}: Python is ${found.version} here`);
      }
    }
    return found;
  }

  private node({ image, node }: Base, root: string): void {
    const [here] = process.versions.node.split('.');
    if (node !== here) {
      this.props.announce.substitution(`${image}: Node is ${process.versions.node} here`);
    }
    for (const missing of nodePrograms(root, node, this.props.cache)) {
      this.props.announce.substitution(`${image}: without ${missing}`);
    }
  }

  private uv({ uv }: Base, folder: string): void {
    const programs = uvProgram(uv, this.props.cache);
    for (const name of ['uv', 'uvx']) {
      copyProgram(path.join(programs, name), path.join(folder, name));
    }
  }
}
