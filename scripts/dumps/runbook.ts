import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, type Outcome } from '../../rehearsal/checks/check';
import { propsOf } from '../../rehearsal/dumps/checks';
import type { PostgresServer } from '../../rehearsal/postgres/postgres';
import { type Rehearsal, rehearse, serve } from '../../rehearsal/rehearsal';
import { cacheFolder, ROOT, synthesize } from '../../rehearsal/synth';
import { type Assembly, readAssembly } from '../../rehearsal/template/assembly';
import { sleep } from '../../rehearsal/wait';
import { Account, STACK } from './account';
import { AwsDoor } from './aws-door';
import { blocksOf, sqlOf, Terminal } from './terminal';
import { Writers } from './writers';

const APP = 'npx tsx --conditions=source test/rehearsal/runbook-app.ts';
const TABLE = 'guestbook_message';

/**
 * The commands of docs/runbooks.md that bring data back, typed as they stand, with visitors before and after.
 */
export async function tryRunbooks(write: (line: string) => void): Promise<Outcome[]> {
  const person = await OnCall.begin();
  const outcomes: Outcome[] = [];
  try {
    for (const [index, [name, act, needs]] of person.steps.entries()) {
      const started = Date.now();
      const reached = !needs || outcomes[index - 1].verdict === 'passed';
      const [verdict, detail] = reached ? await verdictOf(act) : (['not reached', ''] as const);
      const seconds = (Date.now() - started) / 1000;
      outcomes.push({ name: `runbook: ${name}`, verdict, detail, seconds });
      const sign = { passed: '✓', failed: '✗', 'not reached': '-' }[verdict];
      write(`${sign} runbook: ${name} [${seconds.toFixed(1)} s]${detail === '' ? '' : `: ${detail}`}`);
    }
  } finally {
    person.end();
  }
  return outcomes;
}

async function verdictOf(act: () => Promise<string>): Promise<readonly ['passed' | 'failed', string]> {
  try {
    return ['passed', await act()];
  } catch (error) {
    return ['failed', (error as Error).message];
  }
}

async function assembly(context: Readonly<Record<string, string>>): Promise<readonly [Assembly, string]> {
  const folder = await synthesize({ app: APP, context }, ROOT, cacheFolder());
  return [readAssembly(folder), folder];
}

/** Somebody at a terminal, whose stack has visitors. */
class OnCall {
  static async begin(): Promise<OnCall> {
    const [read, directory] = await assembly({});
    const first = await prepare(read);
    const account = new Account(first, directory);
    account.base = await first.postgres?.keepLog('kept-log');
    await serve(first);
    const door = await AwsDoor.open(account.actions);
    // The command line of AWS is that of the containers: its first version asks for the default region.
    const { programs } = await propsOf(first, first.dumps[0]);
    const folder = mkdtempSync(join(tmpdir(), 'runbook-'));
    const terminal = new Terminal(folder, {
      ...{ PATH: [...programs.slice(-1), process.env.PATH].join(delimiter), HOME: folder },
      ...{ AWS_ACCESS_KEY_ID: 'person', AWS_SECRET_ACCESS_KEY: 'person', AWS_ENDPOINT_URL: door.url },
      ...{ AWS_ENDPOINT_URL_S3: first.doubles.behind, AWS_DEFAULT_REGION: first.doubles.region, AWS_PAGER: '' },
    });
    const [setUp] = blocksOf('Set up the terminal');
    await terminal.type(setUp, [{ line: 'export STACK=Shop', typed: `export STACK=${STACK}` }]);
    return new OnCall(first, account, { door, terminal, folder });
  }

