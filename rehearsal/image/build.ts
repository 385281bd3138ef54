import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import { copyEntries, copyFolder, type Entry, entriesOf, type Origin } from './copy';
import type { Base } from './dockerfile/base';
import { ignoredBy } from './dockerfile/ignore';
import type { CopyStep, DownloadStep, Plan, RunStep, Source, StagePlan, Step } from './dockerfile/plan';
import { STAND_INS, standInsOf, WAYS_OUT } from './dockerfile/rules';
import { folderInside, inside, statOf } from './inside';
import { findInterpreter, type Interpreter } from './interpreters';
import { contentOf, copyTree, keyOf, Layers } from './layers';
import { machineFor, NODE, viewOfPython } from './machine';
import { NotRunnableHere } from './not-runnable-here';
import { skeleton } from './skeleton';
import { copyProgram, fetched, sha256, uvProgram } from './tools';
import { type Bind, builderFolder, canView, type Ended, give, type Spawn, View } from './view';

export interface BuildProps {
  readonly plan: Plan;
  /** The build context. */
  readonly context: string;
  /** File of the Dockerfile, relative to the context. */
  readonly dockerFile: string;
  readonly cache: string;
  /** An empty folder for the time of the build. */
  readonly work: string;
  readonly announce: Announce;
  readonly spawn: Spawn;
  /** Version of Python in the place of the one that the Dockerfile names. */
  readonly python?: string;
}

/** What does the work is part of the name of its result. */
const MACHINERY = ['view.sh', 'stand-in.sh', 'skeleton.ts', 'copy.ts'].map((name) =>
  readFileSync(path.join(__dirname, name), 'utf8'),
);
/** Lines of a step's output that an error shows. */
const SHOWN = 25;

/** Follows a plan: every stage in a folder of its own. */
export class Build {
  private readonly layers: Layers;
  private readonly view: View;
  private readonly machine: ReturnType<typeof machineFor>;
  private readonly context: Origin;
  private readonly roots = new Map<number, string>();
  private readonly keys = new Map<string, string>();
  private readonly called: string[] = [];
  /** Folders with files that are not the builder's yet. */
  private readonly foreign = new Set<string>();
  /** Places that only a step of the build sees, and where they are. */
  readonly aliases = new Map<string, string>();

  constructor(private readonly props: BuildProps) {
    this.layers = new Layers(path.join(props.cache, 'layers'));
    mkdirSync(props.work, { recursive: true });
    this.view = new View(props.work, props.spawn);
    this.machine = machineFor(props.cache);
    this.context = { root: props.context, ignored: ignoreOf(props.context, props.dockerFile) };
  }

  /** Name of all that the target depends on. */
  key(): string {
    return this.keyAfter(this.target, this.target.steps.length);
  }

  /** Folder of the target, complete. */
  async run(): Promise<string> {
    for (const stage of this.props.plan.stages) {
      await this.stage(stage);
    }
    return this.roots.get(this.target.index) as string;
  }

  private get target(): StagePlan {
    return this.props.plan.target as StagePlan;
  }

  private async stage(stage: StagePlan): Promise<void> {
    const root = path.join(this.props.work, `stage-${stage.index}`);
    this.roots.set(stage.index, root);
    let done = stage.steps.length;
    while (done > 0 && !this.layers.has(this.keyAfter(stage, done))) {
      done--;
    }
    if (done > 0) {
      this.layers.restore(this.keyAfter(stage, done), root);
    }
    for (const [index, step] of stage.steps.entries()) {
      if (index < done) {
        continue;
      }
      const milliseconds = await this.step(stage, step, root);
      this.layers.save(this.keyAfter(stage, index + 1), root, milliseconds);
    }
  }

