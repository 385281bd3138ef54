import type { CheckContext } from '../../../rehearsal/checks/check';
import type { FrontDoor } from '../../../rehearsal/checks/front-door';
import { findPage, pageOf, SECONDS } from '../../../rehearsal/checks/page';
import type { Rehearsal } from '../../../rehearsal/rehearsal';

const HOST = 'api.example.com';

interface Answer {
  readonly status: number;
  readonly location?: string;
  /** Whether the load balancer answers it without asking the application. */
  readonly byLoadBalancer?: boolean;
}

/** A stack with one service, whose application answers these paths, and 404 to any other. */
function stack(
  answers: Record<string, Answer | Answer[]>,
  pages?: string[],
  { secure = true, isDescribed = true, logged = 'ValueError: no' } = {},
) {
  const asked: string[] = [];
  const target = { id: 'web/1' };
  const running = [{ task: { logs: { last: () => ['GET / 500', logged] } } }];
  const web = { name: 'web', running, group: { targets: [target], settings: { path: '/up' } } };
  const rehearsal = {
    services: [{ name: 'worker', running: [] }, web],
    listeners: [{ port: secure ? 443 : 80, secure }],
  } as unknown as Rehearsal;
  const calls = { last: target, requests: () => reached };
  let reached = 0;
  const front = {
    calls,
    secure,
    isDescribed,
    hostFor: () => HOST,
    request: async (path: string) => {
      asked.push(path);
      const all = [answers[path] ?? { status: 404 }].flat();
      const { status, location, byLoadBalancer } = all[Math.min(asked.length, all.length) - 1];
      reached += byLoadBalancer ? 0 : 1;
      return { status, headers: { location }, body: 'text' };
    },
  } as unknown as FrontDoor;
  return { context: { rehearsal, front, pages } as CheckContext, asked, web };
}

test.each([
  ['a start page', { '/': { status: 200 } }, '/', 200],
  ['a login first', { '/': { status: 302, location: '/accounts/login/' } }, '/', 302],
  ['an API with an admin', { '/admin/login/': { status: 200 } }, '/admin/login/', 200],
  ['an API alone', { '/up': { status: 200 } }, '/up', 200],
  ['pages for those who are logged in', { '/': { status: 403 } }, '/', 403],
])('the page of %s is found', async (_, answers: Record<string, Answer>, path, status) => {
  const { context, web } = stack(answers);
  expect(await findPage(context)).toMatchObject({ path, status, host: HOST, service: web });
  expect(pageOf(context.rehearsal)).toMatchObject({ path, status });
});

test('every page that the user names must be one, and others are not asked for', async () => {
  const { context, asked } = stack({ '/api/': { status: 401 }, '/docs/': { status: 200 } }, ['/api/', '/docs/']);
  expect(await findPage(context)).toMatchObject({ path: '/docs/', status: 200 });
  expect(asked).toEqual(['/api/', '/docs/']);
});

test('an error of the server is asked again', async () => {
  const { context, asked } = stack({ '/': [{ status: 503 }, { status: 200 }] });
  expect(await findPage(context)).toMatchObject({ path: '/', status: 200 });
  expect(asked).toEqual(['/', '/']);
});

test.each([
  ['a host name that Django refuses', { status: 400 }, `/ answered 400 to ${HOST}: Django refuses the name`],
  ['a redirect to itself', { status: 301, location: `https://${HOST}/` }, 'SECURE_PROXY_SSL_HEADER'],
])('fails at once with %s', async (_, answer, message) => {
  await expect(findPage(stack({ '/': answer }).context)).rejects.toThrow(message);
});

test('a redirect to HTTPS of its own name fails where no listener has HTTPS', async () => {
  const { context } = stack({ '/': { status: 301, location: `https://${HOST}/` } }, undefined, { secure: false });
  await expect(findPage(context)).rejects.toThrow(
    `/ leads to https://${HOST}/, which no listener of the stack answers: SECURE_SSL_REDIRECT needs a domain name.`,
  );
});

test.each([
  ['leads elsewhere', 'https://login.example.net/', { secure: false }],
  ['stays on HTTP', '/accounts/login/', { secure: false }],
  ['passes a listener that no stack describes', `https://${HOST}/`, { secure: false, isDescribed: false }],
  ['has HTTPS', `https://${HOST}/accounts/login/`, { secure: true }],
])('a redirect that %s is an answer', async (_, location, options) => {
  const { context } = stack({ '/': { status: 302, location } }, undefined, options);
  expect(await findPage(context)).toMatchObject({ path: '/', status: 302, location });
});

describe('when the time is over', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test.each([
    [
      'an error of the server',
      { status: 500 },
      `a page at /: not within ${SECONDS} s (last: / answered 500 to ${HOST})`,
    ],
    ['an answer of the load balancer', { status: 404, byLoadBalancer: true }, 'the load balancer itself answered 404'],
  ])('%s fails, and says the status', async (_, answer, message) => {
    const failing = expect(findPage(stack({ '/': answer }).context)).rejects.toThrow(message);
    await jest.advanceTimersByTimeAsync((SECONDS + 5) * 1000);
    await failing;
  });

  test('an error of the server of which nothing is in the log says so', async () => {
    const { context } = stack({ '/': { status: 500 } }, undefined, { logged: '' });
    const message = `/ answered 500 to ${HOST}. Nothing is in the log: the settings have no LOGGING that writes errors`;
    const failing = expect(findPage(context)).rejects.toThrow(message);
    await jest.advanceTimersByTimeAsync((SECONDS + 5) * 1000);
    await failing;
  });
});
