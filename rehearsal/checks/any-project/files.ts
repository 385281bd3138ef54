import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Rehearsal } from '../../rehearsal';
import type { TaskDefinition } from '../../template/task-definition';
import { sleep } from '../../wait';
import { READ_ONLY_ADVICE } from '../advice';
import { anyProject, type Check, type CheckContext, expect, NotApplicable } from '../check';
import { direct } from '../direct';
import { ANSWERS_READ_ONLY, PAGES, READ_ONLY, RELEASED, STARTED, STARTS_READ_ONLY } from '../names';
import { manageOf, oneOffOf, spoken } from '../one-off';
import { newerThan, refusedWrites } from './writes';

/** An ENTRYPOINT that starts a server never ends; a project that writes while it starts ends at once. */
const START_SECONDS = 20;

/** A server hangs up when its application raises before it answers. */
const NO_ANSWER = { status: 502 };

/** Files that one of these checks has told: one failure each. */
const told = new WeakMap<Rehearsal, Set<string>>();

const isReadOnly = ({ confinement }: TaskDefinition) => confinement.isReadOnly;
const hasReadOnly = ({ rehearsal }: CheckContext) => [...rehearsal.definitions.values()].some(isReadOnly);
const ABOUT = 'a read-only file system in the task definitions';

/** Before the release: a project that writes while it starts cannot be released either. */
export const startsReadOnly: Check = {
  name: STARTS_READ_ONLY,
  lane: 'start',
  ...anyProject(ABOUT, hasReadOnly),
  async run({ rehearsal }) {
    const definitions = [...rehearsal.definitions.values()].filter(isReadOnly);
    const definition = definitions.find(({ kind }) => kind === 'release') ?? definitions[0];
    const command = [...manageOf(rehearsal), 'check'];
    const ended = await oneOffOf(rehearsal, definition, command, { seconds: START_SECONDS }).catch(() => undefined);
    const code = ended?.exit.code;
    const refused = ended !== undefined && code !== 0 ? refusedWrites(ended.lines, rootsOf(rehearsal)) : [];
    tell(rehearsal, refused);
    expect(refused.length === 0, `manage.py check writes to ${refused.join(', ')}: ${READ_ONLY_ADVICE}`);
    if (code !== 0) {
      // Why it has ended, or why it has not, is for the release to say.
      const how = ended === undefined ? 'did not end by itself' : `ended with ${code ?? 'a signal'}`;
      throw new NotApplicable(`a project that starts: ${spoken(command)} ${how}`);
    }
    return undefined;
  },
};

/** Before the health checks: pages that fail for such a write are not asked for again and again. */
export const answersReadOnly: Check = {
  name: ANSWERS_READ_ONLY,
  lane: 'start',
  needs: [STARTED],
  ...anyProject(ABOUT, hasReadOnly),
  async run(context) {
    const { rehearsal, front, pages = [] } = context;
    const failed: string[] = [];
    for (const { group, running } of rehearsal.services.filter(({ definition }) => isReadOnly(definition))) {
      const [member] = running;
      const port = member?.task.port;
      if (group === undefined || port === undefined) {
        continue;
      }
      for (const page of new Set([group.settings.path, '/', ...pages])) {
        const forged = { 'x-forwarded-proto': 'https' };
        const { status } = await direct(port, page, front.hostFor(page), { forged }).catch(() => NO_ANSWER);
        const refused =
          status < 500 ? [] : await soon(() => refusedWrites(member.task.logs.last(), rootsOf(rehearsal)));
        tell(rehearsal, refused);
        failed.push(...refused.map((file) => `${page} answers ${status}, for it writes to ${file}`));
      }
    }
    expect(failed.length === 0, `${[...new Set(failed)].join('; ')}: ${READ_ONLY_ADVICE}`);
    return undefined;
  },
};

/** Last of all: whatever any process has written, or was refused to write. */
export const readOnly: Check = {
  name: READ_ONLY,
  lane: 'files',
  needs: [RELEASED],
  follows: [PAGES],
  about: ABOUT,
  applies: hasReadOnly,
  async run({ rehearsal }) {
    const roots = rootsOf(rehearsal);
    const first = Math.min(...rehearsal.tasks.map(({ startedAt }) => startedAt));
    const written = (
      await Promise.all(roots.filter((root) => existsSync(root)).map((root) => newerThan(root, first)))
    ).flat();
    const tried = logsOf(rehearsal).flatMap(({ log, lines }) =>
      refusedWrites(lines, roots)
        .filter((file) => told.get(rehearsal)?.has(file) !== true)
        .map((file) => `${log} tries to write to ${file}`),
    );
    const said = [...new Set([...written.map((file) => `${file} was written`), ...tried])];
    expect(said.length === 0, `${said.slice(0, 5).join('; ')}: ${READ_ONLY_ADVICE}`);
    return undefined;
  },
};

function tell(rehearsal: Rehearsal, files: readonly string[]): void {
  told.set(rehearsal, new Set([...(told.get(rehearsal) ?? []), ...files]));
}

/** What is found within two seconds: a log may be later than an answer. */
async function soon(find: () => string[]): Promise<string[]> {
  let found = find();
  for (const end = Date.now() + 2000; found.length === 0 && Date.now() < end; found = find()) {
    await sleep(100);
  }
  return found;
}

function rootsOf({ images }: Rehearsal): string[] {
  return [...images.values()].flatMap(({ root }) => root ?? []);
}

/** What each process said, by its name. */
function logsOf({ sandbox }: Rehearsal): { log: string; lines: string[] }[] {
  const folder = sandbox.folder('logs');
  return readdirSync(folder).map((name) => ({
    log: name.replace(/\.log$/, ''),
    lines: readFileSync(path.join(folder, name), 'utf8').split('\n'),
  }));
}
