import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { answersReadOnly, readOnly, startsReadOnly } from '../../../../rehearsal/checks/any-project/files';
import { type Check, type CheckContext, NotApplicable } from '../../../../rehearsal/checks/check';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'files-')));
const [root, logs] = [path.join(folder, 'image'), path.join(folder, 'logs')];
const refused = (file: string) => `PermissionError: [Errno 13] Permission denied: '${root}${file}'`;
const definition = (kind: string, isReadOnly = true) => ({
  kind,
  confinement: { isReadOnly },
  environment: {},
  secrets: {},
});

interface Project {
  /** How `manage.py check` ends. */
  readonly check?: { code: number; lines: string[] };
  /** Whether its file systems are read-only. */
  readonly isReadOnly?: boolean;
  readonly port?: number;
  /** What the web task has said. */
  readonly said?: string[];
}

function contextOf({ check = { code: 0, lines: [] }, isReadOnly, port, said = [] }: Project): CheckContext {
  const ran = { exited: Promise.resolve({ code: check.code }), logs: { last: () => check.lines } };
  const member = { task: { port, logs: { last: () => said } } };
  const web = { definition: definition('web'), running: [member], group: { settings: { path: '/up' } } };
  const rehearsal = {
    definitions: new Map([['release', definition('release', isReadOnly)]]),
    images: new Map([['image', { root }]]),
    imageHas: () => true,
    run: async () => ran,
    sandbox: { folder: () => logs },
    services: [web],
    tasks: [{ startedAt: Date.now() - 60_000 }],
  };
  return { rehearsal, front: { hostFor: () => 'shop.example.com' } } as unknown as CheckContext;
}

const failure = (check: Check, context: CheckContext) =>
  check.run(context).then(
    () => 'passed',
    (error: Error) => error.message,
  );

test('a project that ends because it writes while it starts fails, and what to do is said', async () => {
  const lines = ['Traceback', refused('/app/debug.log')];
  const said = await failure(startsReadOnly, contextOf({ check: { code: 1, lines } }));
  expect(said).toMatch(/^manage\.py check writes to \/app\/debug\.log: .*\/tmp.*`temporaryStorage`.*S3/);
  const { rehearsal } = contextOf({ check: { code: 1, lines } });
  mkdirSync(logs, { recursive: true });
  writeFileSync(path.join(logs, 'one-off-1.log'), lines.join('\n'));
  const context = { rehearsal } as CheckContext;
  expect(await failure(readOnly, context)).toMatch(/^one-off-1 tries to write to \/app\/debug\.log/);
  await failure(startsReadOnly, context);
  expect(await failure(readOnly, context)).toBe('passed'); // It has been told.
  rmSync(path.join(logs, 'one-off-1.log'));
  expect(await failure(startsReadOnly, contextOf({ check: { code: 0, lines } }))).toBe('passed');
});

test('a project that does not start for another reason has not passed, and the release says why', async () => {
  const starting = startsReadOnly.run(contextOf({ check: { code: 127, lines: ['run.sh: No such file'] } }));
  await expect(starting).rejects.toBeInstanceOf(NotApplicable);
  await expect(starting).rejects.toThrow('a project that starts: python manage.py check ended with 127');
});

test('a command that never ends is for the release to tell', async () => {
  jest.useFakeTimers();
  const context = contextOf({});
  Object.assign(context.rehearsal, {
    run: async () => ({ exited: new Promise(() => undefined), kill: () => undefined, logs: { last: () => [] } }),
  });
  const ending = expect(startsReadOnly.run(context)).rejects.toThrow(NotApplicable);
  await jest.advanceTimersByTimeAsync(25_000);
  await ending;
  jest.useRealTimers();
});

test('it does not apply where nothing is read-only', () => {
  expect(startsReadOnly.applies?.(contextOf({}))).toBe(true);
  expect(startsReadOnly.applies?.(contextOf({ isReadOnly: false }))).toBe(false);
});

test('a page that fails because it writes fails before anybody asks for it again and again', async () => {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    response.statusCode = request.url === '/' ? 500 : 200;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const said = await failure(answersReadOnly, contextOf({ port, said: [refused('/app/hits.txt')] }));
    expect(said).toMatch(/^\/ answers 500, for it writes to \/app\/hits\.txt: /);
    expect(asked).toEqual(['shop.example.com/up', 'shop.example.com/']);
    expect(await failure(answersReadOnly, contextOf({ port, said: ['ValueError: no'] }))).toBe('passed');
  } finally {
    server.close();
  }
});

test('files that were written, and writes that were refused, are told with who did it', async () => {
  for (const each of [root, logs]) {
    mkdirSync(each, { recursive: true });
  }
  writeFileSync(path.join(logs, 'web-1.log'), 'started\n');
  expect(await failure(readOnly, contextOf({}))).toBe('passed');
  writeFileSync(path.join(logs, 'worker-2.log'), `could not save: ${refused('/app/media/a.png')}\n`);
  expect(await failure(readOnly, contextOf({}))).toMatch(/^worker-2 tries to write to \/app\/media\/a\.png: in AWS/);
  writeFileSync(path.join(root, 'cache.db'), '');
  expect(await failure(readOnly, contextOf({}))).toMatch(/^\/cache\.db was written; worker-2 tries/);
});
