import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { dumpChecks } from '../dumps/checks';
import { drillChecks } from '../dumps/drill-checks';
import { SERVER_LOG } from '../postgres/postgres';
import { accessLogCheck } from './any-project/access-log';
import { cacheChecks } from './any-project/cache';
import { connectionChecks } from './any-project/connections';
import { readOnly } from './any-project/files';
import { mailChecks } from './any-project/mail';
import { mediaChecks } from './any-project/media';
import { anyRotationChecks, loginCheck } from './any-project/rotation';
import { servedMediaChecks } from './any-project/served-media';
import { socketChecks } from './any-project/sockets';
import { asgiChecks } from './asgi';
import { badDayChecks } from './bad-days';
import { bombChecks } from './bombs';
import { type Check, expect, NotApplicable } from './check';
import { distributionChecks } from './distribution';
import { doubleChecks } from './doubles';
import { drainingChecks } from './draining';
import { featureChecks } from './features/features';
import { headerOwnerCheck } from './header-owners';
import { hostChecks } from './hosts';
import { imageChecks } from './image';
import { keptChecks } from './kept';
import { modelMigrationsCheck } from './model-migrations';
import { PAGES } from './names';
import { pageChecks } from './pages';
import { projectChecks } from './project';
import { queueChecks } from './queues';
import { releaseChecks } from './releases';
import { rotationChecks } from './rotation';
import { scheduleChecks } from './schedules';
import { startChecks } from './start';
import { strangerChecks } from './strangers';
import { taskChecks } from './tasks';
import { webChecks } from './web';

const others: Check[] = [
  startChecks,
  webChecks,
  projectChecks,
  loginCheck,
  socketChecks,
  accessLogCheck,
  imageChecks,
  modelMigrationsCheck,
  queueChecks,
  hostChecks,
  distributionChecks,
  keptChecks,
  headerOwnerCheck,
  asgiChecks,
  bombChecks,
  strangerChecks,
  taskChecks,
  scheduleChecks,
  dumpChecks,
  drillChecks,
  releaseChecks,
  drainingChecks,
  connectionChecks,
  rotationChecks,
  anyRotationChecks,
  cacheChecks,
  mediaChecks,
  servedMediaChecks,
  mailChecks,
  featureChecks,
  badDayChecks,
  doubleChecks,
  pageChecks,
].flat();

/** Last of all, when every other check has left its traces. */
const secretChecks: Check[] = [
  { ...readOnly, after: others.map(({ name }) => name) },
  {
    name: 'secrets: none in a log line, a process title, an error page or what was printed',
    lane: 'secrets',
    needs: [PAGES],
    after: others.map(({ name }) => name),
    async run({ rehearsal, front, printed }) {
      const secrets = rehearsal.secrets.all;
      if (secrets.length === 0) {
        throw new NotApplicable('a secret in the template');
      }
      const errors = await Promise.all([
        front.request('/no/such/page'),
        front.request('/', { method: 'POST', headers: { 'content-length': '0' } }),
        front.request('/slow?seconds=nonsense'),
      ]);
      const places: Record<string, string> = {
        'an error page': errors.map(({ body, headers }) => body + JSON.stringify(headers)).join('\n'),
        'what was printed': printed(),
        'a process title': titles(),
      };
      if (rehearsal.postgres !== undefined) {
        places[SERVER_LOG] = readFileSync(path.join(rehearsal.sandbox.directory, SERVER_LOG), 'utf8');
      }
      const logs = path.join(rehearsal.sandbox.directory, 'logs');
      const files = readdirSync(logs);
      for (const file of files) {
        places[`the log ${file}`] = readFileSync(path.join(logs, file), 'utf8');
      }
      const found = Object.entries(places).filter(([, text]) => secrets.some((secret) => text.includes(secret)));
      expect(found.length === 0, `in ${found.map(([place]) => place).join(', ')}`);
      return `${secrets.length} secrets, ${files.length} logs`;
    },
  },
];

/** Command lines of all processes but our own: who gave a secret by `--secret` wrote it there. */
function titles(): string {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 1 << 26 })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s(.*)$/.exec(line) ?? []);
  const parents = new Map(lines.map(([, pid, parent]) => [pid, parent]));
  const own = new Set<string>();
  for (let pid: string | undefined = String(process.pid); pid !== undefined && !own.has(pid); pid = parents.get(pid)) {
    own.add(pid);
  }
  return lines.flatMap(([, pid, , title]) => (own.has(pid) ? [] : [title])).join('\n');
}

export const allChecks: Check[] = [...others, ...secretChecks];
