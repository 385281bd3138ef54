import { LocalSite } from '../../../rehearsal/edge/local-site';

const site = new LocalSite({
  hostOf: (path) => (path.startsWith('/ws/') ? 'live.example.com' : 'shop.example.com'),
  address: (isSecure) => (isSecure ? 'localhost:8443' : 'localhost:8080'),
});

function entered(headers: Record<string, string>, url = '/') {
  const request = { headers: { ...headers }, url };
  return { visit: site.enter(request), headers: request.headers as Record<string, string> };
}

test('the application sees its own host name, also in what a browser checks a form by', () => {
  const { visit, headers } = entered({
    host: 'localhost:8443',
    origin: 'https://localhost:8443',
    referer: 'https://localhost:8443/cart/?next=https://localhost:8443/',
  });
  expect(visit).toEqual({ typed: 'localhost:8443', host: 'shop.example.com' });
  expect(headers).toEqual({
    host: 'shop.example.com',
    origin: 'https://shop.example.com',
    referer: 'https://shop.example.com/cart/?next=https://localhost:8443/',
  });
});

test('a path of another service gets the host name of its rule', () => {
  expect(entered({ host: '127.0.0.1:8443' }, '/ws/chat/?room=1').headers.host).toBe('live.example.com');
});

test('who asks by the real name, or comes from another site, is left alone', () => {
  expect(entered({ host: 'shop.example.com' }).visit).toBeUndefined();
  expect(entered({ host: 'localhost.example.com' }).visit).toBeUndefined();
  expect(entered({ host: 'localhost:8443', origin: 'https://evil.example' }).headers.origin).toBe(
    'https://evil.example',
  );
  const near = 'https://localhost:84430';
  expect(entered({ host: 'localhost:8443', origin: near }).headers.origin).toBe(near);
});

test('a stack whose only name is localhost needs nothing', () => {
  const plain = new LocalSite({ hostOf: () => 'localhost', address: () => 'localhost:8080' });
  expect(plain.enter({ headers: { host: 'localhost:8080' }, url: '/' })).toBeUndefined();
});

describe('an answer', () => {
  const visit = { typed: 'localhost:8443', host: 'shop.example.com' };
  const left = (headers: Record<string, string | string[]>) => {
    const copy = { ...headers };
    site.leave(copy, visit);
    return copy;
  };

  test.each([
    ['/next', '/next'],
    ['https://shop.example.com/next?a=1', 'https://localhost:8443/next?a=1'],
    ['https://shop.example.com', 'https://localhost:8443'],
    ['https://shop.example.com:8443/', 'https://localhost:8443/'],
    ['http://shop.example.com/', 'http://localhost:8080/'],
    ['https://shop.example.com.evil.example/', 'https://shop.example.com.evil.example/'],
    [
      'https://pay.example.com/?back=https://shop.example.com/',
      'https://pay.example.com/?back=https://shop.example.com/',
    ],
  ])('that redirects to %s leads to %s', (location, expected) => {
    expect(left({ location })).toEqual({ location: expected });
  });

  test('has cookies for the host that the browser knows, and no promise of TLS for all of localhost', () => {
    expect(
      left({
        'set-cookie': ['a=1; Domain=.example.com; Secure', 'b=domain=2; Path=/'],
        'strict-transport-security': 'max-age=63072000',
        'access-control-allow-origin': 'https://shop.example.com',
      }),
    ).toEqual({
      'set-cookie': ['a=1; Secure', 'b=domain=2; Path=/'],
      'access-control-allow-origin': 'https://localhost:8443',
    });
  });
});
