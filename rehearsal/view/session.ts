import { type Announce, PlainAnnounce } from '../announce';
import { type Asked, ControlServer } from '../control/control-server';
import { FOLDER } from '../control/protocol';
import type { RehearsalProps } from '../provision';
import { type Rehearsal, rehearse, serve } from '../rehearsal';
import { coverageTable } from '../template/coverage';
import { Turns } from '../wait';
import { addressLines, openAddress } from './address';
import { Ending } from './ending';
import { Journal, REHEARSAL } from './journal';
import { LiveView } from './live-view';
import { oneOff, RehearsalControls } from './rehearsal-controls';
import { Rolls } from './rolls';
import { type WatchedSource, watchFiles } from './watch';

export interface SessionOptions {
  /** Whose changes roll the services. @default - none's */
  readonly source?: WatchedSource;
  /** Lines instead of the live view. */
  readonly isPlain: boolean;
  /** What a person types before options. */
  readonly typed: string;
}

/** Rehearses until Ctrl-C, which drains in order; a second one ends at once. Gives the exit code. */
export async function session(props: Omit<RehearsalProps, 'announce'>, options: SessionOptions): Promise<number> {
  let view: LiveView | undefined;
  let rehearsal: Rehearsal | undefined;
  const journal = new Journal();
  const write = (line: string) => {
    for (const part of line.split('\n')) {
      journal.add(REHEARSAL, part);
    }
    if (view === undefined) {
      process.stdout.write(`${line}\n`);
    }
  };
  const announce = new PlainAnnounce((text) => rehearsal?.secrets.mask(text) ?? text, write);
  rehearsal = await rehearse({ ...props, announce });
  const running = rehearsal;
  const ending = new Ending(running, announce, () => {
    view?.close();
    view = undefined;
  });
  await Promise.race([serve(running), ending.ended]).catch((error: Error) => {
    if (!ending.asked.aborted) {
      throw error;
    }
  });
  if (ending.asked.aborted) {
    return ending.ended;
  }
  for (const line of coverageTable(props.assembly.template)) {
    write(line);
  }
  const address = await openAddress(running, props.cache);
  write('');
  for (const line of address === undefined ? [] : addressLines(address, `${options.typed} --trust`)) {
    write(line);
  }
  const title = `${props.assembly.stackName}  ${address?.url ?? ''}`.trimEnd();
  const controls = new RehearsalControls(running, journal, title, { turns: new Turns(), ending: ending.asked });
  await listen(running, controls, { announce, typed: options.typed, url: address?.url });
  const { source } = options;
  if (source !== undefined) {
    const progress = (text: string) => {
      announce.progress(text);
      view?.say(running.secrets.mask(text));
    };
    const rolls = new Rolls(() => controls.deploy(), { progress }, ending.asked);
    const watcher = watchFiles(source, {
      change: () => rolls.ask(),
      problem: (text) => announce.substitution(text),
    });
    running.sandbox.atEnd(() => void watcher.close());
    announce.progress(`watches ${source.folder}: a change rolls every service`);
  }
  write('Ctrl-C drains and stops.\n');
  if (!options.isPlain) {
    view = new LiveView(controls, () => ending.ask());
    await view.open();
  }
  return ending.ended;
}

interface Listening {
  readonly announce: Announce;
  readonly typed: string;
  readonly url?: string;
}

/** Takes commands of other terminals. */
async function listen(rehearsal: Rehearsal, controls: RehearsalControls, { announce, typed, url }: Listening) {
  const { sandbox, props } = rehearsal;
  const about = { stack: props.assembly.stackName, folder: process.cwd(), pid: process.pid, url };
  let count = 0;
  const attach = async ({ words, service, terminal }: Asked) => {
    const definition = oneOff(controls.definition(service), words);
    const id = `run/${++count}`;
    announce.event(`${id}: ${words.join(' ')}`);
    return { id, ...(await rehearsal.attach(definition, 'run', terminal)) };
  };
  try {
    const server = await ControlServer.open({ folder: sandbox.folder(FOLDER), about, attach });
    sandbox.atEnd(() => server.close());
    announce.progress(`in another terminal: ${typed} run -- python manage.py createsuperuser`);
  } catch (error) {
    announce.substitution(`no command of another terminal is taken: ${(error as Error).message}`);
  }
}
