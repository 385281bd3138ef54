import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { RUNBOOK_SECTIONS, runbookUrl, setRunbookBase } from '../../constructs/core/runbook';
import { CACHE_ALARMS } from '../../constructs/monitoring/private/alarm-cache';
import { DRILL_ALARMS } from '../../constructs/monitoring/private/alarm-drills';
import { DUMP_ALARMS } from '../../constructs/monitoring/private/alarm-dumps';
import { CLUSTER_EVENTS, SECRET_EVENTS } from '../../constructs/monitoring/private/alarm-events';
import { MAIL_ALARMS, MAIL_EVENTS } from '../../constructs/monitoring/private/alarm-mail';
import { REFRESH_ALARMS, ROTATION_ALARMS } from '../../constructs/monitoring/private/alarm-secrets';
import {
  LOAD_BALANCED_SERVICE_ALARMS,
  LOAD_BALANCER_ALARMS,
  SERVICE_ALARMS,
} from '../../constructs/monitoring/private/alarm-services';
import {
  BACKUP_ALARMS,
  CERTIFICATE_ALARMS,
  DATABASE_ALARMS,
  HEARTBEAT_ALARMS,
  LOG_ALARMS,
  QUEUE_ALARMS,
  SCHEDULE_ALARMS,
} from '../../constructs/monitoring/private/alarm-stores';
import type { Reported } from '../../constructs/monitoring/private/alarm-table';

const text = readFileSync(join(__dirname, '..', '..', 'docs', 'runbooks.md'), 'utf8');
/** Text outside of code blocks, where # is a heading. */
const prose = text.replace(/^```[\s\S]*?^```/gm, '');
const [, alarms] = /^# Alarms$([\s\S]*)^# Procedures$/m.exec(prose) as RegExpExecArray;

const reported: Reported[] = [
  ...LOAD_BALANCER_ALARMS,
  ...LOAD_BALANCED_SERVICE_ALARMS,
  ...SERVICE_ALARMS,
  ...QUEUE_ALARMS,
  ...SCHEDULE_ALARMS,
  ...DATABASE_ALARMS,
  ...CACHE_ALARMS,
  ...CERTIFICATE_ALARMS,
  ...BACKUP_ALARMS,
  ...DUMP_ALARMS,
  ...DRILL_ALARMS,
  ...LOG_ALARMS,
  ...HEARTBEAT_ALARMS,
  ...ROTATION_ALARMS,
  ...REFRESH_ALARMS,
  ...CLUSTER_EVENTS,
  ...SECRET_EVENTS,
  ...MAIL_ALARMS,
  ...MAIL_EVENTS,
];

const headings = (markdown: string, level: RegExp) =>
  [...markdown.matchAll(level)].map(([, title]) => title.toLowerCase().replace(/ /g, '-'));
const sections = headings(alarms, /^### (.+)$/gm);
const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code]) => code);

const constructs = join(__dirname, '..', '..', 'constructs');
const sources = readdirSync(constructs, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, source: readFileSync(join(constructs, name), 'utf8') }));

test('every section that the code can name has its heading, and every heading its section', () => {
  expect([...RUNBOOK_SECTIONS].sort()).toEqual([...sections].sort());
  expect(new Set(RUNBOOK_SECTIONS).size).toBe(RUNBOOK_SECTIONS.length);
});

