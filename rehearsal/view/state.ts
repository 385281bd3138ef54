import { ALL } from './journal';

/** A line of the list that a person chooses from. */
export interface Row {
  readonly name: string;
  readonly kind: 'all' | 'service' | 'task' | 'other';
  /** The service of a task. */
  readonly service?: string;
}

/** What a list is shown of, and what choosing does. */
export type Choice = 'schedule' | 'secret';

/** What keys mean at the moment. */
export type Mode =
  | { readonly kind: 'keys' }
  | { readonly kind: 'help' }
  | { readonly kind: 'filter' }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'choose'; readonly of: Choice; readonly index: number };

/** What a person has chosen and typed so far. */
export interface ViewState {
  readonly selected: string;
  readonly filter: string;
  /** Lines between the end of the log and what is shown; 0 follows it. */
  readonly above: number;
  readonly isFolded: boolean;
  readonly mode: Mode;
}

export const START: ViewState = { selected: ALL, filter: '', above: 0, isFolded: false, mode: { kind: 'keys' } };

/** Something that is to be done to the rehearsal. */
export type Action =
  | { readonly kind: 'restart' | 'kill' | 'trigger' | 'rotate'; readonly name: string }
  | { readonly kind: 'run'; readonly line: string; readonly service?: string }
  | { readonly kind: 'deploy' | 'psql' | 'stop' }
  | { readonly kind: 'say'; readonly text: string };

/** A key, as Node reads it from a terminal. */
export interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
  /** What was typed. */
  readonly sequence?: string;
}

/** What a key is pressed against. */
export interface Surface {
  readonly rows: readonly Row[];
  readonly schedules: readonly string[];
  readonly secrets: readonly string[];
  /** Lines of the log that are shown at once. */
  readonly page: number;
}

/** What a key changes, and what it has done. */
export interface Pressed {
  readonly state: ViewState;
  readonly action?: Action;
}

const KEYS: Mode = { kind: 'keys' };

/** Takes a key. Ctrl-C stops the rehearsal whatever is typed. */
export function press(state: ViewState, key: Key, surface: Surface): Pressed {
  if (key.ctrl && key.name === 'c') {
    return { state, action: { kind: 'stop' } };
  }
  switch (state.mode.kind) {
    case 'filter':
      return { state: typedFilter(state, key) };
    case 'command':
      return typedCommand(state, state.mode.text, { key, surface });
    case 'choose':
      return chosen(state, state.mode, { key, surface });
    case 'help':
      return { state: { ...state, mode: KEYS } };
    default:
      return pressed(state, key, surface);
  }
}

function pressed(state: ViewState, key: Key, surface: Surface): Pressed {
  const { rows, schedules, secrets } = surface;
  const row = chosenRow(state, rows) ?? rows[0];
  switch (key.sequence) {
    case '/':
      return { state: { ...state, filter: '', above: 0, mode: { kind: 'filter' } } };
    case '?':
      return { state: { ...state, mode: { kind: 'help' } } };
    case 'r':
      return { state, action: onTask(row, 'restart') };
    case 'k':
      return { state, action: onTask(row, 'kill') };
    case 'x':
      return { state: { ...state, mode: { kind: 'command', text: '' } } };
    case 's':
      return listed(state, 'schedule', schedules);
    case 't':
      return listed(state, 'secret', secrets);
    case 'd':
      return { state, action: { kind: 'deploy' } };
    case 'p':
      return { state, action: { kind: 'psql' } };
    case 'w':
      return { state: { ...state, isFolded: !state.isFolded } };
    default:
      return { state: moved(state, key, surface) };
  }
}

function moved(state: ViewState, { name }: Key, { rows, page }: Surface): ViewState {
  const row = chosenRow(state, rows);
  const at = row === undefined ? 0 : rows.indexOf(row);
  const select = (index: number) => ({ ...state, above: 0, selected: rows[index]?.name ?? state.selected });
  switch (name) {
    case 'up':
      return select(Math.max(at - 1, 0));
    case 'down':
      return select(Math.min(at + 1, rows.length - 1));
    case 'pageup':
      return { ...state, above: state.above + page };
    case 'pagedown':
      return { ...state, above: Math.max(state.above - page, 0) };
    case 'end':
      return { ...state, above: 0 };
    case 'escape':
      return { ...state, filter: '', above: 0 };
    default:
      return state;
  }
}

function onTask(row: Row, kind: 'restart' | 'kill'): Action {
  if (row.kind === 'task' || (row.kind === 'service' && kind === 'restart')) {
    return { kind, name: row.name };
  }
  const what = kind === 'kill' ? 'a task' : 'a service or a task';
  return { kind: 'say', text: `${kind}: choose ${what} with ↑ and ↓ first` };
}

function listed(state: ViewState, of: Choice, names: readonly string[]): Pressed {
  return names.length === 0
    ? { state, action: { kind: 'say', text: `the template has no ${of} for that` } }
    : { state: { ...state, mode: { kind: 'choose', of, index: 0 } } };
}

function typedFilter(state: ViewState, key: Key): ViewState {
  if (key.name === 'return') {
    return { ...state, mode: KEYS };
  }
  if (key.name === 'escape') {
    return { ...state, filter: '', mode: KEYS };
  }
  return { ...state, filter: edited(state.filter, key) };
}

interface Typed {
  readonly key: Key;
  readonly surface: Surface;
}

function typedCommand(state: ViewState, text: string, { key, surface }: Typed): Pressed {
  if (key.name === 'escape' || (key.name === 'return' && text.trim() === '')) {
    return { state: { ...state, mode: KEYS } };
  }
  if (key.name === 'return') {
    const action: Action = { kind: 'run', line: text.trim(), service: serviceOf(state, surface.rows) };
    return { state: { ...state, mode: KEYS }, action };
  }
  return { state: { ...state, mode: { kind: 'command', text: edited(text, key) } } };
}

/** The chosen row; of a task that is gone, its service. */
export function chosenRow({ selected }: ViewState, rows: readonly Row[]): Row | undefined {
  const [service] = selected.split('/');
  return rows.find(({ name }) => name === selected) ?? rows.find(({ name }) => name === service);
}

/** The service whose environment a command gets: that of the chosen row, if any. */
export function serviceOf(state: ViewState, rows: readonly Row[]): string | undefined {
  const row = chosenRow(state, rows);
  return row?.kind === 'service' ? row.name : row?.service;
}

function chosen(state: ViewState, mode: Mode & { kind: 'choose' }, { key, surface }: Typed): Pressed {
  const names = mode.of === 'schedule' ? surface.schedules : surface.secrets;
  const at = (index: number) => ({ state: { ...state, mode: { ...mode, index } } });
  switch (key.name) {
    case 'up':
      return at(Math.max(mode.index - 1, 0));
    case 'down':
      return at(Math.min(mode.index + 1, names.length - 1));
    case 'return':
      return {
        state: { ...state, mode: KEYS },
        action: { kind: mode.of === 'schedule' ? 'trigger' : 'rotate', name: names[mode.index] },
      };
    case 'escape':
      return { state: { ...state, mode: KEYS } };
    default:
      return { state };
  }
}

/** A text after a key: characters are added, backspace takes the last one away, Ctrl-U all. */
function edited(text: string, { name, ctrl, meta, sequence = '' }: Key): string {
  if (name === 'backspace') {
    return [...text].slice(0, -1).join('');
  }
  if (ctrl || meta || /\p{Cc}/u.test(sequence)) {
    return ctrl && name === 'u' ? '' : text;
  }
  return text + sequence;
}
