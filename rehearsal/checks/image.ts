import { Service } from '../task/services';
import { eventually, HANG_SECONDS } from '../wait';
import { MARK } from './any-project/answer';
import { type Check, type CheckContext, expect } from './check';
import { CONFINED, OUT_OF_MEMORY, PAGES, WRITABLE } from './names';
import { successful } from './one-off';
import { pageOf } from './page';

/** Says who a process is, and what it may do. */
const WHO = `
import os
with open("/proc/self/status") as status:
    [capabilities] = [line.split()[1] for line in status if line.startswith("CapEff:")]
print("${MARK}", os.getuid(), os.getgid(), int(capabilities, 16))
`;

/** Tries to write to folders, and says what came of it. */
const WRITES = `
import errno, os, sys, tempfile
for folder in sys.argv[1:]:
    try:
        with tempfile.TemporaryFile(dir=folder):
            print("${MARK}", folder, "written")
    except OSError as error:
        print("${MARK}", folder, errno.errorcode[error.errno])
`;

/** Takes memory until it is ended. */
const HOG = 'taken = []\nwhile True: taken.append(bytearray(b"x" * (1 << 24)))';

/** Folders that an application may try to write to. */
const FOLDERS = ['/', '.', '/etc', '/var', '/var/tmp', '/run', '/usr/local'];

/** What only a container can show: these checks need image mode. */
export const imageChecks: Check[] = [
  {
    name: CONFINED,
    lane: 'image',
    needs: [PAGES],
    about: 'image mode',
    applies: ({ rehearsal }) => rehearsal.host.confines.has('user'),
    async run({ rehearsal }) {
      const { user, confinement } = pageOf(rehearsal).service.definition;
      const { lines } = await successful(rehearsal, ['python', '-c', WHO]);
      const [uid, gid, capabilities] = answersOf(lines)[0];
      const [wantedUser, wantedGroup] = (user ?? '').split(':');
      expect(!wantedUser || uid === wantedUser, `it runs as user ${uid}, and the template says ${user}`);
      expect(!wantedGroup || gid === wantedGroup, `it runs as group ${gid}, and the template says ${user}`);
      const none = confinement.droppedCapabilities.includes('ALL') && confinement.addedCapabilities.length === 0;
      expect(
        !none || !rehearsal.host.confines.has('capabilities') || capabilities === '0',
        `it has capabilities (${capabilities}), and the template drops all`,
      );
      return `user ${uid}:${gid}`;
    },
  },
  {
    name: WRITABLE,
    lane: 'image',
    needs: [PAGES],
    about: 'image mode',
    applies: (context) => context.rehearsal.host.confines.has('read-only') && isReadOnly(context),
    async run({ rehearsal }) {
      const { tmpfs, mountPoints } = pageOf(rehearsal).service.definition;
      const writable = [...tmpfs, ...mountPoints].map(({ path }) => path);
      const others = FOLDERS.filter((folder) => !writable.includes(folder));
      const { lines } = await successful(rehearsal, ['python', '-c', WRITES, ...others, ...writable]);
      const answers = answersOf(lines);
      const written = answers.filter(([folder, answer]) => others.includes(folder) && answer === 'written');
      expect(written.length === 0, `it could write to ${written.map(([folder]) => folder).join(', ')}`);
      const refused = answers.filter(([folder, answer]) => writable.includes(folder) && answer !== 'written');
      expect(refused.length === 0, `it could not write to ${refused.map((each) => each.join(': ')).join(', ')}`);
      return `${others.length} folders refuse, ${writable.join(', ') || 'none'} can be written to`;
    },
  },
  {
    name: OUT_OF_MEMORY,
    lane: 'image',
    needs: [PAGES],
    about: 'image mode',
    applies: ({ rehearsal }) => rehearsal.host.confines.has('memory'),
    async run({ rehearsal }) {
      const { launch, props } = rehearsal;
      const { definition } = pageOf(rehearsal).service;
      const hog = new Service({
        id: 'memory-hog',
        name: 'memory-hog',
        definition: { ...definition, command: ['python', '-c', HOG], healthCheck: undefined },
        desiredCount: 1,
        maximumPercent: 200,
        gracePeriod: 0,
        launch,
        announce: props.announce,
        order: 'deregister-first',
      });
      hog.start();
      try {
        // The second task is the one that took the place of the first.
        await eventually('a task and its replacement are ended', HANG_SECONDS, () => hog.failures.length > 1);
        const [first] = hog.failures;
        expect(/OutOfMemoryError.*exit code 137/.test(first), `it does not say that memory ran out: ${first}`);
        return `${definition.memory} MiB`;
      } finally {
        hog.abandon();
      }
    },
  },
];

function isReadOnly({ rehearsal }: CheckContext): boolean {
  return [...rehearsal.definitions.values()].some(({ confinement }) => confinement.isReadOnly);
}

/** The words of the lines that a program of this file has printed. */
function answersOf(lines: readonly string[]): string[][] {
  const answers = lines.filter((line) => line.startsWith(MARK)).map((line) => line.split(' ').slice(1));
  expect(answers.length > 0, `it printed nothing of what it was asked: ${lines.slice(-1)}`);
  return answers;
}