test('every section is what some alarm or report ends in', () => {
  const named = sources.flatMap(({ source }) =>
    [...source.matchAll(/(?:runbook: |runbookUrl\(scope, )'([a-z-]+)'/g)].map(([, section]) => section),
  );
  const wordedByAws = ['database-event']; // RDS writes these messages itself; there is no place for a link.
  expect([...new Set([...named, ...wordedByAws])].sort()).toEqual([...RUNBOOK_SECTIONS].sort());
});

test('links lead to the tag of the version that is installed', () => {
  const { version, repository } = JSON.parse(readFileSync(join(constructs, '..', 'package.json'), 'utf8'));
  expect(runbookUrl(new App(), 'dead-letters')).toBe(
    `${repository.url.replace(/\.git$/, '')}/blob/v${version}/docs/runbooks.md#dead-letters`,
  );
});

test('links lead to the runbooks of the team where it says so', () => {
  const app = new App();
  setRunbookBase(app, 'https://wiki.example.com/runbooks');
  expect(runbookUrl(app, 'dead-letters')).toBe('https://wiki.example.com/runbooks#dead-letters');
});

test('no text names the runbooks but through runbookUrl()', () => {
  const mentions = sources.filter(({ source }) => /runbooks\.md/.test(source.replace(/^\s*(\/?\*|\/\/).*$/gm, '')));
  expect(mentions.map(({ name }) => name)).toEqual(['core/runbook.ts']);
});

test('no two rows of the table share an id', () => {
  expect(new Set(reported.map(({ id }) => id)).size).toBe(reported.length);
});

test.each(sections.map((section, index) => [section, alarms.split(/^### .+$/m)[index + 1]]))(
  '%s: what it means, what to look at, what to do, how to prevent it',
  (_, section) => {
    for (const part of ['It means:', 'Look first at', 'Do this:', 'Prevent it:']) {
      expect(section).toContain(`**${part}`);
    }
  },
);

test('links inside the runbooks lead somewhere', () => {
  const all = headings(prose, /^#{1,3} (.+)$/gm);
  for (const [, anchor] of prose.matchAll(/\]\(#([^)]+)\)/g)) {
    expect(all).toContain(anchor);
  }
});

test('commands can be pasted: they are valid shell, and nothing is left to fill in', () => {
  for (const code of blocks) {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(code).not.toMatch(/<[a-z][\w -]*>|\bTODO\b|\bxxx+\b|your-|123456789012/i);
  }
});

test('commands use only functions and variables that are set up', () => {
  const defined = [...blocks.join('\n').matchAll(/^\s*(?:export )?(\w+)(?:\(\)|=)/gm)].map(([, name]) => name);
  const read = 'HOST PORT SUBNETS GROUP PARAMETERS TARGET MINIMUM MAXIMUM SERVICE KEY queue task name list stack'.split(
    ' ',
  );
  const used = [...blocks.join('\n').matchAll(/\$\{?([A-Za-z]\w*)/g)].map(([, name]) => name);
  const fields = ['levelname'];
  expect(used.filter((name) => ![...defined, ...read, ...fields].includes(name))).toEqual([]);
});

describe('the functions that are set up', () => {
  const [setUp] = blocks;

  test('turn a command into one word of the task, whatever is in it', () => {
    const script = `
${setUp.slice(0, setUp.indexOf('CLUSTER=$('))}
aws() {
  case "$1 $2" in
    "cloudformation describe-stacks") echo "aws ecs run-task --cluster c --network-configuration 'a={b=[c,d]}'" ;;
    "ecs run-task") printf '%s\\n' "$@" >&2; echo arn:task/1 ;;
    *) ;;
  esac
}
CLUSTER=c LOGS=l
sql "select 'it''s' from \\"t\\""
`;
    const { stderr, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    const words = stderr.split('\n--overrides\n')[1].split('\n--query\n')[0];
    const [{ name, command }] = JSON.parse(words).containerOverrides;
    expect([status, name, command.slice(0, 4)]).toEqual([0, 'release', ['python', 'manage.py', 'shell', '-c']]);
    expect(command[4]).toContain(`cursor.execute('''select 'it''s' from "t" ''')`);
  });

  test('find a resource in the stack, in a nested stack, and nowhere', () => {
    const script = `
${setUp.slice(0, setUp.indexOf('CLUSTER=$('))}
aws() {
  case "$*" in
    *"--stack-name Shop"*"Stack'"*) echo '["arn:one", "arn:two"]' ;;
    *"--stack-name Shop"*"Cluster'"*) echo '[ "cluster" ]' ;;
    *"--stack-name arn:two"*"TaskDefinition'"*Dump*) echo '[
      "arn:task:1",
      "arn:task:2"
    ]' ;;
    *) echo '[]' ;;
  esac
}
echo "$(id_of AWS::ECS::Cluster)|$(id_of AWS::ECS::TaskDefinition Dump)|$(id_of AWS::SQS::Queue)|"
`;
    const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(stdout.trim()).toBe('cluster|arn:task:1||');
  });
});
