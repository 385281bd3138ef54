import type { Controls, ServiceStatus, Status, TaskStatus } from './controls';
import { ALL, type Journal, REHEARSAL } from './journal';
import { readable } from './message';
import { chosenRow, type Row, serviceOf, type ViewState } from './state';
import { clip, column, fold, widthOf } from './text';

/** What is drawn. */
export interface Picture {
  readonly controls: Pick<Controls, 'title' | 'journal' | 'logs' | 'schedules' | 'secrets'>;
  readonly status: Status;
  readonly state: ViewState;
  /** What the last command did. */
  readonly notice: string;
}

/** A terminal, as far as a picture depends on it. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Whether colours may be added. Nothing is said by a colour alone. */
  readonly hasColour: boolean;
}

/** Lines that fill a screen, and how many of them are of the log. */
export interface Frame {
  readonly lines: readonly string[];
  readonly page: number;
}

const KEYS_LINE = '↑↓ r:restart k:kill x:run s:schedule t:rotate d:deploy p:psql /:filter ?:help';
const HELP = [
  '↑ ↓        choose a process: the list above the line, its log below',
  'PgUp PgDn  older and newer lines of the log; End follows it again',
  '/          show lines with a text; Enter keeps it, Esc shows all lines',
  'w          fold long lines, or cut them off',
  'r          restart the task, or each task of the service, as a deployment does',
  'k          kill the task (SIGKILL); its service replaces it',
  'x          run a line of shell in a task of its own',
  's          trigger a schedule now',
  't          rotate a secret, and replace the tasks that read it',
  'd          deploy again: release, then roll every service',
  'p          the command that opens psql on the database',
  'Ctrl-C     drain and stop; twice: end at once',
];
/** Lines of the screen that are never those of a list or a log: title, line, prompt, keys. */
const FIXED = 4;
const NAME_COLUMNS = 27;
const OTHERS = 6;

/** What a person chooses from: everything, each service with its tasks, and what runs beside them. */
export function rowsOf({ services }: Status, journal: Pick<Journal, 'processes'>): Row[] {
  const tasks = new Set(services.flatMap((service) => service.tasks.map(({ id }) => id)));
  const names = services.map(({ name }) => name);
  const others = journal.processes.filter(
    (process) => process !== REHEARSAL && !tasks.has(process) && !names.includes(process.replace(/\/\d+$/, '')),
  );
  return [
    { name: ALL, kind: 'all' },
    ...services.flatMap((service): Row[] => [
      { name: service.name, kind: 'service' },
      ...service.tasks.map(({ id }): Row => ({ name: id, kind: 'task', service: service.name })),
    ]),
    ...[...others.slice(-OTHERS), REHEARSAL].map((name): Row => ({ name, kind: 'other' })),
  ];
}

/** Draws a picture for a screen. It has as many lines as the screen, none of which is wider. */
export function frame(picture: Picture, screen: Screen): Frame {
  const { controls, status, state } = picture;
  const paint = painter(screen);
  if (state.mode.kind === 'help') {
    return helpFrame(picture, screen);
  }
  const queues = queueLines(picture).slice(0, Math.max(Math.floor(screen.rows / 4), 1));
  const rows = rowsOf(status, controls.journal);
  const most = Math.max(Math.floor((screen.rows - FIXED - queues.length) / 2), 3);
  const chosen = chosenRow(state, rows);
  const list = around(rows, chosen === undefined ? -1 : rows.indexOf(chosen), most).map((row) => {
    const line = clip(`${row === chosen ? '>' : ' '} ${rowText(row, status)}`, screen.columns);
    return row === chosen ? paint.bold(line) : paint.state(line);
  });
  const page = Math.max(screen.rows - FIXED - queues.length - list.length, 1);
  const { lines: log, heading } = logOf(picture, screen, page);
  const filled = [...log, ...blank(page - log.length)];
  return {
    page,
    lines: [
      paint.bold(clip(controls.title, screen.columns)),
      ...list,
      ...queues.map((line) => paint.state(clip(line, screen.columns))),
      paint.dim(rule(heading, screen.columns)),
      ...filled,
      promptOf(picture, screen.columns),
      paint.dim(clip(KEYS_LINE, screen.columns)),
    ].slice(0, screen.rows),
  };
}

/** The keys, in the place of everything else. */
function helpFrame({ controls }: Picture, { columns, rows }: Screen): Frame {
  const page = Math.max(rows - 3, 1);
  const help = [...HELP, '', ...fold(`Logs: ${controls.logs}`, columns)].slice(0, page);
  const lines = [controls.title, rule('keys', columns), ...help, ...blank(page - help.length), 'any key goes back'];
  return { page, lines: lines.map((line) => clip(line, columns)).slice(0, rows) };
}

const blank = (count: number) => Array.from({ length: Math.max(count, 0) }, () => '');

