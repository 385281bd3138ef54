import type { CheckContext } from '../../../../rehearsal/checks/check';
import { findPage } from '../../../../rehearsal/checks/page';

/** What the context of a check is made of. */
export interface FakePage {
  readonly environment: Readonly<Record<string, string>>;
  readonly signed: object;
  /** Starts a one-off command; gives what it prints. */
  readonly run: () => Promise<string[]>;
}

/** The context of a check whose stack has one page, by a service with the role `Web`. */
export async function fakePage({ environment, signed, run }: FakePage): Promise<CheckContext> {
  const target = { id: 'web/1' };
  const group = { targets: [target], settings: { path: '/' } };
  const web = { running: [], group, definition: { taskRole: 'Web', environment } };
  let requests = 0;
  const front = {
    ...{ secure: true, isDescribed: true, calls: { last: target, requests: () => requests } },
    hostFor: () => 'shop.example.com',
    request: async () => {
      requests++;
      return { status: 200, headers: {}, body: '' };
    },
  };
  const rehearsal = {
    ...{ services: [web], listeners: [{ port: 443, secure: true }], definitions: new Map(), signed },
    imageHas: () => true,
    run: async () => {
      const lines = await run();
      return { exited: Promise.resolve({ code: 0 }), logs: { last: () => lines } };
    },
  };
  const context = { rehearsal, front } as unknown as CheckContext;
  await findPage(context);
  return context;
}
