import { accessLogCheck } from '../../../../rehearsal/checks/any-project/access-log';
import { type CheckContext, NotApplicable } from '../../../../rehearsal/checks/check';
import { findPage } from '../../../../rehearsal/checks/page';

/** A project whose access log has such a line for each request. */
async function logging(line: (agent: string) => string) {
  const lines: string[] = [];
  const target = {};
  const task = { logs: { last: () => lines } };
  const group = { targets: [target], settings: { path: '/' } };
  const web = { name: 'web', members: [{ task }], group };
  let reached = 0;
  const front = {
    calls: { last: target, requests: () => reached },
    hostFor: () => 'shop.example.com',
    request: async (_: string, { headers = {} }: { headers?: Record<string, string> }) => {
      reached++;
      lines.push(line(headers['user-agent'] ?? ''));
      return { status: 200, headers: {}, body: '' };
    },
  };
  const context = { rehearsal: { services: [web] }, front } as unknown as CheckContext;
  await findPage(context);
  return accessLogCheck.run(context);
}

test('the address of the client, or of the load balancer, is in the access log, and never a claimed one alone', async () => {
  expect(await logging((agent) => `127.0.0.9 "GET /" 200 "${agent}"`)).toBe('the client’s address is in it');
  expect(await logging((agent) => `[203.0.113.77, 127.0.0.9] ${agent}`)).toBe('the client’s address is in it');
  expect(await logging((agent) => `127.0.0.1 "${agent}"`)).toBe('it has the address of the load balancer');
  await expect(logging((agent) => `203.0.113.77 "${agent}"`)).rejects.toThrow(
    "web takes the client's claim 203.0.113.77 for its address",
  );
});

test('without an access log it does not apply', async () => {
  jest.useFakeTimers();
  const failing = expect(logging(() => 'a line of a log')).rejects.toThrow(NotApplicable);
  await jest.advanceTimersByTimeAsync(15_000);
  await failing;
  jest.useRealTimers();
});
