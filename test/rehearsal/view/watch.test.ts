import { EventEmitter } from 'node:events';
import fs, { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deploy } from '../../../rehearsal/view/deploy';
import { Rolls } from '../../../rehearsal/view/rolls';
import { isWatched, sourceFolder, watchedSource, watchFiles } from '../../../rehearsal/view/watch';
import { Turns } from '../../../rehearsal/wait';

/** A module of ECMAScript alone; `npm run view` watches real files. */
jest.mock('chokidar', () => ({ watch: () => mockWatcher }));
const mockWatcher = new EventEmitter();

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'watch-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
}

const assembly = () => ({
  images: new Map([['a1', { directory: path.join(root, 'cdk.out', 'asset.a1'), dockerFile: 'Dockerfile' }]]),
});

describe('the source', () => {
  const COPY = { 'cdk.out/asset.a1/Dockerfile': 'FROM python', 'cdk.out/asset.a1/manage.py': '' };

  test('is the folder whose Dockerfile and files the assembly has a copy of', () => {
    write({
      ...COPY,
      'site/app/Dockerfile': 'FROM python',
      'site/app/manage.py': 'newer',
      'other/Dockerfile': 'FROM node',
    });
    write({ 'empty/Dockerfile': 'FROM python', 'node_modules/x/Dockerfile': 'FROM python' });
    expect(sourceFolder(assembly(), root)).toBe(path.join(root, 'site', 'app'));
    expect(watchedSource(assembly(), '/given')).toEqual({ folder: '/given', dockerFile: 'Dockerfile' });
  });

  test('is asked for where no folder, or more than one, is it', () => {
    write(COPY);
    expect(() => sourceFolder(assembly(), root)).toThrow(/^--watch needs --app FOLDER.*: no folder below/);
    write({ 'a/Dockerfile': 'FROM python', 'b/Dockerfile': 'FROM python' });
    expect(() => sourceFolder(assembly(), root)).toThrow(/--app FOLDER.*a and .*b both have the Dockerfile/);
    expect(() => sourceFolder({ images: new Map() }, root)).toThrow(/the assembly has no copy of one/);
  });

  test('is found beside a folder that cannot be read', () => {
    write({ ...COPY, 'postgres-data/base': '', 'site/Dockerfile': 'FROM python', 'site/manage.py': '' });
    const { readdirSync } = fs;
    const reading = jest.spyOn(fs, 'readdirSync').mockImplementation(((folder: string, options: object) => {
      if (path.basename(folder) === 'postgres-data') {
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
      }
      return readdirSync(folder, options as never);
    }) as never);
    try {
      expect(sourceFolder(assembly(), root)).toBe(path.join(root, 'site'));
    } finally {
      reading.mockRestore();
    }
  });
});

test('what is no source, and what .dockerignore leaves out, rolls nothing', () => {
  write({ '.dockerignore': 'media\n*.md\n!README.md\n' });
  const matters = isWatched({ folder: root, dockerFile: 'Dockerfile' });
  expect(['shop/views.py', 'README.md', 'Dockerfile', 'cache.py', 'venvs/a.py'].filter(matters)).toHaveLength(5);
  const others = [
    '.git/index',
    'shop/__pycache__/a.pyc',
    '.venv/x.py',
    'media/a.png',
    'NOTES.md',
    'a/.views.py.swp',
    'v.py~',
  ];
  expect(others.filter(matters)).toEqual([]);
});

test('the Dockerfile and the lists beside it roll the services although .dockerignore leaves them out', () => {
  write({ '.dockerignore': '*\n', 'docker/Dockerfile': '' });
  const matters = isWatched({ folder: root, dockerFile: './docker/Dockerfile' });
  const files = ['docker/Dockerfile', 'docker/Dockerfile.dockerignore', '.dockerignore', 'docker/other', 'Dockerfile'];
  expect(files.filter(matters)).toEqual(files.slice(0, 3));
});

test('what cannot be watched is said once for each reason, and ends nothing', () => {
  const said: string[] = [];
  let count = 0;
  watchFiles({ folder: root, dockerFile: 'Dockerfile' }, { change: () => count++, problem: (text) => said.push(text) });
  for (const code of ['EACCES', 'EACCES', 'ENOSPC', 'EMFILE', 'EIO']) {
    mockWatcher.emit('error', Object.assign(new Error(`${code}: broken`), { code, path: '/data' }));
  }
  expect(said.map((text) => text.replace(/^.*?: /, ''))).toEqual([
    '/data cannot be read. Make it readable',
    expect.stringContaining('fs.inotify.max_user_watches'),
    expect.stringContaining('ulimit -n'),
    'EIO: broken',
  ]);
  expect(said[0]).toContain(root);
  mockWatcher.emit('all', 'change', path.join(root, 'Dockerfile'));
  expect(count).toBe(1);
});

