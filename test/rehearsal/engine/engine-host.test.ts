import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Answer, Engine } from '../../../rehearsal/engine/engine';
import { EngineHost } from '../../../rehearsal/engine/engine-host';
import { labelsOf, sweepLeftovers } from '../../../rehearsal/engine/leftovers';
import type { ImageDefaults } from '../../../rehearsal/image/dockerfile/plan';
import type { Sandbox } from '../../../rehearsal/task/sandbox';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

const DONE: Answer = { code: 0, stdout: '', stderr: '' };
const BUSY: Answer = { code: 1, stdout: '', stderr: 'volume is in use' };
const PROPS = { kind: 'docker', version: '28', platform: 'linux/amd64' } as const;
let folder: string;
let log: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'host-'));
  log = path.join(folder, 'log');
  writeFileSync(log, '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const DEFINITION = {
  image: 'uri',
  family: 'web',
  secrets: {},
  initContainers: [],
  tmpfs: [],
  mountPoints: [{ volume: 'storage', path: '/var/tmp/django' }],
  confinement: { isReadOnly: true, hasInit: false, droppedCapabilities: [], addedCapabilities: [], ulimits: [] },
} as unknown as TaskDefinition;

/** A host whose engine is a program that writes its words down, and fails at its end. */
function hostOf(answer: (words: readonly string[]) => Answer) {
  const program = path.join(folder, 'engine');
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${log}\nexit 1\n`);
  chmodSync(program, 0o755);
  const asked: string[] = [];
  const reaped: string[] = [];
  const endings: (() => void)[] = [];
  const sandbox = {
    directory: path.join(folder, '1-abc'),
    folder: (name: string) => {
      mkdirSync(path.join(folder, name), { recursive: true });
      return path.join(folder, name);
    },
    atEnd: (ending: () => void) => endings.push(ending),
    orElse: (words: string[], when = 'at once') => {
      const line = `${when}: ${words.slice(1).join(' ')}`;
      reaped.push(line);
      return () => void reaped.splice(reaped.indexOf(line), 1);
    },
  } as unknown as Sandbox;
  const engine = new Engine({ ...PROPS, program }, async (_program, words) => {
    asked.push(words.join(' '));
    return answer(words);
  });
  const environment = { HTTPS_PROXY: 'http://image', PATH: '/bin' };
  const defaults: ImageDefaults = {
    workingDirectory: '/',
    environment,
    entryPoint: [],
    command: ['web'],
    stopSignal: 'SIGTERM',
  };
  const host = new EngineHost({
    engine,
    sandbox,
    machine: { kind: 'docker', processors: 1, globals: [], properties: new Set() },
    images: new Map([['uri', { name: 'sha256:1', platform: 'linux/amd64', defaults }]]),
    caBundle: '/ca.pem',
  });
  return { host, asked, reaped, end: () => endings.forEach((ending) => void ending()) };
}

const start = (host: EngineHost) => host.attach({ id: 'run/1', definition: DEFINITION, environment: {} }, false);

test('what an engine writes where it is called is not in the folder of the user', async () => {
  const { host } = hostOf(() => DONE);
  const { program } = await start(host);
  expect(program.workingDirectory).toBe(path.join(folder, 'calls'));
});

test('a container sees the local authorities, and no other file of this machine', async () => {
  const { host } = hostOf(() => DONE);
  const bundle = path.join(folder, '1-abc', 'trusted.crt');
  const volumes = async (environment: Record<string, string>) => {
    const { program } = await host.attach({ id: 'run/1', definition: DEFINITION, environment }, false);
    return program.words.filter((_, index) => program.words[index - 1] === '--volume').slice(1);
  };
  expect(await volumes({ PGSSLROOTCERT: '/etc/rds.pem', SSL_CERT_FILE: bundle })).toEqual([
    '/ca.pem:/etc/rds.pem:ro',
    `${bundle}:${bundle}:ro`,
  ]);
  expect(await volumes({ SSL_CERT_FILE: '/etc/ssl/cert.pem' })).toEqual([]);
});

test('a killed rehearsal leaves neither the container nor its volume', async () => {
  const { host, asked, reaped } = hostOf(() => DONE);
  const { program, release } = await start(host);
  expect(asked[0]).toMatch(/^volume create --label cdk-django-fargate-rehearsal=rehearsal-1-abc .*-run-1-storage$/);
  expect(reaped).toEqual([
    'last: volume rm --force rehearsal-1-abc-run-1-storage',
    'at once: rm --force rehearsal-1-abc-run-1',
  ]);
  // The proxy of the image is the container's; that of this machine is not.
  expect(program.words).toEqual(expect.arrayContaining(['HTTPS_PROXY', 'https_proxy=']));
  expect(program.environment.HTTPS_PROXY).toBe('http://image');
  await release();
  expect(reaped).toEqual([]);
});

test('a volume that is still in use is removed at the end, although a container cannot be removed', async () => {
  const { host, reaped, end } = hostOf((words) => (words[1] === 'create' ? DONE : BUSY));
  const { release } = await start(host);
  await release();
  expect(reaped).toHaveLength(2);
  end();
  expect(readFileSync(log, 'utf8')).toBe(
    'rm --force rehearsal-1-abc-run-1\nvolume rm --force rehearsal-1-abc-run-1-storage\n',
  );
});

test('a volume that cannot be made is named', async () => {
  const { host } = hostOf(() => ({ ...BUSY, stderr: 'no space left' }));
  await expect(start(host)).rejects.toThrow('run-1 cannot have its volume storage: no space left');
});

test('what rehearsals left that were killed is removed at the next start, volumes last; what runs stays', async () => {
  const asked: (readonly string[])[] = [];
  const lists: Record<string, string> = {
    ps: 'rehearsal-11-abc-web-1\nrehearsal-22-abc-web-1\nmine\n',
    volume: 'rehearsal-11-abc-web-1-storage\nrehearsal-22-abc-web-1-storage\nrehearsal-data\n',
  };
  const engine = new Engine({ ...PROPS, program: 'docker' }, async (_program, words) => {
    asked.push(words);
    return { ...DONE, stdout: words.includes('--format') ? lists[words[0]] : '' };
  });
  const swept = await sweepLeftovers(engine, (pid) => pid === 22);
  expect(swept).toEqual({ containers: ['rehearsal-11-abc-web-1'], volumes: ['rehearsal-11-abc-web-1-storage'] });
  expect(asked.filter((words) => words.includes('rm')).map((words) => words.join(' '))).toEqual([
    'rm --force rehearsal-11-abc-web-1',
    'volume rm --force rehearsal-11-abc-web-1-storage',
  ]);
  // Numbers of processes mean nothing on another machine.
  const [, place] = labelsOf('run');
  expect(asked.filter((words) => words.includes(`label=${place}`))).toHaveLength(2);
  expect((await sweepLeftovers(engine, () => true)).containers).toEqual([]);
});
