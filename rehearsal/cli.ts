import path from 'node:path';
import { parseArgs } from 'node:util';
import { PlainAnnounce } from './announce';
import { cacheFolder, checkRun, summary } from './check-run';
import { FrontDoor } from './checks/front-door';
import { exitCodeOf, NOT_RUNNABLE_HERE } from './image/not-runnable-here';
import type { RehearsalProps } from './provision';
import { type Rehearsal, rehearse } from './rehearsal';
import { type Example, HOSTS, SHOP, synthesize } from './synth';
import { readAssembly } from './template/assembly';
import { coverageTable } from './template/coverage';
import { View } from './view';

const USAGE = `npm start -- [options]

  --check            run the checks against the stack, print each, and exit
  --hosts            two services with host names of their own instead of the example; with --check, the checks about hosts
  --assembly FOLDER  a cloud assembly (cdk.out) instead of the example's
  --stack NAME       which stack of the assembly, when several run services
  --app FOLDER       source of the application, instead of the image's build context in the assembly
  --python VERSION   the application's Python (3.12, not 3), in the place of the one that its Dockerfile names
  --prepared FOLDER  the folder (/) of an image that is already built, in the place of what the Dockerfile makes
  --requirements FILE  what pip installs, in the place of what the Dockerfile installs
  --only PATTERN     with --check: only checks whose name matches, and those they need
  --plain            lines instead of the live view
  --verbose          with --check: what happens to processes, too

Exit codes: 0 all is well, 1 a check failed or a line cannot be followed, ${NOT_RUNNABLE_HERE} not runnable on this machine: nothing was rehearsed.
`;

const STEADY_SECONDS = 90;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      hosts: { type: 'boolean', default: false },
      assembly: { type: 'string' },
      stack: { type: 'string' },
      app: { type: 'string' },
      python: { type: 'string' },
      prepared: { type: 'string' },
      requirements: { type: 'string' },
      only: { type: 'string' },
      plain: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const directory = values.assembly ?? (await exampleAssembly(values.hosts ? HOSTS : SHOP));
  const assembly = readAssembly(path.resolve(directory), values.stack);
  const { python, prepared, requirements } = values;
  const overrides = { python, prepared, requirements };
  if (!values.check) {
    return run({ assembly, app: values.app, overrides }, values.plain || !process.stdout.isTTY);
  }
  const only = values.only ?? (values.hosts ? '^(asgi|hosts): |^web: pages' : undefined);
  const pattern = only === undefined ? undefined : new RegExp(only);
  const outcomes = await checkRun({
    assembly,
    app: values.app,
    overrides,
    cache: cacheFolder(),
    write: (line) => process.stdout.write(`${line}\n`),
    verbose: values.verbose,
    choose: pattern === undefined ? undefined : ({ name, lane }) => lane === 'start' || pattern.test(name),
  });
  const { text, passed } = summary(outcomes);
  process.stdout.write(`${text}\n`);
  return passed ? 0 : 1;
}

/** Rehearses until Ctrl-C, which drains in order; a second one ends at once. */
async function run(given: Pick<RehearsalProps, 'assembly' | 'app' | 'overrides'>, plain: boolean): Promise<number> {
  let view: View | undefined;
  let rehearsal: Rehearsal | undefined;
  const write = (line: string) => (view === undefined ? process.stdout.write(`${line}\n`) : view.print(line));
  const announce = new PlainAnnounce((text) => rehearsal?.secrets.mask(text) ?? text, write);
  rehearsal = await rehearse({ ...given, cache: cacheFolder(), announce });
  const running = rehearsal;
  const ended = endOf(running, announce, () => view?.stop());
  try {
    await running.release();
    await running.start();
    await Promise.all(running.services.map((service) => service.steadyWithin(STEADY_SECONDS)));
  } catch (error) {
    running.close();
    throw error;
  }
  for (const line of coverageTable(given.assembly.template)) {
    write(line);
  }
  const front = new FrontDoor(running, 'you');
  write(`\n${running.url(front.listener)} as ${front.host}, for example:`);
  write(
    `  curl ${front.secure ? '--insecure ' : ''}--resolve ${front.host}:${front.port(front.listener)}:127.0.0.1 ${front.url}/`,
  );
  write('Ctrl-C drains and stops.\n');
  if (!plain) {
    view = new View(running);
    view.start();
  }
  return ended;
}

function endOf(rehearsal: Rehearsal, announce: PlainAnnounce, before: () => void): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      if (asked) {
        rehearsal.close();
        resolve(130);
        return;
      }
      asked = true;
      before();
      announce.progress('draining: once more Ctrl-C ends at once');
      void rehearsal.stop().then(() => {
        announce.progress('stopped');
        resolve(0);
      });
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

function exampleAssembly(example: Example): Promise<string> {
  process.stdout.write('synthesizing the example\n');
  return synthesize(example, path.join(__dirname, '..'), cacheFolder());
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    const code = exitCodeOf(error);
    process.stderr.write(`${code === NOT_RUNNABLE_HERE ? 'not runnable here: ' : ''}${error.message}\n`);
    process.exit(code);
  },
);
