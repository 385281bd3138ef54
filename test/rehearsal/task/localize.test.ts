import { typedWords } from '../../../rehearsal/task/container';
import { commandOnLoopback, localize, localizeCommand } from '../../../rehearsal/task/localize';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';
import { oneOff } from '../../../rehearsal/view/rehearsal-controls';

/** The proxy is a module of ECMAScript alone, which Jest cannot load. */
jest.mock('httpxy', () => ({ createProxyServer: () => undefined }));

const local = {
  temporary: '/run/tmp-web-1',
  root: '/cache/image',
  exists: (file: string) => file === '/app/static',
  containerPort: 8000,
  port: 43210,
  caBundle: { path: '/etc/ssl/certs/rds.pem', local: '/run/ca.crt' },
};

test('addresses and the port of the container are those of this machine', () => {
  expect(localize('0.0.0.0:8000', local)).toBe('127.0.0.1:43210');
  expect(localize("urlopen('http://127.0.0.1:8000/healthz')", local)).toBe("urlopen('http://127.0.0.1:43210/healthz')");
});

test('numbers that only contain the port stay', () => {
  expect(localize('18000', local)).toBe('18000');
  expect(localize('80001', local)).toBe('80001');
});

test('/tmp is the task’s own folder, and only /tmp itself', () => {
  expect(localize('/tmp/celery-liveness', local)).toBe('/run/tmp-web-1/celery-liveness');
  expect(localize('/tmp', local)).toBe('/run/tmp-web-1');
  expect(localize('/app/tmp/file', local)).toBe('/app/tmp/file');
  expect(localize('/tmpfile', local)).toBe('/tmpfile');
});

test('the certificate bundle and files of the image are found', () => {
  expect(localize('/etc/ssl/certs/rds.pem', local)).toBe('/run/ca.crt');
  expect(localize('/app/static', local)).toBe('/cache/image/app/static');
  expect(localize('/usr/bin/env', local)).toBe('/usr/bin/env');
});

test('a path within a word is one of the image, too', () => {
  expect(localize('cd /app/static && ls', local)).toBe('cd /cache/image/app/static && ls');
  expect(localize('--chdir=/app/static', local)).toBe('--chdir=/cache/image/app/static');
  expect(localize('https://example.com/app/static', local)).toBe('https://example.com/app/static');
});

test('the local certificate bundle keeps its path when the repository itself lies below /tmp', () => {
  const caBundle = { path: '/etc/ssl/certs/rds-global-bundle.pem', local: '/tmp/clone/.cache/ca.crt' };
  expect(localize(caBundle.path, { ...local, caBundle })).toBe('/tmp/clone/.cache/ca.crt');
});

test('a list of folders is one of paths', () => {
  expect(localize('/app/static:/usr/lib:/app/static', local)).toBe(
    '/cache/image/app/static:/usr/lib:/cache/image/app/static',
  );
  expect(localize('a:/app/static', local)).toBe('a:/cache/image/app/static');
});

test('a volume is its folder, before the /var/tmp that it lies in, and what replaced it is not looked at again', () => {
  const volumes = new Map([['/var/tmp/django', '/tmp/clone/volume']]);
  expect(localize('/var/tmp/django', { ...local, volumes })).toBe('/tmp/clone/volume');
  expect(localize('/var/tmp/django/a', { ...local, volumes })).toBe('/tmp/clone/volume/a');
  expect(localize('/var/tmp/other', { ...local, volumes })).toBe('/run/tmp-web-1/other');
  expect(localize('/var/tmp/djangos', { ...local, volumes })).toBe('/run/tmp-web-1/djangos');
});

test('what a person types keeps its addresses and numbers; files are where they are on this machine', () => {
  const typed = ['runserver', '0.0.0.0:8000', '--limit', '8000', '/app/static', '/tmp/x'];
  expect(localizeCommand(['serve', '--port', '8000', ...typed], local, typed.length)).toEqual([
    ...['serve', '--port', '43210', 'runserver', '0.0.0.0:8000', '--limit', '8000'],
    ...['/cache/image/app/static', '/run/tmp-web-1/x'],
  ]);
  expect(localizeCommand(typed, local, 0)[1]).toBe('127.0.0.1:43210');
  // In a container files are where they are.
  expect(commandOnLoopback(['8000', ...typed], local, typed.length)).toEqual(['43210', ...typed]);
});

test('the words of a person are the command of a one-off task, after the entry point of the image', () => {
  const definition = { command: ['gunicorn', '--bind', '0.0.0.0:8000'] } as TaskDefinition;
  expect(typedWords(definition)).toBe(0);
  expect(typedWords(oneOff(definition, ['echo', '8000']))).toBe(2);
});