  /** Does a step. Returns the milliseconds that a program of it took. */
  private async step(stage: StagePlan, step: Step, root: string): Promise<number> {
    if (step.kind !== 'run' && step.kind !== 'setting') {
      this.foreign.add(root);
    }
    const started = Date.now();
    switch (step.kind) {
      case 'from':
        await this.from(stage, root);
        return 'base' in stage.from ? Date.now() - started : 0;
      case 'folder':
        folderInside(root, step.path);
        return 0;
      case 'copy':
        await this.copy(step, root);
        return 0;
      case 'download':
        await this.download(step, root);
        return 0;
      case 'run':
        return this.runStep(stage, step, root);
      default:
        return 0;
    }
  }

  private async from({ from }: StagePlan, root: string): Promise<void> {
    if ('stage' in from) {
      return copyTree(this.roots.get(from.stage) as string, root);
    }
    await this.base(from.base, root);
  }

  private async base(base: Base, root: string): Promise<void> {
    mkdirSync(root, { recursive: true });
    if (base.kind === 'uv') {
      const folder = uvProgram(base.uv, this.props.cache);
      for (const name of ['uv', 'uvx']) {
        copyProgram(path.join(folder, name), path.join(root, name));
      }
      return;
    }
    if (base.kind === 'scratch') {
      return;
    }
    skeleton(root);
    chmodSync(path.join(root, 'tmp'), 0o1777);
    if (base.kind === 'node') {
      this.nodeVersion(base);
    } else {
      await this.python(base, root);
    }
    if (base.uv !== undefined) {
      const folder = uvProgram(base.uv, this.props.cache);
      for (const name of ['uv', 'uvx']) {
        copyProgram(path.join(folder, name), path.join(root, 'usr/local/bin', name));
      }
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
    const { code, output } = await this.inView({ root, words, workingDirectory: '/', environment: {}, mounts: [] });
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

  private pythonOf(base: Base): Interpreter | undefined {
    return findInterpreter(this.props.python ?? base.python);
  }

  private nodeVersion({ image, node }: Base): void {
    const [here] = process.versions.node.split('.');
    if (node !== here) {
      this.props.announce.substitution(`${image}: Node is ${process.versions.node} here`);
    }
  }

  private async copy(step: CopyStep, root: string): Promise<void> {
    const origin = await this.origin(step.from);
    if (step.from.kind !== 'context' && this.failing(step, () => copyFolder(step, origin, root))) {
      return;
    }
    const archives = this.failing(step, () => copyEntries(entriesOf(step, origin, root), step, root));
    for (const archive of archives) {
      const words = ['tar', '--extract', '--no-same-owner', '--file', '/.machine-archive', '--directory', step.target];
      const bind = { source: archive.from, target: '/.machine-archive' };
      this.checked(step, await this.inView({ root, words, workingDirectory: '/', environment: {}, mounts: [bind] }));
    }
  }

  private failing<T>(step: Step, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new Error(
        `line ${step.line} (${shortened(step.text)}) cannot be followed: ${(error as Error).message}. ${WAYS_OUT}`,
      );
    }
  }

  private async origin(from: Source): Promise<Origin> {
    switch (from.kind) {
      case 'context':
        return this.context;
      case 'folder':
        return { root: from.folder, ignored: ignoreOf(from.folder, 'Dockerfile') };
      case 'stage':
        return { root: this.roots.get(from.stage) as string };
      case 'image': {
        const root = path.join(this.props.work, `image-${keyOf(from.base).slice(0, 16)}`);
        if (!existsSync(root)) {
          await this.base(from.base, root);
        }
        return { root };
      }
    }
  }

  private async download(step: DownloadStep, root: string): Promise<void> {
    const { url, target, checksum, chmod } = step;
    this.props.announce.progress(`line ${step.line}: ${url}`);
    const content = await fetched(url).catch((error: Error) => {
      throw new Error(
        `line ${step.line} (${shortened(step.text)}): ${url} cannot be had: ${error.message}. ${WAYS_OUT}`,
      );
    });
    this.failing(step, () => {
      if (checksum !== undefined && checksum !== `sha256:${sha256(content)}`) {
        throw new Error(`its checksum is sha256:${sha256(content)}`);
      }
      const folder = target.endsWith('/') || statOf(inside(root, target))?.isDirectory();
      const to = folder ? path.posix.join(target, path.posix.basename(new URL(url).pathname)) : target;
      folderInside(root, path.posix.dirname(to));
      // What is downloaded is readable by its owner alone, as BuildKit has it.
      writeFileSync(inside(root, to), content, { mode: chmod === undefined ? 0o600 : Number.parseInt(chmod, 8) });
    });
  }

  private async runStep(stage: StagePlan, step: RunStep, root: string): Promise<number> {
    this.props.announce.progress(`line ${step.line}: ${shortened(step.text)}`);
    if (!canView()) {
      throw new NotRunnableHere(
        `line ${step.line} (${shortened(step.text)}) needs the image's folder as /: this machine gives a program no mount namespace. ${WAYS_OUT}`,
      );
    }
    const mounts: Bind[] = [];
    for (const mount of step.mounts) {
      mounts.push(await this.mounted(mount, stage));
    }
    folderInside(root, step.workingDirectory);
    const words = step.script === undefined ? step.command : [`/.machine-script`];
    if (step.script !== undefined) {
      const file = path.join(this.props.work, `script-${step.line}`);
      writeFileSync(file, step.script, { mode: 0o755 });
      mounts.push({ source: file, target: '/.machine-script' });
    }
    const ended = await this.inView({ root, words, ...step, mounts });
    this.checked(step, ended);
    return ended.milliseconds;
  }

  private async mounted(
    { type, target, from, source, id }: RunStep['mounts'][number],
    stage: StagePlan,
  ): Promise<Bind> {
    if (type === 'bind') {
      const copy = path.join(this.props.work, `bind-${keyOf(from, source, stage.index).slice(0, 16)}`);
      if (!existsSync(copy)) {
        const step = bindStep(from, source);
        copyEntries(entriesOf(step, await this.origin(from), copy), step, copy);
      }
      return { source: path.join(copy, 'x'), target };
    }
    const folder =
      type === 'cache'
        ? path.join(this.props.cache, 'downloads', `mount-${keyOf(id).slice(0, 16)}`)
        : path.join(this.props.work, `tmpfs-${stage.index}-${keyOf(target).slice(0, 16)}`);
    return { source: builderFolder(folder), target };
  }

  private async inView(step: {
    root: string;
    words: string[];
    workingDirectory: string;
    environment: Readonly<Record<string, string>>;
    mounts: Bind[];
  }): Promise<Ended> {
    const { root, words, workingDirectory, environment, mounts } = step;
    const { PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...others } = environment;
    // A cache makes no difference to the result, and a rehearsal repeats steps more often than a build.
    const { PIP_NO_CACHE_DIR, UV_NO_CACHE, ...kept } = others;
    const pythons = this.pythons();
    if (this.foreign.delete(root)) {
      give(root);
    }
    return this.view.run({
      ...{ root, words, workingDirectory },
      environment: { ...this.machine.environment, ...kept, PATH: `/.machine/bin:${PATH}:${NODE}/bin` },
      binds: [...this.machine.binds, ...pythons, ...mounts],
    });
  }

  /** Every Python that a stage of the plan has. */
  private pythons(): Bind[] {
    const found = this.props.plan.stages.flatMap(({ from }) => {
      const python = 'base' in from && /python|system/.test(from.base.kind) ? this.pythonOf(from.base) : undefined;
      return python === undefined ? [] : [viewOfPython(python)];
    });
    for (const { alias } of found) {
      if (alias !== undefined) {
        this.aliases.set(...alias);
      }
    }
    return [...new Map(found.flatMap(({ bind }) => bind).map((bind) => [bind.target, bind])).values()];
  }

  private checked(step: Step, { code, output, calls }: Ended): void {
    for (const call of calls) {
      const [program] = call.split(' ');
      const [{ why }] = standInsOf([program]);
      this.called.push(call);
      if (!this.props.plan.announced.some((note) => note.line === step.line && note.why.includes(program))) {
        this.props.announce.substitution(`line ${step.line}: ${shortened(call)}: ${why}`);
      }
    }
    if (code !== 0) {
      const packages = this.called.filter((call) => STAND_INS.packages.includes(call.split(' ')[0]));
      const missing = packages.length > 0 ? `\nNot installed here: ${packages.join('; ')}` : '';
      const failed = `line ${step.line} ended with ${code}: ${shortened(step.text)}`;
      throw new Error(`${failed}\n${tail(output)}${missing}\n${WAYS_OUT}`);
    }
  }

  /** Name of what a stage is after some of its steps. It is known before any of them is done. */
  private keyAfter(stage: StagePlan, steps: number): string {
    const name = `${stage.index}/${steps}`;
    const known = this.keys.get(name);
    if (known !== undefined) {
      return known;
    }
    const key = steps === 0 ? keyOf(MACHINERY, process.arch) : this.keyOfStep(stage, steps);
    this.keys.set(name, key);
    return key;
  }

  private keyOfStep(stage: StagePlan, steps: number): string {
    const { line, text, ...step } = stage.steps[steps - 1];
    const before = this.keyAfter(stage, steps - 1);
    switch (step.kind) {
      case 'from':
        return keyOf(before, this.keyOfOrigin(stage));
      case 'copy':
        return keyOf(before, step, this.keyOfSource(step.from, { ...step, line, text }));
      case 'run':
        return keyOf(
          before,
          step,
          step.mounts.map(({ from, source }) => this.keyOfBind(from, source)),
        );
      case 'setting':
        // Variables are part of the steps that have them.
        return before;
      default:
        return keyOf(before, step);
    }
  }

  private keyOfOrigin({ from }: StagePlan): unknown {
    if ('stage' in from) {
      return this.keyOfStage(from.stage);
    }
    const python = /python|system/.test(from.base.kind) ? this.pythonOf(from.base) : undefined;
    return [from.base, python];
  }

  private keyOfStage(index: number): string {
    const stage = this.props.plan.stages.find((one) => one.index === index) as StagePlan;
    return this.keyAfter(stage, stage.steps.length);
  }

  private keyOfBind(from: Source, source: string): unknown {
    return this.keyOfSource(from, bindStep(from, source));
  }

  private keyOfSource(from: Source, step: CopyStep): unknown {
    if (from.kind === 'stage') {
      return this.keyOfStage(from.stage);
    }
    if (from.kind === 'image') {
      return from.base;
    }
    const origin = from.kind === 'context' ? this.context : { root: from.folder };
    const entries: Entry[] = this.failing(step, () => entriesOf(step, origin, '/nonexistent'));
    return contentOf(entries);
  }
}

/** A bind of a step is a copy of what it names. */
function bindStep(from: Source, source: string): CopyStep {
  const rest = { documents: [], exclude: [], parents: false, unpack: false };
  return {
    kind: 'copy',
    line: 0,
    text: `--mount=type=bind,source=${source}`,
    from,
    sources: [source],
    target: '/x',
    ...rest,
  };
}

/** The Dockerfile's own list before the one of the folder. */
export function ignoreOf(context: string, dockerFile: string): Origin['ignored'] {
  const files = [`${dockerFile}.dockerignore`, '.dockerignore'].map((name) => path.join(context, name));
  const file = files.find((one) => existsSync(one));
  return file === undefined ? undefined : ignoredBy(readFileSync(file, 'utf8'));
}

/** An instruction for a line of the terminal, without the values that look secret. */
export function shortened(text: string): string {
  const masked = text.replace(
    /(\b\w*(?:SECRET|PASSWORD|TOKEN|_KEY)\w*=)("(?:[^"\\]|\\.)*"|'[^']*'|\$\([^)]*\)|[^\s&;|]+)/gi,
    '$1…',
  );
  const flat = masked.replace(/\s+/g, ' ');
  return flat.length > 120 ? `${flat.slice(0, 117)}…` : flat;
}

function tail(output: string): string {
  return output.trim().split('\n').slice(-SHOWN).join('\n');
}
