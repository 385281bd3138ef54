import { mailChecks } from '../../../../rehearsal/checks/any-project/mail';
import { type CheckContext, NotApplicable } from '../../../../rehearsal/checks/check';
import { MAIL_FORGED } from '../../../../rehearsal/checks/names';
import { findPage } from '../../../../rehearsal/checks/page';

/** A rehearsal with one page, whose policy names these senders. Its tasks cannot start. */
async function forged(senders: string[]): Promise<string | undefined> {
  const target = { id: 'web/1' };
  const environment = { DEFAULT_FROM_EMAIL: 'no-reply@shop.example.com' };
  const web = {
    running: [],
    group: { targets: [target], settings: { path: '/' } },
    definition: { taskRole: 'Web', environment },
  };
  let requests = 0;
  const front = {
    ...{ secure: true, isDescribed: true, calls: { last: target, requests: () => requests } },
    hostFor: () => 'shop.example.com',
    request: async () => {
      requests++;
      return { status: 200, headers: {}, body: '' };
    },
  };
  const run = () => Promise.reject(new Error('a mail is sent'));
  const roles = { valuesOf: (role: string) => (role === 'Web' ? senders : []) };
  const rehearsal = {
    ...{ services: [web], listeners: [{ port: 443, secure: true }], definitions: new Map(), run },
    ...{ imageHas: () => true, signed: { ses: { mails: [] }, roles } },
  };
  const context = { rehearsal, front } as unknown as CheckContext;
  await findPage(context);
  return mailChecks.find(({ name }) => name === MAIL_FORGED)?.run(context);
}

test('where the policy lets every address of the domain send, none is forged', async () => {
  await expect(forged(['no-reply@shop.example.com', '*@shop.example.com'])).rejects.toThrow(NotApplicable);
});

test.each([[['no-reply@shop.example.com']], [['*@news.example.com']], [['*']], [[]]])(
  'where the policy names %j, mail of somebody else is tried',
  async (senders) => {
    await expect(forged(senders)).rejects.toThrow('a mail is sent');
  },
);
