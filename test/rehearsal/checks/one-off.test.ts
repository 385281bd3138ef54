import { manage } from '../../../rehearsal/checks/one-off';
import { celeryCommand } from '../../../rehearsal/checks/queues';

test.each([
  ['of the release', [['gunicorn'], ['python', 'manage.py', 'migrate', '--noinput']], true, ['python', 'manage.py']],
  ['in a subfolder', [['python3', 'src/manage.py', 'migrate']], false, ['python3', 'src/manage.py']],
  ['of the image', [['gunicorn', 'a.wsgi'], undefined], true, ['python', 'manage.py']],
  ['without manage.py', [['django-admin', 'migrate']], false, ['python', '-m', 'django']],
])('manage.py is called as that %s is', (_, commands, hasManage, expected) => {
  const definitions = (commands as (string[] | undefined)[]).map((command) => ({ command }));
  expect(manage(definitions, hasManage as boolean)).toEqual(expected);
});

test.each([
  [
    ['celery', '--app', 'config', 'worker', '--queues', 'a'],
    ['celery', '--app', 'config'],
  ],
  [
    ['python', '-m', 'celery', '-A', 'x', 'worker'],
    ['python', '-m', 'celery', '-A', 'x'],
  ],
  [
    ['ddtrace-run', '/venv/bin/celery', '-A', 'x', 'worker'],
    ['ddtrace-run', '/venv/bin/celery', '-A', 'x'],
  ],
  [['celery', '--app', 'config', 'beat'], undefined],
  [['python', 'manage.py', 'qcluster', 'worker'], undefined],
  [['sh', '-c', 'celery -A x worker'], undefined],
  [undefined, undefined],
])('of the command %j stands %j before the worker', (command, expected) => {
  expect(celeryCommand(command)).toEqual(expected);
});
