import { mailChecks } from '../../../../rehearsal/checks/any-project/mail';
import { NotApplicable } from '../../../../rehearsal/checks/check';
import { MAIL_FORGED } from '../../../../rehearsal/checks/names';
import { fakePage } from './fake-page';

/** Looks at a stack whose policy names these senders, and whose tasks cannot start. */
async function forged(senders: string[]): Promise<string | undefined> {
  const context = await fakePage({
    environment: { DEFAULT_FROM_EMAIL: 'no-reply@shop.example.com' },
    signed: { ses: { mails: [] }, roles: { valuesOf: (role: string) => (role === 'Web' ? senders : []) } },
    run: () => Promise.reject(new Error('a mail is sent')),
  });
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
