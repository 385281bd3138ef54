import path from 'node:path';
import { parseArgs } from 'node:util';
import { checkRun, summary } from './check-run';
import { withNeeded } from './checks/check';
import { allChecks } from './checks/secrets';
import { runCommand } from './control/run-command';
import { localCertificate } from './edge/local-certificate';
import { chooseMode, type Mode, type ModeProps } from './engine/mode';
import { Given } from './given';
import { exitCodeOf, NOT_RUNNABLE_HERE } from './image/not-runnable-here';
import { readAssembly } from './template/assembly';
import { session } from './view/session';
import { distrust, trust } from './view/trust';
import { watchedSource } from './view/watch';

/** What differs between a clone of the repository and the installed package. */
export interface Surroundings {
  /** What a person types before the options. */
  readonly typed: string;
  readonly cache: string;
  /** What `--assembly` defaults to, in words. */
  readonly otherwise: string;
  /** Folder of the cloud assembly that `--assembly` defaults to. */
  readonly assembly: () => Promise<string>;
  /** How images run where `--mode` is not given. */
  readonly mode: ModeProps['otherwise'];
  /** Folders of the cloud assemblies of `--hosts` and `--cdn`. @default - there are no such options */
  readonly others?: Readonly<Record<'hosts' | 'cdn', () => Promise<string>>>;
}

const OPTIONS_OF_CLONE = `
  --hosts            two services with host names of their own instead of the example; with --check, the checks about hosts
  --cdn              the example behind a distribution
  --any-project      with --check: the example is looked at like a project that is not the example`;

const usage = ({ typed, otherwise, mode, others }: Surroundings) => `${typed} [options]
${typed} run [--service NAME] -- COMMAND   runs a command in the environment of a task, beside a rehearsal that runs

  --check            run the checks against the stack, print each, and exit${others === undefined ? '' : OPTIONS_OF_CLONE}
  --assembly FOLDER  a cloud assembly (cdk.out) instead of ${otherwise}
  --stack NAME       which stack of the assembly, when several run services
  --mode image|processes  a container engine builds and runs the image, or processes stand for it; otherwise: ${mode}
  --platform PLATFORM  with image mode: build and run for it (linux/amd64) instead of the template's processor
  --app FOLDER       source of the application, instead of the image's build context in the assembly
  --python VERSION   the application's Python (3.12, not 3), in the place of the one that its Dockerfile names
  --prepared FOLDER  the folder (/) of an image that is already built, in the place of what the Dockerfile makes
  --requirements FILE  what pip installs, in the place of what the Dockerfile installs
  --secret NAME=VALUE  value of a secret or parameter that is not in the template, by its name or its variable's; several times.
                     A VALUE of file://PATH is read from that file
  --env-file FILE    lines NAME=VALUE: values of such secrets, and of variables that the template sets
  --page PATH        with --check: a page of the application, such as /api/; may be given several times
  --websocket PATH   with --check: a WebSocket that must open, such as /ws/chat/; may be given several times
  --only PATTERN     with --check: only checks whose name matches, and those they need
  --watch            roll every service when the application's source changes, found below this folder or by --app
  --plain            lines instead of the live view
  --trust            make browsers of this user trust https://localhost of the rehearsal, and end; --untrust takes it back
  --verbose          with --check: what happens to processes, too

Exit codes: 0 all is well, 1 a check failed, none applies or a line cannot be followed, ${NOT_RUNNABLE_HERE} not runnable on this machine: nothing was rehearsed.
`;

