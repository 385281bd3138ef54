import { createHash, createHmac } from 'node:crypto';
import { SignedDoor, type SignedService } from '../../../../rehearsal/aws/signed/door';
import type { Roles } from '../../../../rehearsal/aws/signed/roles';
import type { Sandbox } from '../../../../rehearsal/task/sandbox';

const SECRET = 'the secret of Web';

/** A door before a service that says who asked and what with. */
async function door(changes: Partial<SignedService> = {}) {
  const endings: (() => void)[] = [];
  const sandbox = { atEnd: (end: () => void) => endings.push(end) } as unknown as Sandbox;
  const roles = {
    secretOf: (id: string) => (id === 'WEB' ? SECRET : undefined),
    roleOf: () => 'Web',
  } as unknown as Roles;
  const service: SignedService = {
    answer: async ({ body }, role) => ({ status: 200, body: `${role}: ${body}` }),
    refuse: ({ code, status }) => ({ status, body: code }),
    ...changes,
  };
  const opened = await SignedDoor.open(sandbox, roles, service);
  return { opened, end: () => endings.map((end) => end()) };
}

/** Headers of a request that is signed for `body`. */
function signed(url: string, method: string, body: string): Record<string, string> {
  const { host, pathname } = new URL(url);
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/eu-central-1/s3/aws4_request`;
  const hash = createHash('sha256').update(body).digest('hex');
  const canonical = [method, pathname, '', `host:${host}`, `x-amz-date:${time}`, '', 'host;x-amz-date', hash];
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical.join('\n')).digest('hex')];
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => createHmac('sha256', secret).update(part).digest(), `AWS4${SECRET}`);
  const signature = createHmac('sha256', key).update(text.join('\n')).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=WEB/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
  return { authorization, 'x-amz-date': time };
}

test('a signed request is answered for the role of its key; one without a signature, or with another body, is refused', async () => {
  const { opened, end } = await door();
  try {
    const url = `${opened.endpoint}/media/a`;
    const headers = signed(url, 'PUT', 'hello');
    const put = async (options: RequestInit) => {
      const reply = await fetch(url, { method: 'PUT', body: 'hello', ...options });
      return `${reply.status} ${await reply.text()}`;
    };
    expect(await put({ headers })).toBe('200 Web: hello');
    expect(await put({})).toBe('403 AccessDenied');
    expect(await put({ headers, body: 'other' })).toBe('403 SignatureDoesNotMatch');
  } finally {
    end();
  }
});

test('what a service answers without a signature has its headers, and HEAD has no body', async () => {
  const { opened, end } = await door({
    answerUnsigned: async ({ method }) =>
      method === 'HEAD' || method === 'OPTIONS' ? { status: 200, body: 'x' } : undefined,
    headersFor: () => ({ vary: 'Origin' }),
  });
  try {
    const head = await fetch(opened.endpoint, { method: 'HEAD' });
    expect([head.status, head.headers.get('vary'), head.headers.get('content-length')]).toEqual([200, 'Origin', '1']);
    expect((await fetch(opened.endpoint)).headers.get('vary')).toBe('Origin');
  } finally {
    end();
  }
});

test('what breaks in a service is an error of the service', async () => {
  const answerUnsigned = () => Promise.reject(new Error('broken'));
  const { opened, end } = await door({ answerUnsigned });
  try {
    const reply = await fetch(opened.endpoint);
    expect(`${reply.status} ${await reply.text()}`).toBe('500 InternalError');
  } finally {
    end();
  }
});
