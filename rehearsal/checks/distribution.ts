import http from 'node:http';
import https from 'node:https';
import { CALLER_HEADER } from '../edge/calls';
import { askProject } from './any-project/answer';
import { type Check, type CheckContext, expect, NotApplicable } from './check';
import type { FrontDoor } from './front-door';
import { CLAIMED_PROTOCOL, PAGES, PAST_DISTRIBUTION } from './names';

const A_DISTRIBUTION = {
  about: 'a distribution before the load balancer',
  applies: ({ rehearsal }: CheckContext) => rehearsal.distribution !== undefined,
};
const REFUSED = 403;
/** What says on AWS by which protocol a visitor came. */
const HTTP_CLAIMED = { 'cloudfront-forwarded-proto': 'http', 'x-forwarded-proto': 'http' };

export const distributionChecks: Check[] = [
  {
    name: PAST_DISTRIBUTION,
    lane: 'distribution',
    needs: [PAGES],
    ...A_DISTRIBUTION,
    async run({ rehearsal, front }) {
      const names = Object.keys(rehearsal.distribution?.originHeaders ?? {});
      const guessed = Object.fromEntries(names.map((name) => [name, 'guessed']));
      const caller = 'past-distribution';
      for (const headers of [{}, guessed]) {
        for (const path of ['/', ...healthPaths(rehearsal)]) {
          const all = { host: front.host, [CALLER_HEADER]: caller, ...headers };
          const status = await past(rehearsal, path, all);
          expect(status === REFUSED, `${path} without the secret of the distribution answered ${status}`);
        }
      }
      expect(rehearsal.loadBalancer?.callsOf(caller).requests() === 0, 'a request reached a process');
      const known = await past(rehearsal, '/', { host: front.host, ...rehearsal.distribution?.originHeaders });
      expect(known !== REFUSED, 'a request with the secret is refused, too');
      return `${names.join(', ')} is asked for`;
    },
  },
  {
    name: CLAIMED_PROTOCOL,
    lane: 'distribution',
    needs: [PAGES],
    ...A_DISTRIBUTION,
    async run({ rehearsal, front }) {
      const { login } = await askProject(rehearsal);
      if (login === null) {
        throw new NotApplicable('the login page of the admin');
      }
      // Over HTTPS alone Django looks at Referer: whom it believes to have come by HTTP could send any.
      const own = await logIn(front, login, `https://${front.host}${login}`, {});
      expect(own !== REFUSED, `a form of the site itself answered ${own}`);
      for (const headers of [{}, HTTP_CLAIMED]) {
        const status = await logIn(front, login, 'https://evil.example/', headers);
        const claimed = Object.keys(headers).join(' and ') || 'no other header';
        expect(
          status === REFUSED,
          `a form of another site with ${claimed} answered ${status}: Django does not see that it came by HTTPS`,
        );
      }
      return undefined;
    },
  },
];

function healthPaths({ services }: CheckContext['rehearsal']): string[] {
  return services.flatMap(({ group }) => (group === undefined ? [] : [group.settings.path]));
}

/** The status of an answer of the load balancer itself, to somebody who knows its address. */
function past(
  { loadBalancer, origin, authority }: CheckContext['rehearsal'],
  path: string,
  headers: http.OutgoingHttpHeaders & { host: string },
): Promise<number> {
  const { port = 80, secure = false } = origin ?? {};
  const options = { host: '127.0.0.1', port: loadBalancer?.portOf(port), path, headers, agent: false };
  const tls = { ca: authority.certificate.cert, servername: headers.host };
  return new Promise((resolve, reject) => {
    (secure ? https : http)
      .get(secure ? { ...options, ...tls } : options, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .on('error', reject);
  });
}

/** The status of a form with the right token, the wrong password, and without Origin. */
async function logIn(front: FrontDoor, path: string, referer: string, more: Record<string, string>): Promise<number> {
  const page = await front.request(path);
  const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(page.body)?.[1];
  if (token === undefined) {
    throw new NotApplicable('a token in the form of the login page');
  }
  const cookie = (page.headers['set-cookie'] ?? []).map((each) => each.split(';')[0]).join('; ');
  const body = new URLSearchParams({ csrfmiddlewaretoken: token, username: 'nobody', password: 'wrong' }).toString();
  const { status } = await front.request(path, {
    method: 'POST',
    body,
    headers: {
      ...{ cookie, referer, ...more },
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(body)),
    },
  });
  return status;
}
