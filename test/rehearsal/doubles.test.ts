import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { withoutCredentials } from '../../rehearsal/image/python';

const TOKEN = 'f'.repeat(32);
const OURS = { HTTP_HOST: '127.0.0.1:5000', PATH_INFO: `/${TOKEN}/123456789012/queue` };

/** Runs the guard in front of an application that answers with the path it sees; gives the status and that path. */
function ask(...requests: Record<string, string>[]): [status: string, path: string][] {
  const program = `
import json, sys
sys.path.insert(0, sys.argv[1])
from guarded_doubles import Guard

def application(environ, start_response):
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]

answers = []
for environ in json.loads(sys.argv[3]):
    statuses = []
    body = b"".join(Guard(application, sys.argv[2])(environ, lambda status, headers: statuses.append(status)))
    answers.append([statuses[0], body.decode()])
print(json.dumps(answers))`;
  const folder = path.join(__dirname, '..', '..', 'rehearsal', 'aws');
  return JSON.parse(execFileSync('python3', ['-B', '-c', program, folder, TOKEN, JSON.stringify(requests)]).toString());
}

test('the doubles see the requests of our own processes without the token', () => {
  expect(ask(OURS, { ...OURS, HTTP_HOST: 'localhost:1' }, { ...OURS, PATH_INFO: `/${TOKEN}` })).toEqual([
    ['200 OK', '/123456789012/queue'],
    ['200 OK', '/123456789012/queue'],
    ['200 OK', '/'],
  ]);
});

test('one sign of a stranger is enough to be refused', () => {
  const strangers = [
    { ...OURS, HTTP_ORIGIN: 'https://evil.example' },
    { ...OURS, HTTP_ORIGIN: 'null' },
    { ...OURS, HTTP_ORIGIN: 'http://127.0.0.1:5000' },
    { ...OURS, HTTP_SEC_FETCH_SITE: 'cross-site' },
    { ...OURS, HTTP_HOST: 'rebind.evil.example' },
    { ...OURS, HTTP_HOST: '127.0.0.1.evil.example:5000' },
    { ...OURS, HTTP_HOST: '' },
    { ...OURS, PATH_INFO: '/123456789012/queue' },
    { ...OURS, PATH_INFO: '/moto-api/config' },
    { ...OURS, PATH_INFO: `/${TOKEN.slice(1)}/` },
    { ...OURS, PATH_INFO: `/${TOKEN}0/` },
    { ...OURS, PATH_INFO: `/x/${TOKEN}/` },
    { ...OURS, PATH_INFO: '/\u00e9/' },
    { ...OURS, PATH_INFO: '' },
  ];
  expect(ask(...strangers)).toEqual(strangers.map(() => ['403 Forbidden', '']));
});

test('pip is not given what lets its reader in', () => {
  const kept = {
    PATH: '/bin',
    HOME: '/home/ada',
    PIP_INDEX_URL: 'https://user:pass@index.example',
    LANG: 'C',
    HTTPS_PROXY: 'p',
  };
  const dropped = Object.fromEntries(
    ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'GITHUB_TOKEN', 'DB_PASSWORD', 'STRIPE_API_KEY', 'DJANGO_SECRET_KEY'].map(
      (name) => [name, 'canary'],
    ),
  );
  expect(withoutCredentials({ ...kept, ...dropped })).toEqual(kept);
});

test('what is in a queue is shown, and every other path is left to the double', () => {
  const program = `
import json, sys
sys.path.insert(0, sys.argv[1])
from guarded_doubles import Messages

def application(environ, start_response):
    start_response("404 Not Found", [])
    return [b"the double"]

messages = Messages(application, lambda name: [f"a message of {name}"])
answers = []
for path in ["/rehearsal/messages/Shop-default", "/rehearsal/messages", "/123456789012/queue"]:
    statuses = []
    body = b"".join(messages({"PATH_INFO": path}, lambda status, headers: statuses.append(status)))
    answers.append([statuses[0], body.decode()])
print(json.dumps(answers))`;
  const folder = path.join(__dirname, '..', '..', 'rehearsal', 'aws');
  expect(JSON.parse(execFileSync('python3', ['-B', '-c', program, folder]).toString())).toEqual([
    ['200 OK', '["a message of Shop-default"]'],
    ['404 Not Found', 'the double'],
    ['404 Not Found', 'the double'],
  ]);
});