  /** What is done by the runbooks, and whether it needs what was done just before. */
  readonly steps: readonly (readonly [string, () => Promise<string>, boolean])[] = [
    ['a dump that is made by hand is proven by hand', () => this.dump(), false],
    ['one row comes back from a dump', () => this.row(), true],
    ['the whole database is that of a time, with every write before it and since the start', () => this.whole(), false],
    ['back again, with every write until the stop', () => this.back(), true],
  ];
  private readonly writers: Writers[] = [];
  private readonly later: Rehearsal[] = [];
  /** When the rows were deleted that nobody meant to delete. */
  private damagedAt = 0;

  private constructor(
    private readonly first: Rehearsal,
    private readonly account: Account,
    private readonly at: { readonly door: AwsDoor; readonly terminal: Terminal; readonly folder: string },
  ) {}

  end(): void {
    const { door, terminal, folder } = this.at;
    terminal.close();
    door.close();
    for (const rehearsal of [...this.later, this.first]) {
      rehearsal.close();
    }
    rmSync(folder, { recursive: true, force: true });
  }

  private async dump(): Promise<string> {
    const { terminal } = this.at;
    const visitors = this.visit(this.first);
    await visitors.more(20);
    await visitors.end();
    const said: string[] = [];
    for (const [heading, container] of [
      ['Make a dump now', 'upload'],
      ['Prove a dump now', 'verify'],
    ]) {
      const [block] = blocksOf(heading);
      const printed = await terminal.type(block);
      const run = await [...this.account.tasks.values()].at(-1)?.run;
      const isDone = new RegExp(`^${container}\\s+0\\b`, 'm').test(printed);
      expect(isDone, `${heading}: ${printed} ${run?.lines.slice(-4).join(' / ')}`);
      said.push(heading);
    }
    return said.join(', ');
  }

  private async row(): Promise<string> {
    const { terminal } = this.at;
    const lost = this.writers[0].acknowledged[7].text;
    const before = await texts(this.first.postgres);
    await sql(this.first.postgres, `DELETE FROM ${TABLE} WHERE text = '${lost}'`);
    const [block] = blocksOf('A table or a row from a dump');
    await terminal.type(block, [
      { line: 'TABLE=public.shop_order', typed: `TABLE=public.${TABLE}` },
      { line: "ROWS='id = 4711'", typed: `ROWS="text = '${lost}'"` },
      { line: 'aws logs tail' }, // Of the second version of the command line.
    ]);
    const last = [...this.account.tasks.values()].at(-1);
    const run = await last?.run;
    const copied = run?.lines.find((line) => line.startsWith('copied '));
    expect(copied === `copied 1 rows into restored.${TABLE}`, `${run?.lines.slice(-3).join(' / ')}`);
    const [statements] = sqlOf('A table or a row from a dump');
    await sql(this.first.postgres, statements.replaceAll('shop_order', TABLE));
    const after = await texts(this.first.postgres);
    expect(after.has(lost) && after.size === before.size, `${after.size} messages of ${before.size}`);
    return copied;
  }

  private async whole(): Promise<string> {
    const { terminal } = this.at;
    const visitors = this.visit(this.first);
    await visitors.more(40);
    // A time is a whole second: the damage comes after it.
    await sleep(1000 - (Date.now() % 1000));
    const moment = Math.floor(Date.now() / 1000) * 1000;
    await sleep(1500);
    this.damagedAt = Date.now();
    await sql(this.first.postgres, `DELETE FROM ${TABLE}`);
    await visitors.more(20);
    const [restore] = blocksOf('Restore the database');
    const time = new Date(moment).toISOString().replace('.000', '');
    await terminal.type(restore, [{ line: 'MOMENT=', typed: `MOMENT=${time}` }]);
    await visitors.more(10); // Nothing has stopped yet.
    const { second, stoppedAt, name } = await this.switchTo();
    await sleep(2000);
    await visitors.end();
    const late = visitors.acknowledged.filter(({ at }) => at > stoppedAt);
    expect(late.length === 0, `${late.length} messages were acknowledged after the stop`);
    const [, start] = startBlocks();
    await terminal.type(start);
    await Promise.all(second.services.map((service) => service.untilSteady()));
    const after = this.visit(second);
    await after.more(20);
    await after.end();
    const kept = await texts(second.postgres);
    const before = [...this.writers[0].acknowledged, ...visitors.acknowledged].filter(({ at }) => at < moment);
    missing('before the time', before, kept);
    missing('since the start', after.acknowledged, kept);
    const between = visitors.acknowledged.filter(({ sentAt }) => sentAt > this.damagedAt + 500);
    missing('until the stop, in the old instance,', between, await texts(this.first.postgres));
    const refused = [...visitors.refused.values()].reduce((sum, each) => sum + each, 0);
    return `${before.length} messages before ${time}, ${after.acknowledged.length} since the start of ${name}, ${between.length} in the old instance, ${refused} refused while it was stopped`;
  }

