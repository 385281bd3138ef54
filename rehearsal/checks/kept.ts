import { randomBytes } from 'node:crypto';
import type { Distribution } from '../edge/distribution';
import { lastError } from '../task/last-error';
import { askProject } from './any-project/answer';
import { type Check, type CheckContext, expect, NotApplicable } from './check';
import { filesOf } from './files-of-page';
import type { FrontDoor } from './front-door';
import { KEPT_FILES, KEPT_PAGES, PAGES, STATIC_STAYS } from './names';
import { oneOffOf, spoken } from './one-off';
import { pageOf } from './page';

const TOKEN = /name=["']csrfmiddlewaretoken["']/;
const ENCODINGS = { 'accept-encoding': 'gzip, br' };

const OLD = 'body { color: black }';
/** What an earlier release has uploaded, with the permissions that releases have. */
const UPLOAD = `
import os
import boto3
boto3.client("s3", region_name=os.environ["STATIC_FILES_REGION_NAME"]).put_object(
    Bucket=os.environ["STATIC_FILES_BUCKET_NAME"], Key=os.environ["REHEARSAL_FILE"], Body=b"${OLD}",
    ContentType="text/css", CacheControl="public, max-age=31536000, immutable",
)
`;

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
  {
    name: STATIC_STAYS,
    lane: 'distribution',
    needs: [PAGES],
    about: 'a distribution that serves files which the release has uploaded',
    applies: (context) => staticFilesOf(context).length > 0,
    async run(context) {
      const { rehearsal, front } = context;
      const [{ release, pathPattern }] = staticFilesOf(context);
      const path = pathPattern.replace('*', `rehearsal.${randomBytes(6).toString('hex')}.css`);
      const environment = { REHEARSAL_FILE: path.slice(1) };
      for (const command of [['python', '-c', UPLOAD], release.command ?? []]) {
        const { exit, task } = await oneOffOf(rehearsal, release, command, { environment });
        expect(exit.code === 0, `${spoken(command)} ended with ${exit.code}: ${lastError(task)}`);
      }
      const { status, body } = await front.request(path);
      expect(status === 200 && body === OLD, `${path} answered ${status}: a page of the earlier release asks for it`);
      return path;
    },
  },
];

/** The release, where it fills a bucket that the distribution serves files from; and the paths of these. */
function staticFilesOf({ rehearsal }: CheckContext) {
  const releases = [...rehearsal.definitions.values()].filter(({ kind }) => kind === 'release');
  return releases.flatMap((release) =>
    (rehearsal.distribution?.behaviors ?? [])
      .filter(({ bucket }) => bucket !== undefined && bucket.name === release.environment.STATIC_FILES_BUCKET_NAME)
      .map(({ pathPattern }) => ({ release, pathPattern })),
  );
}

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