function painter({ hasColour }: Screen) {
  const code = (number: number) => (text: string) => (hasColour ? `\x1b[${number}m${text}\x1b[0m` : text);
  const [bold, dim, red] = [1, 2, 31].map(code);
  return { bold, dim, state: (line: string) => (/unhealthy|[1-9]\d* dead/.test(line) ? red(line) : line) };
}

function rowText({ name, kind, service }: Row, { services }: Status): string {
  const of = services.find((one) => one.name === (service ?? name));
  if (kind === 'service' && of !== undefined) {
    return serviceText(of);
  }
  const task = of?.tasks.find(({ id }) => id === name);
  return task === undefined ? name : `  ${column(name, NAME_COLUMNS - 2)} ${taskText(task)}`;
}

function serviceText({ name, desired, replaced, tasks }: ServiceStatus): string {
  const healthy = tasks.filter(({ state }) => state === 'healthy').length;
  const counted = tasks.flatMap(({ requests }) => (requests === undefined ? [] : [requests]));
  const requests = counted.length === 0 ? '' : requestsText(counted.reduce((sum, one) => sum + one, 0));
  return `${column(name, NAME_COLUMNS)} ${column(`${healthy}/${desired} healthy`, 14)} ${column(requests, 16)} ${replaced} replaced`;
}

function taskText({ state, requests }: TaskStatus): string {
  return `${column(state, 14)} ${requests === undefined ? '' : requestsText(requests)}`.trimEnd();
}

const requestsText = (count: number) => `${count} request${count === 1 ? '' : 's'}`;

function queueLines({ status }: Picture): string[] {
  return status.queues.map(({ name, waiting, inWork, dead }) => {
    const letters = dead === undefined ? '' : `, ${dead} dead letter${dead === 1 ? '' : 's'}`;
    return `  ${column(name, NAME_COLUMNS)} ${waiting} waiting, ${inWork} in work${letters}`;
  });
}

/** As many rows as fit, with the chosen one among them. */
function around(rows: readonly Row[], chosen: number, most: number): readonly Row[] {
  const start = Math.min(Math.max(chosen - Math.floor(most / 2), 0), Math.max(rows.length - most, 0));
  return rows.slice(start, start + most);
}

/** What stands below the line, and what is said of it in the line. */
function logOf({ controls, state }: Picture, { columns }: Screen, page: number): { lines: string[]; heading: string } {
  const { mode } = state;
  if (mode.kind === 'choose') {
    const names = mode.of === 'schedule' ? controls.schedules : controls.secrets;
    const lines = names.map((name, index) => clip(`${index === mode.index ? '>' : ' '} ${name}`, columns));
    const start = Math.max(mode.index - page + 1, 0);
    return { lines: lines.slice(start, start + page), heading: `which ${mode.of}? Enter, or Esc` };
  }
  const entries = controls.journal.of(state.selected);
  const hasSeveral = new Set(entries.map(({ process }) => process)).size > 1;
  const wanted = state.filter.toLowerCase();
  const nameOf = (process: string) => (hasSeveral ? `${process}: ` : '');
  const found = entries.filter(({ process, text }) => `${nameOf(process)}${text}`.toLowerCase().includes(wanted));
  // Only as many entries are formatted as may be seen.
  const seen = found.slice(-(page + state.above + 1));
  const all = seen.flatMap(({ process, text }) => {
    const lines = readable(text).map((line, index) => (index === 0 ? `${nameOf(process)}${line}` : line));
    return lines.flatMap((line) => (state.isFolded ? fold(line, columns) : [clip(line, columns)]));
  });
  const end = Math.max(all.length - Math.min(state.above, Math.max(all.length - page, 0)), 0);
  return { lines: all.slice(Math.max(end - page, 0), end), heading: headingOf(state, found.length, entries.length) };
}

function headingOf({ selected, filter, above }: ViewState, found: number, lines: number): string {
  const count = filter === '' ? `${lines} lines` : `"${filter}" in ${found} of ${lines} lines`;
  return `${selected}: ${count}${above > 0 ? `, ${above} up (End follows)` : ''}`;
}

function rule(heading: string, columns: number): string {
  const text = `── ${clip(heading, columns - 4)} `;
  return text + '─'.repeat(Math.max(columns - widthOf(text), 0));
}

function promptOf({ controls, status, state, notice }: Picture, columns: number): string {
  const { mode } = state;
  if (mode.kind === 'filter') {
    return tail(`filter: ${state.filter}_`, columns);
  }
  if (mode.kind === 'command') {
    const service = serviceOf(state, rowsOf(status, controls.journal)) ?? 'the release';
    return tail(`run with the environment of ${service}: ${mode.text}_`, columns);
  }
  return clip(notice, columns);
}

/** The end of what is typed, where the whole does not fit. */
function tail(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : `…${[...text].slice(-(columns - 1)).join('')}`;
}
