import { RETRY_DELAYS, unhurried } from '../../../rehearsal/task/launcher';

test('a process that posts or runs tasks gets more time for SQS and shorter delays, and keeps its other options', () => {
  const options = { region: 'eu-west-1', wait_time_seconds: 20, 'client-config': { read_timeout: 4 } };
  const { CELERY_BROKER_TRANSPORT_OPTIONS: made } = unhurried({
    CELERY_BROKER_TRANSPORT_OPTIONS: JSON.stringify(options),
  });
  const given = JSON.parse(made);
  expect(given).toMatchObject({ region: 'eu-west-1', wait_time_seconds: 20, retry_delays: RETRY_DELAYS });
  expect(given['client-config'].read_timeout).toBeGreaterThan(30);
});

test('a process without a broker gets none', () => {
  expect(unhurried({ PORT: '8000' })).toEqual({});
});

test('where SQS is let answer nothing, the timeouts of the template stay', () => {
  const options = { 'client-config': { read_timeout: 4 } };
  const { CELERY_BROKER_TRANSPORT_OPTIONS: made } = unhurried(
    { CELERY_BROKER_TRANSPORT_OPTIONS: JSON.stringify(options) },
    true,
  );
  expect(JSON.parse(made)).toEqual({ ...options, retry_delays: RETRY_DELAYS });
});
