import type { Property } from '../../../rehearsal/engine/abilities';
import { createWords, type Machine, type Wanted } from '../../../rehearsal/engine/arguments';

const CONFINEMENT = {
  isReadOnly: true,
  hasInit: true,
  droppedCapabilities: ['ALL'],
  addedCapabilities: [],
  ulimits: [],
};
const WANTED: Wanted = {
  name: 'run-web-1',
  labels: ['cdk-django-fargate-rehearsal=run'],
  image: 'sha256:abc',
  words: ['gunicorn', 'config.wsgi'],
  user: '10001:10001',
  confinement: CONFINEMENT,
  memory: 1024,
  cpu: 512,
  tmpfs: [{ path: '/tmp', size: 128, options: ['rw', 'nosuid', 'noexec'] }],
  mountPoints: [{ volume: 'run-web-1-storage', path: '/var/tmp/django' }],
  variables: ['DJANGO_SECRET_KEY'],
  variablesFile: '/run/variables',
  files: [{ path: '/etc/ssl/certs/rds.pem', local: '/run/ca.pem' }],
};
const ALL: Property[] = ['read-only', 'tmpfs', 'capabilities', 'init', 'memory', 'swap', 'processor'];
const DOCKER: Machine = { kind: 'docker', processors: 4, globals: [], properties: new Set(ALL) };

/** The values of an option, in order. */
function valuesOf(words: readonly string[], option: string): string[] {
  return words.flatMap((word, index) => (word === option ? [words[index + 1]] : []));
}

test.each<[string, Partial<Wanted>, string, string[]]>([
  ['the user', {}, '--user', ['10001:10001']],
  ['no user', { user: undefined }, '--user', []],
  ['a working directory', { workingDirectory: '/srv' }, '--workdir', ['/srv']],
  ['a file system in memory', {}, '--tmpfs', ['/tmp:rw,nosuid,noexec,size=128m,mode=1777']],
  [
    'volumes, and certificates over those of the image',
    {},
    '--volume',
    ['run-web-1-storage:/var/tmp/django', '/run/ca.pem:/etc/ssl/certs/rds.pem:ro'],
  ],
  ['dropped capabilities', {}, '--cap-drop', ['ALL']],
  [
    'added capabilities',
    { confinement: { ...CONFINEMENT, addedCapabilities: ['SYS_PTRACE'] } },
    '--cap-add',
    ['SYS_PTRACE'],
  ],
  ['the memory of the task', {}, '--memory', ['1024m']],
  [
    'the memory of the container, where it is less',
    { confinement: { ...CONFINEMENT, memory: 512 } },
    '--memory',
    ['512m'],
  ],
  ['no swap', {}, '--memory-swap', ['1024m']],
  ['half a processor', {}, '--cpus', ['0.5']],
  ['no more processors than there are', { cpu: 16_384 }, '--cpus', ['4']],
  ['the open files of Fargate', {}, '--ulimit', ['nofile=65535:65535']],
  [
    'a limit of the task definition',
    {
      confinement: { ...CONFINEMENT, ulimits: [{ name: 'nofile', soft: 10, hard: 20 }] },
    },
    '--ulimit',
    ['nofile=10:20'],
  ],
  ['the first word of the command', {}, '--entrypoint', ['gunicorn']],
])('%s', (_, changed, option, expected) => {
  expect(valuesOf(createWords({ ...WANTED, ...changed }, DOCKER), option)).toEqual(expected);
});

const NO_PROXIES = ['HTTP', 'HTTPS', 'FTP', 'NO', 'ALL'].flatMap((name) => [
  `${name}_PROXY=`,
  `${name.toLowerCase()}_proxy=`,
]);

test('variables by name, and none of the proxies that docker has in its configuration', () => {
  expect(valuesOf(createWords(WANTED, DOCKER), '--env')).toEqual(['DJANGO_SECRET_KEY', ...NO_PROXIES]);
  const own = createWords({ ...WANTED, variables: ['HTTPS_PROXY'] }, DOCKER);
  expect(valuesOf(own, '--env')).toEqual(['HTTPS_PROXY', ...NO_PROXIES.filter((one) => one !== 'HTTPS_PROXY=')]);
  // Which has an option for it.
  expect(valuesOf(createWords(WANTED, { ...DOCKER, kind: 'podman' }), '--env')).toEqual(['DJANGO_SECRET_KEY']);
});

test('the other words of the command come after the image', () => {
  expect(createWords(WANTED, DOCKER).slice(-2)).toEqual(['sha256:abc', 'config.wsgi']);
});

test('a file system that can be written to, and no init process, where the task definition says so', () => {
  const words = createWords({ ...WANTED, confinement: { ...CONFINEMENT, isReadOnly: false, hasInit: false } }, DOCKER);
  expect(words).not.toContain('--read-only');
  expect(words).not.toContain('--init');
});

test('podman adds nothing that can be written to, and none of the proxies of this machine', () => {
  const words = createWords(WANTED, { ...DOCKER, kind: 'podman' });
  expect(words).toEqual(expect.arrayContaining(['--read-only', '--read-only-tmpfs=false', '--http-proxy=false']));
  expect(createWords(WANTED, DOCKER)).not.toContain('--read-only-tmpfs=false');
  // Podman 5 would make it read-only, too, and Celery's prefork pool has its locks there.
  const shared = '/dev/shm:rw,nosuid,nodev,noexec,size=64m,mode=1777';
  expect(valuesOf(words, '--tmpfs')).toContain(shared);
  expect(valuesOf(createWords(WANTED, DOCKER), '--tmpfs')).not.toContain(shared);
  const own: Wanted = { ...WANTED, tmpfs: [{ path: '/dev/shm/', size: 8, options: [] }] };
  expect(valuesOf(createWords(own, { ...DOCKER, kind: 'podman' }), '--tmpfs').join()).not.toContain(shared);
});

test('what the engine cannot do here is left out', () => {
  const words = createWords(WANTED, { ...DOCKER, properties: new Set() });
  const options = ['--read-only', '--tmpfs', '--cap-drop', '--init', '--memory', '--memory-swap', '--cpus'];
  expect(options.filter((option) => words.includes(option))).toEqual([]);
  expect(words).toContain('--user');
});

test('no limit is above what this machine grants', () => {
  const ceilings = [
    { name: 'nofile', soft: 20_000, hard: 20_000 },
    { name: 'nproc', soft: 4096, hard: 4096 },
  ];
  const asked = { ...WANTED, confinement: { ...CONFINEMENT, ulimits: [{ name: 'nproc', soft: 100, hard: 9000 }] } };
  expect(valuesOf(createWords(asked, { ...DOCKER, ceilings }), '--ulimit')).toEqual([
    'nofile=20000:20000',
    'nproc=100:4096',
  ]);
});

test('files of this machine are read-only at their paths in the container', () => {
  const files = [...WANTED.files, { path: '/run/trusted.crt', local: '/run/trusted.crt' }];
  const volumes = valuesOf(createWords({ ...WANTED, files }, DOCKER), '--volume');
  expect(volumes).toEqual(
    expect.arrayContaining(['/run/ca.pem:/etc/ssl/certs/rds.pem:ro', '/run/trusted.crt:/run/trusted.crt:ro']),
  );
});