describe('changes', () => {
  const said: string[] = [];
  const announce = { progress: (text: string) => void said.push(text) };
  beforeEach(() => {
    said.length = 0;
  });

  async function until(what: () => boolean): Promise<void> {
    while (!what()) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  test('that come together deploy once; those that come meanwhile once more, and never at the same time', async () => {
    let [count, running] = [0, 0];
    let finish: () => void = () => undefined;
    const rolls = new Rolls(
      async () => {
        expect(++running).toBe(1);
        count++;
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        running--;
        return 'deployed';
      },
      announce,
      new AbortController().signal,
      1,
    );
    rolls.ask();
    rolls.ask();
    await until(() => count === 1);
    rolls.ask();
    await new Promise((resolve) => setTimeout(resolve, 20));
    rolls.ask();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(count).toBe(1);
    finish();
    await until(() => count === 2);
    finish();
    await until(() => said.length === 4);
    expect(count).toBe(2);
  });

  test('deploy nothing once the rehearsal ends, and what is under way says nothing any more', async () => {
    const ending = new AbortController();
    let finish: () => void = () => undefined;
    const deployment = jest.fn(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return 'deployed';
    });
    const rolls = new Rolls(deployment, announce, ending.signal, 1);
    rolls.ask();
    await until(() => deployment.mock.calls.length === 1);
    rolls.ask();
    ending.abort();
    finish();
    rolls.ask();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(deployment).toHaveBeenCalledTimes(1);
    expect(said).toEqual(['the source has changed: the image is prepared again']);
  });

  test('of which no image can be built leave what runs, and the next one deploys', async () => {
    let works = false;
    const rolls = new Rolls(
      async () => (works ? 'deployed' : Promise.reject(new Error('Dockerfile:3 fails'))),
      announce,
      new AbortController().signal,
      1,
    );
    rolls.ask();
    await until(() => said.length === 2);
    expect(said[1]).toBe('what ran before still runs. Dockerfile:3 fails');
    works = true;
    rolls.ask();
    await until(() => said.length === 4);
    expect(said[3]).toBe('deployed');
  });
});

test.each([
  ['a build that fails', ['rebuild'], 'rebuild', ''],
  ['a release that fails', ['rebuild', 'release', 'undo'], 'release', ''],
  ['nothing that fails', ['rebuild', 'release', 'redeploy'], '', ''],
  ['Ctrl-C before it', [], 'the rehearsal ends', 'begin'],
  ['Ctrl-C in the build', ['rebuild', 'undo'], 'the rehearsal ends', 'rebuild'],
  ['Ctrl-C in the release', ['rebuild', 'release', 'undo'], 'the rehearsal ends', 'release'],
])('after %s: %j', async (_name, expected, failing, ended) => {
  const done: string[] = [];
  const ending = new AbortController();
  if (ended === 'begin') {
    ending.abort();
  }
  const step = async (name: string) => {
    done.push(name);
    if (name === ended) {
      ending.abort();
    }
    if (name === failing) {
      throw new Error(name);
    }
  };
  const parts = {
    rebuild: async () => {
      await step('rebuild');
      return () => void done.push('undo');
    },
    release: async () => {
      await step('release');
      return [];
    },
    services: [{ name: 'web', redeploy: () => step('redeploy') } as never],
  };
  const deployed = deploy(parts, ending.signal);
  await (failing === '' ? expect(deployed).resolves.toBe('deployed: web') : expect(deployed).rejects.toThrow(failing));
  expect(done).toEqual(expected);
});

test('work that takes turns waits for what came before, also where that fails', async () => {
  const done: string[] = [];
  let count = 0;
  const turns = new Turns();
  const work = async () => {
    const number = ++count;
    done.push(`start ${number}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push(`end ${number}`);
    if (number === 1) {
      throw new Error('fails');
    }
  };
  await Promise.allSettled([turns.take(work), turns.take(work)]);
  expect(done).toEqual(['start 1', 'end 1', 'start 2', 'end 2']);
});
