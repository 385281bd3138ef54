import { NotRun, report, type Step } from '../scripts/lib/steps';

/** The lines that a run of these chains prints, without times, and its exit code. */
async function reported(...chains: Step[][]): Promise<{ lines: string[]; code: typeof process.exitCode }> {
  const before = process.exitCode;
  const lines: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text).trim()) > 0);
  try {
    await report(chains);
    return { lines: lines.map((line) => line.replace(/ \([\d.]+ s\)$/, '')), code: process.exitCode };
  } finally {
    write.mockRestore();
    process.exitCode = before;
  }
}

const passes: Step = ['packs', () => '3 files'];
const isNotRun: Step = [
  'rehearses the image',
  () => {
    throw new NotRun('no container engine answers');
  },
];
const fails: Step = ['installs', () => Promise.reject(new Error('no space left'))];

test('a step that this machine cannot run counts neither way, and the next one goes on', async () => {
  const { lines, code } = await reported([passes, isNotRun, passes]);
  expect(lines).toEqual([
    'ok     packs: 3 files',
    'NOT RUN rehearses the image: no container engine answers',
    'ok     packs: 3 files',
    '1 not run on this machine\n2 passed, 0 failed',
  ]);
  expect(code).toBe(0);
});

test('where nothing ran the exit code says so', async () => {
  const { lines, code } = await reported([isNotRun]);
  expect(lines.at(-1)).toBe('1 not run on this machine\n0 passed, 0 failed');
  expect(code).toBe(77);
});

test('a step that fails fails those after it, and the run', async () => {
  const { lines, code } = await reported([isNotRun, fails, passes, passes], [passes]);
  expect(lines).toContain('FAILED packs: not reached');
  expect(lines.at(-1)).toBe('1 not run on this machine\n1 passed, 3 failed');
  expect(code).toBe(1);
});
