import { matchesEvent } from '../../../rehearsal/template/event-pattern';

const event = {
  source: 'aws.ecs',
  detail: {
    stopCode: 'EssentialContainerExited',
    containers: [
      { name: 'app', exitCode: 1 },
      { name: 'log', exitCode: 0 },
    ],
  },
};

test('lists of values, prefixes and exclusions', () => {
  expect(matchesEvent({ source: ['aws.ecs', 'aws.s3'] }, event)).toBe(true);
  expect(matchesEvent({ source: [{ prefix: 'aws.' }] }, event)).toBe(true);
  expect(matchesEvent({ source: [{ 'anything-but': ['aws.ecs'] }] }, event)).toBe(false);
  expect(matchesEvent({ detail: { reason: [{ exists: false }] } }, event)).toBe(true);
});

test('an object pattern holds when one item of a list matches it whole', () => {
  expect(matchesEvent({ detail: { containers: { name: ['app'], exitCode: [{ 'anything-but': [0] }] } } }, event)).toBe(
    true,
  );
  expect(matchesEvent({ detail: { containers: { name: ['log'], exitCode: [{ 'anything-but': [0] }] } } }, event)).toBe(
    false,
  );
});

test('one of the alternatives is enough', () => {
  const pattern = {
    detail: { $or: [{ stopCode: ['TaskFailedToStart'] }, { stopCode: ['EssentialContainerExited'] }] },
  };
  expect(matchesEvent(pattern, event)).toBe(true);
});

test('numbers are compared', () => {
  expect(matchesEvent({ detail: { containers: { exitCode: [{ numeric: ['>', 0, '<', 2] }] } } }, event)).toBe(true);
  expect(matchesEvent({ detail: { containers: { exitCode: [{ numeric: ['>', 1] }] } } }, event)).toBe(false);
});