async function main(args: string[], around: Surroundings): Promise<number> {
  const { cache, typed } = around;
  if (args[0] === 'run') {
    return runCommand({ args: args.slice(1), cache, typed });
  }
  const { values } = parseArgs({
    args,
    options: {
      check: { type: 'boolean', default: false },
      hosts: { type: 'boolean', default: false },
      cdn: { type: 'boolean', default: false },
      'any-project': { type: 'boolean', default: false },
      assembly: { type: 'string' },
      stack: { type: 'string' },
      mode: { type: 'string' },
      platform: { type: 'string' },
      app: { type: 'string' },
      python: { type: 'string' },
      prepared: { type: 'string' },
      requirements: { type: 'string' },
      secret: { type: 'string', multiple: true },
      'env-file': { type: 'string' },
      page: { type: 'string', multiple: true },
      websocket: { type: 'string', multiple: true },
      only: { type: 'string' },
      plain: { type: 'boolean', default: false },
      watch: { type: 'boolean', default: false },
      trust: { type: 'boolean', default: false },
      untrust: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage(around));
    return 0;
  }
  if (values.trust || values.untrust) {
    const certificate = await localCertificate(cache);
    (values.trust ? trust : distrust)(certificate, write);
    return 0;
  }
  const otherwise = assemblyFor(values, around);
  const directory = values.assembly ?? (await otherwise());
  const assembly = readAssembly(path.resolve(directory), values.stack);
  const { python, prepared, requirements } = values;
  const overrides = { python, prepared, requirements };
  const given = Given.read({ secret: values.secret, envFile: values['env-file'] });
  const engine = await chooseMode({ given: values.mode, otherwise: around.mode, only: onlyFor(values), write });
  const { platform } = values;
  if (values.watch && (values.check || prepared !== undefined)) {
    throw new Error(`--watch has no effect beside ${values.check ? '--check' : '--prepared'}: leave one of them out.`);
  }
  if (!values.check) {
    const props = { assembly, app: values.app, overrides, engine, platform, given, cache };
    const isPlain = values.plain || !process.stdout.isTTY || process.env.TERM === 'dumb';
    const source = values.watch ? watchedSource(assembly, values.app) : undefined;
    return session({ ...props, app: source?.folder ?? values.app }, { isPlain, source, typed });
  }
  const only = values.only ?? (values.hosts ? '^(asgi|hosts): |^web: pages' : undefined);
  const isAsked = only === undefined ? undefined : askedBy(only);
  const chosen = isAsked && withNeeded(allChecks, ({ name }) => isAsked(name));
  const outcomes = await checkRun({
    assembly,
    app: values.app,
    overrides,
    engine,
    platform,
    given,
    cache,
    write,
    verbose: values.verbose,
    pages: pathsOf('page', values.page),
    webSockets: pathsOf('websocket', values.websocket),
    isAnyProject: values['any-project'],
    choose: chosen && (({ name }) => chosen.has(name)),
  });
  const { text, passed, problem } = summary(outcomes, isAsked);
  process.stdout.write(`${problem === undefined ? '' : `${problem}\n`}${text}\n`);
  return passed ? 0 : 1;
}

/** What makes the assembly that is rehearsed where `--assembly` names none. */
function assemblyFor({ hosts, cdn }: { hosts: boolean; cdn: boolean }, { assembly, others }: Surroundings) {
  if (hosts && cdn) {
    throw new Error('--hosts and --cdn are about two stacks: leave one of them out.');
  }
  if (!hosts && !cdn) {
    return assembly;
  }
  const option = hosts ? 'hosts' : 'cdn';
  if (others === undefined) {
    throw new Error(`--${option} needs a clone of the repository, whose tests it runs.`);
  }
  return others[option];
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** An option that has a meaning in one mode alone. */
function onlyFor(values: { readonly [option: string]: unknown }): { mode: Mode; option: string } | undefined {
  const given = (options: string[]) => options.find((option) => values[option] !== undefined);
  const [processes, image] = [given(['python', 'prepared', 'requirements']), given(['platform'])];
  if (processes !== undefined && image !== undefined) {
    throw new Error(
      `--${processes} belongs to --mode processes, and --${image} to --mode image: leave one of them out.`,
    );
  }
  if (processes !== undefined) {
    return { mode: 'processes', option: `--${processes}` };
  }
  return image === undefined ? undefined : { mode: 'image', option: `--${image}` };
}

/** Whether a pattern chooses a check; throws when it chooses none. */
function askedBy(only: string): (name: string) => boolean {
  const pattern = new RegExp(only);
  if (!allChecks.some(({ name }) => pattern.test(name))) {
    throw new Error(`--only ${only}: no check has such a name. One is "${allChecks[0].name}".`);
  }
  return (name) => pattern.test(name);
}

function pathsOf(option: string, paths: string[] = []): string[] {
  const wrong = paths.find((one) => !/^\/(?!\/)[^#\s]*$/.test(one));
  if (wrong !== undefined) {
    throw new Error(`--${option} must be a path that begins with a slash, such as /api/, got "${wrong}".`);
  }
  return paths;
}

/** Runs the command with what was typed after it, and ends the process. */
export function command(args: string[], around: Surroundings): void {
  main(args, around).then(
    (code) => process.exit(code),
    (error: Error) => {
      const code = exitCodeOf(error);
      process.stderr.write(`${code === NOT_RUNNABLE_HERE ? 'not runnable here: ' : ''}${error.message}\n`);
      process.exit(code);
    },
  );
}
