import { mailOf, rawOf } from '../../../../rehearsal/aws/signed/mail';

const ENVELOPE = { to: [] };

test('a message of Django is read: folded headers, words that are not ASCII, base64', () => {
  const raw = [
    'Content-Type: text/plain; charset="utf-8"',
    'Content-Transfer-Encoding: base64',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus?=',
    ' =?utf-8?b?IEvDtmxu?=',
    'From: "Club, the" <no-reply@club.example.com>',
    'To: Ada <ada@example.org>,',
    ' bob@example.org',
    '',
    Buffer.from('Grüße').toString('base64'),
  ].join('\r\n');
  expect(mailOf(Buffer.from(raw), ENVELOPE)).toMatchObject({
    from: '"Club, the" <no-reply@club.example.com>',
    fromAddress: 'no-reply@club.example.com',
    to: ['ada@example.org', 'bob@example.org'],
    subject: 'Grüße aus Köln',
    text: 'Grüße',
  });
});

test('of a message with parts the text is the plain one, with the breaks of its lines mended', () => {
  const raw = [
    'Subject: link',
    'From: a@b.example',
    'Content-Type: multipart/alternative; boundary="==x"',
    '',
    '--==x',
    'Content-Type: text/plain; charset="utf-8"',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'https://a.example/?a=3D1&b=',
    '=3D2',
    '--==x',
    'Content-Type: text/html; charset="utf-8"',
    '',
    '<p>',
    '--==x--',
  ].join('\n');
  expect(mailOf(Buffer.from(raw), ENVELOPE).text.trim()).toBe('https://a.example/?a=3D1&b=3D2'.replaceAll('=3D', '='));
});

test('the call says who it is from and to where it names them', () => {
  const raw = rawOf({ from: 'a@b.example', to: ['c@d.example'], subject: 'ü', text: 'x' });
  expect(mailOf(raw, ENVELOPE)).toMatchObject({
    fromAddress: 'a@b.example',
    to: ['c@d.example'],
    subject: 'ü',
    text: 'x',
  });
  expect(mailOf(raw, { ...ENVELOPE, from: 'E <e@f.example>', to: ['g@h.example'] })).toMatchObject({
    fromAddress: 'e@f.example',
    to: ['g@h.example'],
  });
});