  private async back(): Promise<string> {
    const { terminal } = this.at;
    await terminal.type('RESTORED=$DATABASE');
    const { second } = await this.switchTo();
    const [, start] = startBlocks();
    await terminal.type(start);
    await Promise.all(second.services.map((service) => service.untilSteady()));
    const visitors = this.visit(second);
    await visitors.more(10);
    await visitors.end();
    const kept = await texts(second.postgres);
    const between = this.writers[1].acknowledged.filter(({ sentAt }) => sentAt > this.damagedAt + 500);
    missing('until the stop', between, kept);
    missing('since the start', visitors.acknowledged, kept);
    return `${between.length} messages until the stop, ${visitors.acknowledged.length} since`;
  }

  /** Stops every writer, takes a snapshot of `RESTORED`, and deploys the stack with it. */
  private async switchTo(): Promise<{ second: Rehearsal; stoppedAt: number; name: string }> {
    const { terminal } = this.at;
    const [stop] = startBlocks();
    await terminal.type(stop);
    const stoppedAt = Date.now();
    const name = (await terminal.type('echo "$RESTORED"')).trim();
    const snapshot = name.toLowerCase();
    const [read] = await assembly({ snapshot });
    const data = this.account.snapshots.get(name) as string;
    const second = await prepare(read, new Map([[snapshot, data]]));
    this.later.push(second);
    await second.release();
    this.account.deployed(second, `guestbook-${snapshot}`);
    return { second, stoppedAt, name };
  }

  private visit(rehearsal: Rehearsal): Writers {
    const writers = new Writers(rehearsal);
    this.writers.push(writers);
    return writers;
  }
}

/** The blocks that stop everything and take a snapshot, and that start everything again. */
function startBlocks(): readonly [string, string] {
  const blocks = blocksOf('Restore the database').filter((block) => block.includes('update-service'));
  const [stop, start] = blocks;
  expect(blocks.length === 2 && stop.includes('create-db-snapshot'), `${blocks.length} blocks stop or start services`);
  return [stop, start];
}

function prepare(read: Assembly, snapshots?: ReadonlyMap<string, string>): Promise<Rehearsal> {
  const silent = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  return rehearse({ assembly: read, cache: cacheFolder(), announce: silent, httpPort: 0, httpsPort: 0, snapshots });
}

function missing(when: string, messages: readonly { readonly text: string }[], kept: ReadonlySet<string>): void {
  const lost = messages.filter(({ text }) => !kept.has(text)).length;
  expect(messages.length > 0, `nobody wrote ${when}`);
  expect(lost === 0, `${lost} messages of ${messages.length} that were acknowledged ${when} are lost`);
}

async function sql(server: PostgresServer | undefined, statement: string): Promise<void> {
  await server?.query('django', (client) => client.query(statement));
}

async function texts(server: PostgresServer | undefined): Promise<ReadonlySet<string>> {
  const found = await server?.query('django', (client) => client.query<{ text: string }>(`SELECT text FROM ${TABLE}`));
  return new Set(found?.rows.map(({ text }) => text));
}
