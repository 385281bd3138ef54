import type { Announce } from '../../../../rehearsal/announce';
import type { Roles, Wish } from '../../../../rehearsal/aws/signed/roles';
import { Ses } from '../../../../rehearsal/aws/signed/ses';
import type { Incoming, Refusal } from '../../../../rehearsal/aws/signed/signature';

const IDENTITY = 'arn:aws:ses:eu-central-1:1:identity/club.example.com';
const SET = 'arn:aws:ses:eu-central-1:1:configuration-set/club';

/** SES for a role that may send from one address, and what it asked and said. */
function ses() {
  const wishes: Wish[] = [];
  const events: string[] = [];
  const allows = (_: string, wish: Wish) => {
    wishes.push(wish);
    return [IDENTITY, SET].includes(wish.resource) && wish.context?.['ses:fromaddress'] === 'no-reply@club.example.com';
  };
  const made = new Ses({
    roles: { allows } as unknown as Roles,
    announce: { event: (text: string) => events.push(text) } as unknown as Announce,
    ...{ region: 'eu-central-1', account: '1', identities: new Set(['club.example.com']) },
    configurationSets: new Set(['club']),
    keep: () => 'mails/1.eml',
  });
  return { ses: made, wishes, events };
}

const RAW = 'From: The club <no-reply@club.example.com>\r\nTo: ada@example.org\r\nSubject: Hello\r\n\r\nWelcome';

function second(input: object): Incoming {
  const url = new URL('http://127.0.0.1/v2/email/outbound-emails');
  return { method: 'POST', url, headers: {}, body: Buffer.from(JSON.stringify(input)) };
}

function first(input: Record<string, string>): Incoming {
  const body = Buffer.from(new URLSearchParams(input).toString());
  return { method: 'POST', url: new URL('http://127.0.0.1/'), headers: {}, body };
}

const raw = (text = RAW) => Buffer.from(text).toString('base64');

test.each([
  [
    'raw, as django-ses and anymail send',
    second({ Content: { Raw: { Data: raw() } }, ConfigurationSetName: 'club' }),
    'ses:SendRawEmail',
  ],
  [
    'simple',
    second({
      FromEmailAddress: 'The club <no-reply@club.example.com>',
      Destination: { ToAddresses: ['ada@example.org'] },
      Content: { Simple: { Subject: { Data: 'Hello' }, Body: { Text: { Data: 'Welcome' } } } },
      ConfigurationSetName: 'club',
    }),
    'ses:SendEmail',
  ],
  [
    'raw, by the first version',
    first({ Action: 'SendRawEmail', 'RawMessage.Data': raw(), ConfigurationSetName: 'club' }),
    'ses:SendRawEmail',
  ],
  [
    'simple, by the first version',
    first({
      Action: 'SendEmail',
      Source: 'no-reply@club.example.com',
      'Destination.ToAddresses.member.1': 'ada@example.org',
      'Message.Subject.Data': 'Hello',
      'Message.Body.Text.Data': 'Welcome',
      ConfigurationSetName: 'club',
    }),
    'ses:SendEmail',
  ],
])('a message is kept: %s', async (_, request, action) => {
  const { ses: double, wishes, events } = ses();
  const answer = await double.answer(request, 'Web');
  expect(double.mails).toEqual([
    expect.objectContaining({
      fromAddress: 'no-reply@club.example.com',
      to: ['ada@example.org'],
      ...{ subject: 'Hello', text: 'Welcome', configurationSet: 'club' },
    }),
  ]);
  expect(String(answer.body)).toContain(double.mails[0].id);
  expect(wishes.map((wish) => [wish.action, wish.resource])).toEqual([
    [action, IDENTITY],
    [action, SET],
  ]);
  expect(events).toEqual(['mail from no-reply@club.example.com to ada@example.org: Hello (mails/1.eml)']);
});

test.each([
  [
    'from another address',
    { Content: { Raw: { Data: raw(RAW.replace('no-reply', 'boss')) } } },
    /not authorized to perform `ses:SendRawEmail'.*boss@/,
  ],
  [
    'of another domain',
    { Content: { Raw: { Data: raw(RAW.replace('club.example', 'bank.example')) } } },
    /not authorized/,
  ],
  [
    'with another configuration set',
    { Content: { Raw: { Data: raw() } }, ConfigurationSetName: 'other' },
    /configuration-set\/other/,
  ],
  ['by a template', { Content: { Template: {} } }, /no templates/],
])('a message %s is refused, and not kept', async (_, input, words) => {
  const { ses: double } = ses();
  await expect(double.answer(second(input), 'Web')).rejects.toThrow(words);
  expect(double.mails).toEqual([]);
});

test('a refusal is in the words of the version that was called', () => {
  const { ses: double } = ses();
  const refusal = { code: 'AccessDenied', message: 'no', status: 403 } as Refusal;
  expect(double.refuse(refusal, second({}))).toMatchObject({
    status: 403,
    headers: { 'x-amzn-errortype': 'AccessDeniedException' },
    body: '{"message":"no"}',
  });
  expect(double.refuse(refusal, first({})).body).toContain('<Code>AccessDenied</Code><Message>no</Message>');
});
