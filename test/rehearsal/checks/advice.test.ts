import { advised } from '../../../rehearsal/checks/advice';

test.each([
  ["KeyError: 'MAIL_PASSWORD'", /Nothing sets MAIL_PASSWORD: /],
  ['ImproperlyConfigured: Set the SENTRY_DSN environment variable', /Nothing sets SENTRY_DSN: /],
  ["ModuleNotFoundError: No module named 'config.setings'", /no module config\.setings: `settingsModule`/],
  ['django.db.utils.OperationalError: unable to open database file', /use SQLite/],
  [
    "PermissionError: [Errno 13] Permission denied: '/app/site.log'",
    /It writes to \/app\/site\.log: .*\/tmp.*`temporaryStorage`.*S3/,
  ],
  ["OSError: [Errno 30] Read-only file system: '/app/a'", /It writes to \/app\/a: .*\/tmp.*`temporaryStorage`.*S3/],
  [
    "Error: '127.0.0.2/32' does not appear to be an IPv4 or IPv6 address",
    /gunicorn before 24\.1 takes no network in FORWARDED_ALLOW_IPS .*: install gunicorn 27\.0\.1/,
  ],
  ["ValueError: Missing staticfiles manifest entry for 'a.css'", /run collectstatic in the Dockerfile, after/],
])('%s is followed by what to do', (error, words) => {
  const message = advised(`the release failed: ${error}\nlogs are elsewhere`);
  const [first, second] = message.split('\n');
  expect(first).toMatch(words);
  expect(first).toContain(error);
  expect(second).toBe('logs are elsewhere');
});

test('an error that nobody knows stays as it is', () => {
  expect(advised("KeyError: 'name'")).toBe("KeyError: 'name'");
});
