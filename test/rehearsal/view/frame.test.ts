import type { Status } from '../../../rehearsal/view/controls';
import { frame, type Picture } from '../../../rehearsal/view/frame';
import { Journal } from '../../../rehearsal/view/journal';
import { START, type ViewState } from '../../../rehearsal/view/state';
import { widthOf } from '../../../rehearsal/view/text';

const STATUS: Status = {
  services: Array.from({ length: 8 }, (_, index) => ({
    name: `service-with-a-name-that-is-much-longer-than-its-column-${index}`,
    desired: 2,
    replaced: 0,
    tasks: [1, 2].map((number) => ({ id: `service-${index}/${number}`, state: 'healthy' as const, requests: 1e9 })),
  })),
  queues: Array.from({ length: 9 }, (_, index) => ({ name: `queue-${index}`, waiting: 1, inWork: 0, dead: 0 })),
};

function picture(state: Partial<ViewState> = {}, notice = 'a notice'): Picture {
  const journal = new Journal();
  for (let line = 1; line <= 300; line++) {
    journal.add('web/1', line === 7 ? `漢字 ${'漢'.repeat(90)} end` : `line ${line} ${'x'.repeat(line)}`);
  }
  const controls = { title: 'Shop', journal, logs: `/a/${'b'.repeat(200)}`, schedules: ['s'.repeat(200)], secrets: [] };
  return { controls, status: STATUS, state: { ...START, selected: 'web/1', ...state }, notice };
}

const MODES: Partial<ViewState>[] = [
  {},
  { isFolded: true },
  { above: 290 },
  { above: 1e6 },
  { selected: 'service-7/2' },
  { filter: '漢', mode: { kind: 'filter' } },
  { mode: { kind: 'help' } },
  { mode: { kind: 'command', text: 'y'.repeat(300) } },
  { mode: { kind: 'choose', of: 'schedule', index: 0 } },
];

test.each(
  [
    [80, 24],
    [80, 8],
    [20, 6],
    [200, 60],
  ].flatMap(([columns, rows]) => MODES.map((state): [number, number, Partial<ViewState>] => [columns, rows, state])),
)('%i columns and %i rows are filled and never exceeded: %j', (columns, rows, state) => {
  const { lines } = frame(picture(state, 'n'.repeat(300)), { columns, rows, hasColour: false });
  expect(lines.length).toBeLessThanOrEqual(rows);
  expect(rows < 12 || lines.length === rows).toBe(true);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
});

test('the list follows what is chosen', () => {
  const { lines } = frame(picture({ selected: 'service-7/2' }), { columns: 80, rows: 24, hasColour: false });
  expect(lines.some((line) => /^> {3}service-7\/2 +healthy/.test(line))).toBe(true);
});

test('the log ends with its last line, and PgUp shows older ones', () => {
  const screen = { columns: 80, rows: 24, hasColour: false };
  expect(frame(picture(), screen).lines.some((line) => line.startsWith('line 300 '))).toBe(true);
  const older = frame(picture({ above: 250 }), screen);
  expect(older.lines.some((line) => line.startsWith('line 50 '))).toBe(true);
  expect(older.lines.some((line) => line.startsWith('line 51 '))).toBe(false);
  expect(older.lines.join('\n')).toContain('250 up');
  const first = frame(picture({ above: 1e6 }), screen);
  expect(first.lines.some((line) => line.startsWith('line 1 '))).toBe(true);
});

test('colours are added, and say nothing alone', () => {
  const screen = { columns: 80, rows: 24 };
  const coloured = frame(picture(), { ...screen, hasColour: true }).lines;
  const plain = frame(picture(), { ...screen, hasColour: false }).lines;
  expect(coloured.join('\n')).toContain('\x1b[1m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour is one
  expect(coloured.map((line) => line.replace(/\x1b\[\d+m/g, ''))).toEqual(plain);
});

test('a task that is gone leaves the choice to its service', () => {
  const status = { ...STATUS, services: [{ ...STATUS.services[0], name: 'web' }] };
  const { lines } = frame({ ...picture({ selected: 'web/9' }), status }, { columns: 80, rows: 24, hasColour: false });
  expect(lines.filter((line) => line.startsWith('>'))).toEqual([expect.stringMatching(/^> web +2\/2 healthy/)]);
});

test('the filter sees the name before a line, too', () => {
  const shown = picture({ selected: 'all', filter: 'WEB/2: ' });
  shown.controls.journal.add('web/2', 'booted');
  const { lines } = frame(shown, { columns: 80, rows: 24, hasColour: false });
  expect(lines.join('\n')).toContain('"WEB/2: " in 1 of 301 lines');
  expect(lines).toContain('web/2: booted');
});
