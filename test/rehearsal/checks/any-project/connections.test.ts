import { connectionChecks, watchConnections } from '../../../../rehearsal/checks/any-project/connections';
import { type CheckContext, NotApplicable } from '../../../../rehearsal/checks/check';
import type { Rehearsal } from '../../../../rehearsal/rehearsal';

/** A web service whose tasks may hold eight connections each; PostgreSQL counts these ones, look by look. */
async function underLoad(looks: Record<string, number>[]) {
  const definition = { environment: { DJANGO_FARGATE_CONNECTIONS: '4', WEB_CONCURRENCY: '2' } };
  const services = [
    { name: 'web', definition },
    { name: 'worker', definition: { environment: {} } },
  ];
  let over: () => void = () => undefined;
  const allLooked = new Promise<void>((resolve) => {
    over = resolve;
  });
  const query = async () => {
    const look = looks.shift() ?? {};
    if (looks.length === 0) {
      over();
    }
    return { rows: Object.entries(look).map(([task, count]) => ({ task, count: String(count) })) };
  };
  const postgres = { query: (_: string, use: (client: object) => Promise<void>) => use({ query }) };
  const rehearsal = { services, postgres } as unknown as Rehearsal;
  await watchConnections(rehearsal, () => allLooked);
  return connectionChecks[0].run({ rehearsal } as CheckContext);
}

test('a load that was never there counts for nothing', async () => {
  const rehearsal = { services: [], postgres: {} } as unknown as Rehearsal;
  await expect(connectionChecks[0].run({ rehearsal } as CheckContext)).rejects.toThrow(NotApplicable);
});

test('the most connections that a task ever held must be within what the template counts', async () => {
  await expect(underLoad([{ 'web/1': 3 }, { 'web/1': 9, 'web/2': 8, 'worker/1': 20 }, { 'web/1': 1 }])).rejects.toThrow(
    /^web\/1 held 9 connections, the template counts 8\. Make a pool of DJANGO_FARGATE_CONNECTIONS/,
  );
  expect(await underLoad([{ 'web/1': 8, 'worker/1': 20 }])).toBe('web/1 8 of 8');
  expect(await underLoad([{}])).toBe('the page asked for none');
});
