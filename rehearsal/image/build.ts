import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import { Bases } from './bases';
import { copyEntries, copyFolder, entriesOf, type Origin } from './copy';
import { bindStep } from './dockerfile/copy-step';
import {
  type CopyStep,
  DEFAULT_PATH,
  type DownloadStep,
  type Plan,
  type RunStep,
  type Source,
  type StagePlan,
  type Step,
} from './dockerfile/plan';
import { STAND_INS, standInsOf, WAYS_OUT } from './dockerfile/rules';
import { ignoreOf } from './ignored-files';
import { folderInside, inside, statOf } from './inside';
import { Keys } from './keys';
import { copyTree, keyOf, Layers } from './layers';
import { machineFor, NODE } from './machine';
import { NotRunnableHere } from './not-runnable-here';
import { forPoetry } from './poetry';
import { shortened } from './shortened';
import { followed, tail } from './step-errors';
import { fetched, sha256 } from './tools';
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

/** For a program that no line of the Dockerfile names. */
const BARE = { workingDirectory: '/', environment: {}, mounts: [] };

/** Follows a plan: every stage in a folder of its own. */
export class Build {
  private readonly layers: Layers;
  private readonly view: View;
  private readonly machine: ReturnType<typeof machineFor>;
  private readonly context: Origin;
  private readonly bases: Bases;
  private readonly keys: Keys;
  private readonly roots = new Map<number, string>();
  private readonly called: string[] = [];
  /** Folders with files that are not the builder's yet. */
  private readonly foreign = new Set<string>();

  constructor(private readonly props: BuildProps) {
    this.layers = new Layers(path.join(props.cache, 'layers'));
    mkdirSync(props.work, { recursive: true });
    this.view = new View(props.work, props.spawn);
    this.machine = machineFor(props.cache);
    this.context = { root: props.context, ignored: ignoreOf(props.context, props.dockerFile) };
    this.bases = new Bases({ ...props, run: (root, words) => this.inView({ ...BARE, root, words }) });
    this.keys = new Keys(props.plan, this.context, (base) => this.bases.pythonOf(base));
  }

  /** Places that only a step of the build sees, and where they are. */
  get aliases(): ReadonlyMap<string, string> {
    return this.bases.aliases;
  }

  /** Name of all that the target depends on. */
  key(): string {
    return this.keys.after(this.target, this.target.steps.length);
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
    while (done > 0 && !this.layers.has(this.keys.after(stage, done))) {
      done--;
    }
    if (done > 0) {
      this.layers.restore(this.keys.after(stage, done), root);
    }
    for (const [index, step] of stage.steps.entries()) {
      if (index < done) {
        continue;
      }
      const milliseconds = await this.step(stage, step, root);
      this.layers.save(this.keys.after(stage, index + 1), root, milliseconds);
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
    await this.bases.make(from.base, root);
  }

  private async copy(step: CopyStep, root: string): Promise<void> {
    const origin = await this.origin(step.from);
    if (step.from.kind !== 'context' && followed(step, () => copyFolder(step, origin, root))) {
      return;
    }
    const archives = followed(step, () => copyEntries(entriesOf(step, origin, root), step, root));
    for (const archive of archives) {
      const words = ['tar', '--extract', '--no-same-owner', '--file', '/.machine-archive', '--directory', step.target];
      const bind = { source: archive.from, target: '/.machine-archive' };
      this.checked(step, await this.inView({ ...BARE, root, words, mounts: [bind] }));
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
          await this.bases.make(from.base, root);
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
    followed(step, () => {
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
    script?: string;
  }): Promise<Ended> {
    const { root, words, workingDirectory, environment, mounts, script } = step;
    const { PATH = DEFAULT_PATH, ...others } = environment;
    // A cache makes no difference to the result, and a rehearsal repeats steps more often than a build.
    const { PIP_NO_CACHE_DIR, UV_NO_CACHE, ...kept } = others;
    const pythons = this.bases.pythons(this.props.plan);
    if (this.foreign.delete(root)) {
      give(root);
    }
    return this.view.run({
      ...{ root, words, workingDirectory },
      environment: {
        ...withoutGiven(this.machine.environment, kept),
        ...forPoetry(root, [...words, script ?? ''], environment),
        ...kept,
        PATH: `/.machine/bin:${PATH}:${NODE}/bin`,
      },
      binds: [...this.machine.binds, ...pythons, ...mounts],
    });
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
}

/** npm reads its variables in small and in large letters: those of the Dockerfile count. */
function withoutGiven(
  machine: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(machine).filter(([name]) => !names.has(name.toLowerCase())));
}
