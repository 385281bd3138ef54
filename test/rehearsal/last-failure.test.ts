import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LastFailure } from '../../rehearsal/last-failure';
import { Sandbox } from '../../rehearsal/task/sandbox';
import { coverageLine, coverageTable } from '../../rehearsal/template/coverage';

let cache: string;
const open: Sandbox[] = [];

beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'failure-'));
});
afterEach(() => {
  for (const sandbox of open.splice(0)) {
    sandbox.close();
  }
  rmSync(cache, { recursive: true, force: true });
});

/** A rehearsal with a log of one line. */
function rehearsal(line: string): Sandbox {
  const sandbox = new Sandbox(cache);
  writeFileSync(path.join(sandbox.folder('logs'), 'web-1.log'), line);
  open.push(sandbox);
  return sandbox;
}

const kept = (name: string) => readFileSync(path.join(cache, 'last-failure', name), 'utf8');

test('the logs of a rehearsal are kept, and those of its copy beside them', () => {
  const logs = new LastFailure(cache);
  logs.add(rehearsal('first'));
  logs.add(rehearsal('second'), 'copy');
  expect(path.resolve(logs.keep())).toBe(path.join(cache, 'last-failure'));
  expect([kept('web-1.log'), kept('copy/web-1.log')]).toEqual(['first', 'second']);
});

test('a copy that ends at once, since a release of it fails, leaves its logs; an earlier failure leaves none', () => {
  const before = new LastFailure(cache);
  before.add(rehearsal('older'), 'older');
  before.keep();
  before.close();
  const logs = new LastFailure(cache);
  logs.add(rehearsal('first'));
  const copy = rehearsal('second');
  logs.add(copy, 'copy');
  copy.close();
  logs.keep();
  expect([kept('web-1.log'), kept('copy/web-1.log')]).toEqual(['first', 'second']);
  expect(existsSync(path.join(cache, 'last-failure', 'older'))).toBe(false);
});

test('a run without a failure keeps nothing', () => {
  const logs = new LastFailure(cache);
  const sandbox = rehearsal('first');
  logs.add(sandbox);
  logs.close();
  sandbox.close();
  expect(readdirSync(cache)).toEqual(['runs']);
});

test('one line says how much is rehearsed, as the table does, and where the table is', () => {
  const Resources = {
    Web: { Type: 'AWS::ECS::Service' },
    Worker: { Type: 'AWS::ECS::Service' },
    Role: { Type: 'AWS::IAM::Role' },
    Alarm: { Type: 'AWS::CloudWatch::Alarm' },
  };
  expect(coverageLine({ Resources })).toBe(
    '2 of 4 resources are rehearsed; those of 2 other types stay paper. Without --check the rehearsal prints which',
  );
  expect(coverageTable({ Resources })[0]).toBe('2 of 4 resources are rehearsed:');
  expect(coverageLine({ Resources: { Web: Resources.Web } })).toBe('1 of 1 resources are rehearsed');
});
