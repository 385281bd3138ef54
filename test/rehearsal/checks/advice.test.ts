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
  ['OSError: [Errno 98] Address already in use', /has a fixed port, and the tasks of the rehearsal share/],
  [
    "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8765): address already in use",
    /a fixed port, 8765, and .* one machine: let the server listen on the variable PORT/,
  ],
  ["[2026-11-28 20:00:00 +0000] [7] [ERROR] Can't connect to ('0.0.0.0', 8765)", /a fixed port, 8765, and/],
  ["[ERROR] Connection in use: ('::', 8765)", /a fixed port, 8765, and/],
  ['Error: listen EADDRINUSE: address already in use 0.0.0.0:3000', /a fixed port, 3000, and/],
  ['Error: That port is already in use.', /a fixed port, and/],
  ['bind() to 0.0.0.0:80 failed (98: Address already in use)', /a fixed port, and/],
])('%s is followed by what to do', (error, words) => {
  const message = advised(`the release failed: ${error}\nlogs are elsewhere`);
  const [first, second] = message.split('\n');
  expect(first).toMatch(words);
  expect(first).toContain(error);
  expect(second).toBe('logs are elsewhere');
});

test('a server that cannot be reached is none whose port is taken', () => {
  const error = "connection to ('10.0.0.1', 5432) failed: Connection refused";
  expect(advised(error)).toBe(error);
});

test('an error that nobody knows stays as it is', () => {
  expect(advised("KeyError: 'name'")).toBe("KeyError: 'name'");
});
