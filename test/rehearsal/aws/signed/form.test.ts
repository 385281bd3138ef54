import { checkPolicy, type Form, readForm } from '../../../../rehearsal/aws/signed/form';
import type { Incoming } from '../../../../rehearsal/aws/signed/signature';

const LATER = '2100-01-01T00:00:00Z';

function form(fields: Record<string, string>, conditions: unknown[], { expiration = LATER, size = 3 } = {}): Form {
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
  return { fields: new Map(Object.entries({ ...fields, policy })), file: Buffer.alloc(size), fileName: 'cat.png' };
}

const CONDITIONS = [
  { bucket: 'media' },
  { key: 'uploads/1' },
  ['starts-with', '$Content-Type', 'image/'],
  ['content-length-range', 1, 5],
];
const FIELDS = { key: 'uploads/1', 'content-type': 'image/png' };

test('a form that keeps to its policy is taken', () => {
  expect(() => checkPolicy(form(FIELDS, CONDITIONS), 'media')).not.toThrow();
});

test.each([
  ['another bucket', form(FIELDS, CONDITIONS), 'other', /Policy Condition failed: \{"bucket":"media"\}/],
  ['another name', form({ ...FIELDS, key: 'uploads/2' }, CONDITIONS), 'media', /failed: \{"key":"uploads\/1"\}/],
  ['another type', form({ ...FIELDS, 'content-type': 'text/html' }, CONDITIONS), 'media', /starts-with/],
  ['no type', form({ key: 'uploads/1' }, CONDITIONS), 'media', /starts-with/],
  [
    'a field that the policy does not name',
    form({ ...FIELDS, acl: 'public-read' }, CONDITIONS),
    'media',
    /Extra input fields: acl/,
  ],
  ['a larger file', form(FIELDS, CONDITIONS, { size: 6 }), 'media', /exceeds the maximum/],
  ['an empty file', form(FIELDS, CONDITIONS, { size: 0 }), 'media', /smaller than the minimum/],
  ['a form of yesterday', form(FIELDS, CONDITIONS, { expiration: '2020-01-01T00:00:00Z' }), 'media', /Policy expired/],
  ['a policy without an end', form(FIELDS, CONDITIONS, { expiration: 'never' }), 'media', /Policy expired/],
])('%s is refused', (_, given, bucket, words) => {
  expect(() => checkPolicy(given, bucket)).toThrow(words);
});

test('the fields and the file of a browser are read, bytes as they are', () => {
  const file = Buffer.from([0, 13, 10, 45, 45, 255]);
  const body = Buffer.concat([
    Buffer.from('--b\r\nContent-Disposition: form-data; name="Key"\r\n\r\nuploads/1\r\n'),
    Buffer.from(
      '--b\r\nContent-Disposition: form-data; name="file"; filename="cat.png"\r\nContent-Type: image/png\r\n\r\n',
    ),
    file,
    Buffer.from('\r\n--b\r\nContent-Disposition: form-data; name="late"\r\n\r\nx\r\n--b--\r\n'),
  ]);
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const read = readForm({ method: 'POST', url: new URL('http://127.0.0.1/media'), headers, body } as Incoming);
  expect([...read.fields]).toEqual([['key', 'uploads/1']]);
  expect(read.file).toEqual(file);
  expect(read.fileName).toBe('cat.png');
});

test('a form without a file is refused', () => {
  const body = Buffer.from('--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--b--\r\n');
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const request: Incoming = { method: 'POST', url: new URL('http://127.0.0.1/media'), headers, body };
  expect(() => readForm(request)).toThrow(/exactly one file/);
});
