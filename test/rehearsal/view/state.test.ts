import {
  type Action,
  type Key,
  press,
  type Row,
  START,
  type Surface,
  type ViewState,
} from '../../../rehearsal/view/state';

const ROWS: Row[] = [
  { name: 'all', kind: 'all' },
  { name: 'web', kind: 'service' },
  { name: 'web/1', kind: 'task', service: 'web' },
  { name: 'rehearsal', kind: 'other' },
];
const SURFACE: Surface = { rows: ROWS, schedules: ['Prune', 'Report'], secrets: [], page: 10 };

/** What keys do one after the other. A text is typed, a name is a key without one. */
function after(keys: (string | Key)[], start: Partial<ViewState> = {}): { state: ViewState; action?: Action } {
  let state: ViewState = { ...START, ...start };
  let action: Action | undefined;
  const typed = keys.flatMap((one): Key[] =>
    typeof one === 'string' ? [...one].map((sequence) => ({ sequence })) : [one],
  );
  for (const key of typed) {
    ({ state, action } = press(state, key, SURFACE));
  }
  return { state, action };
}

const key = (name: string): Key => ({ name, sequence: '\x1b' });

test('arrows choose, and stop at both ends', () => {
  expect(after([key('up')]).state.selected).toBe('all');
  expect(after([key('down'), key('down')]).state.selected).toBe('web/1');
  expect(after(Array(9).fill(key('down'))).state.selected).toBe('rehearsal');
  expect(after([key('down')], { selected: 'gone/1' }).state.selected).toBe('web');
  expect(after([key('down')], { selected: 'web/9' }).state.selected).toBe('web/1');
});

test.each([
  ['r', 'web', { kind: 'restart', name: 'web' }],
  ['r', 'web/1', { kind: 'restart', name: 'web/1' }],
  ['k', 'web/1', { kind: 'kill', name: 'web/1' }],
  ['k', 'web', { kind: 'say', text: 'kill: choose a task with ↑ and ↓ first' }],
  ['r', 'all', { kind: 'say', text: 'restart: choose a service or a task with ↑ and ↓ first' }],
  ['r', 'gone/1', { kind: 'say', text: 'restart: choose a service or a task with ↑ and ↓ first' }],
  ['t', 'all', { kind: 'say', text: 'the template has no secret for that' }],
  ['d', 'all', { kind: 'deploy' }],
  ['p', 'all', { kind: 'psql' }],
])('%s on %s is %j', (typed, selected, action) => {
  expect(after([typed], { selected }).action).toEqual(action);
});

test('letters are text while something is typed', () => {
  const { state, action } = after(['/rkdx?', key('backspace')]);
  expect(action).toBeUndefined();
  expect(state).toMatchObject({ filter: 'rkdx', mode: { kind: 'filter' } });
  expect(after([{ name: 'return' }], state).state).toMatchObject({ filter: 'rkdx', mode: { kind: 'keys' } });
  expect(after([key('escape')], state).state).toMatchObject({ filter: '', mode: { kind: 'keys' } });
  expect(after([{ name: 'u', ctrl: true, sequence: '\x15' }], state).state.filter).toBe('');
});

test('a command has the environment of the chosen service', () => {
  const run = (selected: string) => after(['x ls -l', { name: 'return' }], { selected }).action;
  expect(run('web')).toEqual({ kind: 'run', line: 'ls -l', service: 'web' });
  expect(run('web/1')).toEqual({ kind: 'run', line: 'ls -l', service: 'web' });
  expect(run('web/9')).toEqual({ kind: 'run', line: 'ls -l', service: 'web' });
  expect(run('all')).toEqual({ kind: 'run', line: 'ls -l', service: undefined });
  expect(after(['x', { name: 'return' }])).toMatchObject({ state: { mode: { kind: 'keys' } } });
  expect(after(['xls', key('escape')]).action).toBeUndefined();
});

test('a schedule is chosen from the list, and Esc chooses none', () => {
  expect(after(['s', key('down'), { name: 'return' }]).action).toEqual({ kind: 'trigger', name: 'Report' });
  expect(after(['s', key('down'), key('down'), key('up'), { name: 'return' }]).action).toEqual({
    kind: 'trigger',
    name: 'Prune',
  });
  expect(after(['s', key('escape')])).toMatchObject({ state: { mode: { kind: 'keys' } } });
});

test('Ctrl-C stops, whatever is typed', () => {
  for (const before of ['', '/a', 'xls', 's', '?']) {
    expect(after([before, { name: 'c', ctrl: true, sequence: '\x03' }]).action).toEqual({ kind: 'stop' });
  }
});

test('pages move the log, and choosing another one goes back to its end', () => {
  const { state } = after([key('pageup'), key('pageup'), key('pagedown')]);
  expect(state.above).toBe(10);
  expect(after([key('end')], state).state.above).toBe(0);
  expect(after([key('down')], state).state.above).toBe(0);
});
