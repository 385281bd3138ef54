import type { Distribution } from '../edge/distribution';
import { askProject } from './any-project/answer';
import { type Check, type CheckContext, expect, NotApplicable } from './check';
import { filesOf } from './files-of-page';
import type { FrontDoor } from './front-door';
import { KEPT_FILES, KEPT_PAGES, PAGES } from './names';
import { pageOf } from './page';

const TOKEN = /name=["']csrfmiddlewaretoken["']/;
const ENCODINGS = { 'accept-encoding': 'gzip, br' };

const A_DISTRIBUTION = {
  about: 'a distribution before the load balancer',
  applies: ({ rehearsal }: CheckContext) => rehearsal.distribution !== undefined,
};

/** What a distribution keeps, which others then get. */
export const keptChecks: Check[] = [
  {
    name: KEPT_FILES,
    lane: 'distribution',
    needs: [PAGES],
    ...A_DISTRIBUTION,
    async run(context) {
      const file = await aFile(context);
      const visitor = (session: string) => ({ ...ENCODINGS, cookie: `sessionid=${session}` });
      await context.front.request(file, { headers: visitor('one') });
      const { status, headers } = await context.front.request(file, { headers: visitor('another') });
      expect(status === 200, `${file} answered ${status}`);
      expect(
        isHit(headers['x-cache']),
        `${file} was asked for twice, by visitors with other cookies, and came from the application each time`,
      );
      expect(headers['set-cookie'] === undefined, `${file} is kept together with a cookie, which everybody gets`);
      return `${file}, ${headers['content-encoding'] ?? 'not compressed'}`;
    },
  },
  {
    name: KEPT_PAGES,
    lane: 'distribution',
    needs: [PAGES],
    ...A_DISTRIBUTION,
    async run(context) {
      const pages = await pagesOf(context);
      const { front, rehearsal } = context;
      for (const page of pages) {
        await front.request(page);
        const { headers, body } = await front.request(page);
        expect(
          !isHit(headers['x-cache']) || headers['set-cookie'] === undefined,
          `${page} is kept together with its cookies, which everybody gets: let an answer that sets a cookie say Cache-Control: private, as HealthCheckMiddleware of runtime/ makes it say`,
        );
        const { headers: small } = await front.request(page, { headers: ENCODINGS });
        expect(
          !TOKEN.test(body) || small['content-encoding'] === undefined || !compresses(rehearsal.distribution, page),
          `${page} has a token of a form and is compressed by the distribution, so that its length can give the token away: take the path out of staticPaths`,
        );
      }
      return pages.join(', ');
    },
  },
];

function isHit(xCache: string | string[] | undefined): boolean {
  return String(xCache).startsWith('Hit');
}

/** The pages that the user names, or the first one; and the login page of the admin, which has a form. */
async function pagesOf({ rehearsal, pages = [] }: CheckContext): Promise<string[]> {
  const { login } = await askProject(rehearsal);
  const named = pages.length > 0 ? pages : [pageOf(rehearsal).path];
  return [...new Set([...named, ...(login === null ? [] : [login])])];
}

/** A file of a page that the distribution may keep by its headers, from the application. */
async function aFile(context: CheckContext): Promise<string> {
  const { front, rehearsal } = context;
  for (const page of await pagesOf(context)) {
    for (const path of filesOfOwn(front, page, (await front.request(page)).body)) {
      const behavior = rehearsal.distribution?.behaviorAt(path);
      if (behavior?.cachePolicy !== undefined) {
        const { status, headers } = await front.request(path);
        if (status === 200 && /max-age=[1-9]/.test(String(headers['cache-control']))) {
          return path;
        }
      }
    }
  }
  throw new NotApplicable('a static file on the first page or the login page whose Cache-Control lets it be kept');
}

function filesOfOwn(front: FrontDoor, page: string, html: string): string[] {
  return filesOf(html, `https://${front.host}${page}`)
    .filter(({ hostname }) => hostname === front.host)
    .map(({ pathname }) => pathname);
}

function compresses(distribution: Distribution | undefined, path: string): boolean {
  const { compress, cachePolicy } = distribution?.behaviorAt(path) ?? {};
  return compress === true && (cachePolicy?.encodings ?? []).length > 0;
}
