import { exitCodeOf, NotRunnableHere } from '../../../rehearsal/image/not-runnable-here';

test('what is not runnable here ends with 77, and everything else with 1', () => {
  expect([exitCodeOf(new NotRunnableHere('no Python')), exitCodeOf(new Error('refused'))]).toEqual([77, 1]);
});
