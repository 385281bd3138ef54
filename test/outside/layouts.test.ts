import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { resourcesOfType } from '../../rehearsal/template/assembly';
import { LAYOUTS, LAYOUTS_FOLDER, layoutsOf, pairOf } from '../../scripts/outside/layouts';
import { judged, MISTAKES, PLANTED_INTO } from '../../scripts/outside/mistakes';
import { checkedIn, notApplicableIn, type Result } from '../../scripts/outside/rehearse';
import { linesForContract, linesOfCdk, row, withRows } from '../../scripts/outside/table';

const NAMES = LAYOUTS.map(({ name }) => name);

describe.each(NAMES)('%s', (name) => {
  const folder = join(LAYOUTS_FOLDER, name);

  test('synthesizes to one application that serves pages', () => {
    const app = new App({ context: { '@aws-cdk/core:validateAgainstDefaultRules': false } });
    const [make] = Object.values(require(join(folder, 'stack.ts'))) as (new (app: App, id: string) => Stack)[];
    const { artifactId } = new make(app, 'Site');
    const { template } = app.synth().getStackArtifact(artifactId);
    expect(resourcesOfType(template, 'AWS::ECS::Service').length).toBeGreaterThan(0);
    expect(resourcesOfType(template, 'AWS::ElasticLoadBalancingV2::TargetGroup').length).toBeGreaterThan(0);
  });

  test('has a Dockerfile and a manage.py of its own, no secret file, and at most 60 lines of CDK', () => {
    const files = readdirSync(join(folder, 'app'), { recursive: true }).map(String);
    expect(files.some((file) => /(^|\/)Dockerfile$/.test(file))).toBe(true);
    expect(files.some((file) => /(^|\/)manage\.py$/.test(file))).toBe(true);
    expect(files.filter((file) => /\.env$|\.pem$/.test(file))).toEqual([]);
    expect(linesOfCdk(name)).toBeLessThanOrEqual(60);
  });
});

test('every folder is a layout of the list', () => {
  const folders = readdirSync(LAYOUTS_FOLDER).filter((name) => statSync(join(LAYOUTS_FOLDER, name)).isDirectory());
  expect(folders.sort()).toEqual([...NAMES].sort());
  expect(() => layoutsOf(['nowhere'])).toThrow(/no layout is named nowhere; there are inventory, /);
});

test('a pair has two layouts that every machine can run, and is the same for the same commit', () => {
  const some = ['a', 'b', 'c'].map((name) => ({ name })).concat([{ name: 'd', needs: 'Node' } as { name: string }]);
  const pairs = ['00000000', '00000001', '00000002'].map((commit) => pairOf(commit, some).map(({ name }) => name));
  expect(pairs).toEqual([
    ['a', 'b'],
    ['a', 'c'],
    ['b', 'c'],
  ]);
  expect(pairOf('359465bd').every(({ needs }) => needs === undefined)).toBe(true);
});

test('a cache of the template keeps no layout out of pairs: its server comes from PyPI', () => {
  const portable = LAYOUTS.filter(({ needs }) => needs === undefined).map(({ name }) => name);
  expect(portable).toContain('club');
});

test('every layout that starts something is kept out of pairs: a machine may lack it', () => {
  expect(LAYOUTS.filter(({ services, needs }) => services !== undefined && needs === undefined)).toEqual([]);
});

describe('what a rehearsal prints', () => {
  const LINES = [
    '  39.1 · ✓ start: the release is done [1.5 s]: 1 release',
    '   0.1 · · not a check',
    '  50.3 · ✗ web: pages answer [60.0 s]: / answered 500: ValueError: x',
    ' 150.3 · - web: headers [0.0 s]: needs: web: pages answer',
    ' 109.9 ·   tasks: 6 not applicable, for want of the pages and drills of the example',
    ' 109.9 ·   bad days: 3 not applicable, for want of the pages',
  ];

  test('is read check by check', () => {
    expect(checkedIn(LINES)).toEqual([
      { name: 'start: the release is done', verdict: 'passed', detail: '1 release' },
      { name: 'web: pages answer', verdict: 'failed', detail: '/ answered 500: ValueError: x' },
      { name: 'web: headers', verdict: 'not reached', detail: 'needs: web: pages answer' },
    ]);
    expect(notApplicableIn(LINES)).toBe(9);
  });

  const result: Result = { mode: 'processes', checked: checkedIn(LINES), notApplicable: 9, seconds: 71 };

  test('becomes a row; what did not run says why', () => {
    const lines = `${linesOfCdk('feeds')} | ${linesForContract('feeds')}`;
    expect(row('feeds', result, 'abc1234')).toBe(`| \`feeds\` | processes | ${lines} | 71 | 3 of 12 | abc1234 |`);
    expect(row('feeds', { ...result, notRun: 'no Python 3.14' }, 'abc1234')).toBe(
      `| \`feeds\` | processes | ${lines} | not run | 0: no Python 3.14 | abc1234 |`,
    );
  });

  test('counts the lines that a project has for the contract: a middleware whole, else those that name it, and none of `vendor`', () => {
    expect(['feeds', 'ledger', 'startproject'].map(linesForContract)).toEqual([3, 5, 17]);
  });

  test('takes the place of the row of the same layout, in the order of the layouts', () => {
    const page = [
      'before',
      '<!-- begin outside -->',
      '| `feeds` | processes | 1 | 2 | 3 of 4 | old |',
      '| `inventory` | image | 1 | 2 | 3 of 4 | old |',
      '<!-- end outside -->',
    ].join('\n');
    const again = withRows(page, [
      '| `feeds` | processes | 1 | 2 | 3 of 4 | new |',
      '| `inventory` | processes | 1 | 2 | 3 of 4 | new |',
      '| `gone` | processes | 1 | 2 | 3 of 4 | new |',
    ]);
    const found = again.split('\n').filter((line) => /^\| `(feeds|inventory|gone)`/.test(line));
    expect(found).toEqual([
      '| `inventory` | image | 1 | 2 | 3 of 4 | old |',
      '| `inventory` | processes | 1 | 2 | 3 of 4 | new |',
      '| `feeds` | processes | 1 | 2 | 3 of 4 | new |',
    ]);
    expect(() => withRows('no markers', [])).toThrow(/no lines <!-- begin outside -->/);
  });

  test('is judged: one check, that of the mistake, and its words', () => {
    const mistake = { name: 'a slip', patches: [], check: 'web: pages answer', words: /answered 500/ };
    expect(judged(mistake, result)).toBeUndefined();
    expect(judged({ ...mistake, words: /do this/ }, result)).toMatch(/does not say what to do: \/ answered 500/);
    expect(judged({ ...mistake, check: 'web: headers' }, result)).toMatch(/these failed, and not "web: headers" alone/);
    expect(judged(mistake, { ...result, checked: [] })).toBe('no check failed');
  });
});

test('every mistake is a patch that fits', () => {
  expect(MISTAKES).toHaveLength(12);
  const folder = join(LAYOUTS_FOLDER, PLANTED_INTO);
  const patches = MISTAKES.flatMap((mistake) => mistake.patches);
  const fits = ({ file, from }: (typeof patches)[number]) =>
    from === '' ? !existsSync(join(folder, file)) : readFileSync(join(folder, file), 'utf8').includes(from);
  expect(patches.filter((patch) => !fits(patch))).toEqual([]);
});
