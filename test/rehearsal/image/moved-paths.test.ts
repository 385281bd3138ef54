import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { movePaths, moveTexts } from '../../../rehearsal/image/moved-paths';

const has = [
  '/app',
  '/app/manage.py',
  '/code/static',
  '/opt/x/a.ini',
  '/etc/hosts',
  '/etc/of-the-image.conf',
  '/bin/sh',
];
const moved = (text: string) => movePaths(text, '/cache/image', (file) => has.includes(file));

test.each([
  ['python /app/manage.py migrate', 'python /cache/image/app/manage.py migrate'],
  ['cd /app && exec "$@"', 'cd /cache/image/app && exec "$@"'],
  ['gunicorn --chdir=/app x', 'gunicorn --chdir=/cache/image/app x'],
  ['export PYTHONPATH="/app:/code/static"', 'export PYTHONPATH="/cache/image/app:/cache/image/code/static"'],
  ['static-map = /static=/code/static', 'static-map = /static=/cache/image/code/static'],
  ['. /etc/of-the-image.conf', '. /cache/image/etc/of-the-image.conf'],
])('a path of the image is moved: %s', (text, expected) => {
  expect(moved(text)).toBe(expected);
});

test.each([
  'cat /etc/hosts | /bin/sh > /dev/null 2>/tmp/log', // This machine has these, too.
  'curl http://localhost/app https://example.com//app', // Addresses.
  '"$HOME/app" "$1/app" ./app ../app x/app ~/app', // The end of another path.
  'sed s/app/x/ file && cat /app/nothing /apple', // Nothing of the image.
])('what is no path of the image stays: %s', (text) => {
  expect(moved(text)).toBe(text);
});

test('scripts and settings that a task starts with are moved, and no others', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'moved-'));
  try {
    const line = 'cd /app\n';
    const files = {
      start: `#!/bin/bash\n${line}`,
      'usr/local/bin/docker-entrypoint.sh': `#!/usr/bin/env sh\n${line}`,
      'app/uwsgi.ini': line,
      'app/gunicorn.conf.py': line,
      'app/views.py': line,
      'app/node_modules/x/start.sh': line,
      'usr/bin/start.sh': line,
    };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
    expect(moveTexts(root, '/final').sort()).toEqual(
      ['/app/gunicorn.conf.py', '/app/uwsgi.ini', '/start', '/usr/local/bin/docker-entrypoint.sh'].sort(),
    );
    expect(readFileSync(path.join(root, 'start'), 'utf8')).toBe('#!/bin/bash\ncd /final/app\n');
    expect(readFileSync(path.join(root, 'app/views.py'), 'utf8')).toBe(line);
    expect(moveTexts(root, '/final')).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
