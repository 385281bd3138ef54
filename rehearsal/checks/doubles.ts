import http from 'node:http';
import { BROWSERS, findBrowser } from '../browser/browser';
import { type Check, expect } from './check';
import { GUARDED, STARTED } from './names';

const MARKER = 'posted by a page';

/**
 * What a page in the developer's browser can make a request of, and what another program of the machine can.
 */
interface Stranger {
  readonly name: string;
  readonly headers?: Record<string, string>;
  readonly token?: string;
  readonly method?: string;
}

const STRANGERS: Stranger[] = [
  { name: 'a page of another origin', headers: { origin: 'https://evil.example' } },
  { name: 'a page without an origin', headers: { origin: 'null' } },
  { name: 'its preflight', headers: { origin: 'https://evil.example' }, method: 'OPTIONS' },
  { name: 'a page by a name that it made point here', headers: { host: 'rebind.evil.example' } },
  { name: 'an image of a page', headers: { 'sec-fetch-site': 'cross-site' }, method: 'GET' },
  { name: 'who does not know the token', token: '' },
  { name: 'who guesses the token', token: '0'.repeat(32) },
];

/** The doubles answer the processes of the rehearsal alone. */
export const doubleChecks: Check[] = [
  {
    name: GUARDED,
    lane: 'doubles',
    needs: [STARTED],
    proof: true,
    async run({ rehearsal }) {
      const { port, pathname } = new URL(rehearsal.doubles.endpoint);
      // A queue of its own: reading one of the application's counts as a delivery.
      const { url } = await rehearsal.doubles.createQueue('strangers', {});
      const calls: [target: string, body: object][] = [
        ['secretsmanager.ListSecrets', {}],
        ['AmazonSQS.SendMessage', { QueueUrl: url, MessageBody: MARKER }],
      ];
      for (const stranger of STRANGERS) {
        const prefix = stranger.token === undefined ? pathname : `/${stranger.token}`;
        for (const [target, body] of calls) {
          const reply = await ask(Number(port), prefix, stranger, { target, body: JSON.stringify(body) });
          expect(reply.status === 403, `${stranger.name}: ${target} answered ${reply.status}`);
          expect(!reply.allowed, `${stranger.name} may read what ${target} answers`);
          expect(reply.body === '', `${stranger.name}: ${target} answered with a text`);
        }
      }
      expect((await rehearsal.doubles.bodies(url)).length === 0, 'the message of a page is in the queue');
      for (const [target, body] of calls) {
        const ours = await ask(Number(port), pathname, { name: 'ourselves' }, { target, body: JSON.stringify(body) });
        expect(ours.status === 200, `${target} of our own answered ${ours.status}`);
      }
      const browser = findBrowser();
      const tried =
        browser === undefined ? `no browser on PATH (${BROWSERS.join(', ')})` : `then in a real browser: ${browser}`;
      return `${STRANGERS.length} kinds of stranger, by requests with an Origin; ${tried}`;
    },
  },
];

function ask(
  port: number,
  prefix: string,
  { headers, method = 'POST' }: Stranger,
  { target, body }: { readonly target: string; readonly body: string },
) {
  return new Promise<{ status?: number; allowed: boolean; body: string }>((resolve, reject) => {
    const options: http.RequestOptions = {
      host: '127.0.0.1',
      port,
      method,
      path: `${prefix}/`,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'content-length': Buffer.byteLength(body),
        'x-amz-target': target,
        ...headers,
      },
    };
    const request = http.request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const allowed = response.headers['access-control-allow-origin'] !== undefined;
        resolve({ status: response.statusCode, allowed, body: text });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
