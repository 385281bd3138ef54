import { KeyGroups } from '../../../rehearsal/aws/cloudfront/key-groups';
import { SignedDoor } from '../../../rehearsal/aws/signed/door';
import { CacheUsers } from '../../../rehearsal/cache/user-api';
import type { Sandbox } from '../../../rehearsal/task/sandbox';

const endings: (() => void)[] = [];
const sandbox = { atEnd: (end: () => void) => endings.push(end) } as unknown as Sandbox;
afterAll(() => endings.map((end) => end()));

const refusing = { answer: async () => ({ status: 200 }), refuse: () => ({ status: 403 }) };

test.each([
  ['CloudFront', () => new KeyGroups().listen(sandbox)],
  ['ElastiCache', () => new CacheUsers(() => []).listen(sandbox)],
  ['S3 and SES', async () => (await SignedDoor.open(sandbox, {} as never, refusing as never)).endpoint],
])('the double of %s keeps a connection for longer than a client pauses', async (_, listen) => {
  const { headers } = await fetch(await listen());
  expect(headers.get('keep-alive')).toBe('timeout=120');
});
