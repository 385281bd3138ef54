import { lastError } from '../../../rehearsal/task/last-error';

const of = (...lines: string[]) => lastError({ logs: { last: () => lines } });

test('the last exception counts, wherever later lines mention an error', () => {
  expect(of('Traceback', 'KeyError: first', 'ValueError: second', 'worker: exit with an error')).toBe(
    'ValueError: second',
  );
});

test('an exception whose sentence begins on the next line is shown with it', () => {
  const lines = [
    'RuntimeError: ',
    'Retry limit exceeded while trying to reconnect to the result store',
    'backend.',
    '',
  ];
  expect(of('Traceback', ...lines)).toBe(
    'RuntimeError: Retry limit exceeded while trying to reconnect to the result store backend.',
  );
});

test('without an exception the last line that mentions an error counts, otherwise the last one', () => {
  expect(of('connection refused', 'bye')).toBe('connection refused');
  expect(of('hello', 'bye')).toBe('bye');
  expect(of()).toBe('no output');
});

test('of logs in JSON the last line of the exception counts', () => {
  expect(of(JSON.stringify({ message: 'failed', exception: 'Traceback\nOSError: no space\n' }))).toBe(
    'OSError: no space',
  );
});
