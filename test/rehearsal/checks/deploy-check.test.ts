import { counted, judge, systemMessages } from '../../../rehearsal/checks/deploy-check';

const OUTPUT = `System check identified some issues:

WARNINGS:
?: (security.W004) You have not set a value for the SECURE_HSTS_SECONDS setting. If your entire site is served only
\tHINT: (not.W001) a line that is no message.
?: (security.W012) SESSION_COOKIE_SECURE is not set to True.
stock.Item: (models.W042) Auto-created primary key used.
<class 'stock.admin.ItemAdmin'>: (admin.E108) The value of 'list_display[0]' refers to 'nam'.

System check identified 4 issues (0 silenced).`;

const ids = (list: { id: string }[]) => list.map(({ id }) => id);

test('messages are read by their ids', () => {
  expect(ids(systemMessages(OUTPUT.split('\n')))).toEqual([
    'security.W004',
    'security.W012',
    'models.W042',
    'admin.E108',
  ]);
});

test('what the front door sees to is argued, errors and the rest of security are wrong', () => {
  const { wrong, moot, other } = judge(systemMessages(OUTPUT.split('\n')), { secure: true, isDescribed: true });
  expect(ids(wrong)).toEqual(['security.W012', 'admin.E108']);
  expect(moot).toEqual({ 'security.W004': 'a check of its own reads this header, which the load balancer sends' });
  expect(ids(other)).toEqual(['models.W042']);
});

test('without HTTPS cookies cannot be secure', () => {
  const { wrong, moot } = judge(systemMessages(OUTPUT.split('\n')), { secure: false, isDescribed: true });
  expect(ids(wrong)).toEqual(['admin.E108']);
  expect(Object.keys(moot)).toEqual(['security.W004', 'security.W012']);
});

test('a key in the settings and an empty ALLOWED_HOSTS are never moot', () => {
  const messages = ['security.W009', 'security.W020'].map((id) => ({ id, text: '' }));
  expect(judge(messages, { secure: true, isDescribed: true }).wrong).toEqual(messages);
  expect(judge(messages, { secure: true, isDescribed: false }).wrong).toEqual(messages);
  expect(judge(messages, { secure: false, isDescribed: true }).wrong).toEqual(messages);
});

test('what a load balancer can see to that nobody describes is for its owner', () => {
  const { moot } = judge([{ id: 'security.W004', text: 'HSTS' }], { secure: true, isDescribed: false });
  expect(moot['security.W004']).toMatch(/^no stack of the assembly has the load balancer/);
});

test('a message that comes for every view is named once, with its count', () => {
  const messages = ['a.W001', 'b.W002', 'a.W001'].map((id) => ({ id, text: '' }));
  expect(counted(messages)).toBe('a.W001 (2 times), b.W002');
});
