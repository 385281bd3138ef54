import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { MARK } from '../../../../rehearsal/checks/any-project/answer';
import { mediaChecks } from '../../../../rehearsal/checks/any-project/media';
import { MEDIA_PRIVATE } from '../../../../rehearsal/checks/names';
import { fakePage } from './fake-page';

test('an address that is signed with version 2 is told what to set', async () => {
  const s3 = http.createServer((_, response) => void response.writeHead(403).end());
  await new Promise<void>((resolve) => s3.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(s3.address() as AddressInfo).port}`;
  const url = `${endpoint}/media/a.txt?AWSAccessKeyId=ASIA&Signature=abc%3D&Expires=1800000000`;
  const context = await fakePage({
    environment: { AWS_STORAGE_BUCKET_NAME: 'media' },
    signed: { s3: { endpoint }, buckets: ['media'] },
    run: async () => [`${MARK}${JSON.stringify({ url, short: null })}`],
  });
  try {
    const check = mediaChecks.find(({ name }) => name === MEDIA_PRIVATE);
    await expect(check?.run(context)).rejects.toThrow(/version 2.*signature_version to "s3v4"/);
  } finally {
    s3.close();
    s3.closeAllConnections();
  }
});
