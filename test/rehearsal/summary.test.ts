import { summary } from '../../rehearsal/check-run';
import type { Outcome, Verdict } from '../../rehearsal/checks/check';

/** The proxy is a module of ECMAScript alone, which Jest cannot load. */
jest.mock('httpxy', () => ({ createProxyServer: () => undefined }));

const outcome = (name: string, verdict: Verdict): Outcome => ({ name, verdict, detail: '', seconds: 0 });

test('a run passes when a check has passed and none has failed', () => {
  const outcomes = [outcome('start', 'passed'), outcome('image', 'not applicable')];
  expect(summary(outcomes)).toEqual({ text: '1 passed, 0 failed', passed: true });
  expect(summary([...outcomes, outcome('web', 'failed'), outcome('asgi', 'not reached')])).toEqual({
    text: '1 passed, 1 failed, 1 not reached',
    passed: false,
  });
});

test('a run without a check that passed has not passed, and says why', () => {
  for (const outcomes of [[], [outcome('image', 'not applicable')]]) {
    const { text, passed, problem } = summary(outcomes);
    expect([text, passed]).toEqual(['0 passed, 0 failed', false]);
    expect(problem).toMatch(/^no check applies to this stack/);
  }
});

test('what a chosen check needs does not stand for it', () => {
  const outcomes = [outcome('start', 'passed'), outcome('image', 'not applicable')];
  const { text, passed, problem } = summary(outcomes, (name) => name === 'image');
  expect([text, passed]).toEqual(['1 passed, 0 failed', false]);
  expect(problem).toMatch(/^no check that was asked for applies/);
  expect(summary(outcomes, (name) => name === 'start').passed).toBe(true);
});
