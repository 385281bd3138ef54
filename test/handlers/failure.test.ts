import { Failure, isTransient, nameOf, safeFailure } from '../../constructs/handlers/shared/failure';

describe('what leaves a handler of an error', () => {
  test('is the message of one that we wrote', () => {
    expect(safeFailure('look', new Failure('the instance is modifying')).message).toBe(
      'look: the instance is modifying',
    );
  });

  test.each([
    ['an error of an SDK', Object.assign(new Error('hunter2'), { name: 'AccessDenied' }), 'AccessDenied'],
    ['one with a code', Object.assign(new Error('hunter2'), { code: '28P01' }), 'Error 28P01'],
    ['one of PostgreSQL, whose name says nothing', { name: 'error', code: '42P01', message: 'hunter2' }, '42P01'],
    ['one whose name is a sentence', Object.assign(new Error('x'), { name: 'hunter2 is wrong' }), 'Error'],
    ['a text that was thrown', 'hunter2', 'Error'],
    ['nothing that was thrown', null, 'Error'],
    ['undefined', undefined, 'Error'],
  ])('is a name of %s', (_, error, name) => {
    expect(nameOf(error)).toBe(name);
    expect(safeFailure('look', error).message).toBe(`look: ${name}`);
    expect(safeFailure('look', error).stack).not.toContain('hunter2');
  });
});

test.each([
  [{ name: 'ThrottlingException' }, true],
  [{ name: 'X', $retryable: {} }, true],
  [{ name: 'X', $metadata: { httpStatusCode: 503 } }, true],
  [{ name: 'X', $metadata: { httpStatusCode: 403 } }, false],
  [{ name: 'AccessDenied' }, false],
  ['throttled', false],
])('%j may work later: %s', (error, expected) => {
  expect(isTransient(error)).toBe(expected);
});
