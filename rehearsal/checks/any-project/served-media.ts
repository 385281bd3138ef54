import { randomBytes } from 'node:crypto';
import type { CacheBehavior } from '../../template/distribution';
import { sleep } from '../../wait';
import { type Check, type CheckContext, expect } from '../check';
import type { Reply } from '../front-door';
import { MEDIA_HARMLESS, MEDIA_PUBLIC, MEDIA_SERVED, MEDIA_SIGNED, MEDIA_STORED } from '../names';
import { evaluate, MARK } from './answer';
import { bucketOf } from './media';

const PAGE = '<!doctype html><script>document.cookie</script>';
const KEPT = 'public, max-age=3600';
const SIGNERS = ['AWS_CLOUDFRONT_KEY_ID', 'AWS_CLOUDFRONT_KEY'];
/**
 * Saves a page with each storage of the bucket, the default one first; gives its addresses: as the project
 * has them, and one for a second where the storage knows of such.
 */
const SAVE = `
import json, os
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
found = {"default": default_storage}
try:
    from django.core.files.storage import storages
    found |= {alias: storages[alias] for alias in settings.STORAGES if alias not in found and alias != "staticfiles"}
except ImportError:
    pass  # Before Django 4.2 there is one storage.
def short(storage, name):
    try:
        return storage.url(name, expire=1)
    except TypeError:
        return None
made = []
for alias, storage in found.items():
    if alias == "default" or getattr(storage, "bucket_name", None) == os.environ["AWS_STORAGE_BUCKET_NAME"]:
        name = storage.save(os.environ["REHEARSAL_FILE"], ContentFile(os.environ["REHEARSAL_TEXT"].encode()))
        made.append({"alias": alias, "url": storage.url(name), "short": short(storage, name)})
print("${MARK}" + json.dumps(made))
`;

/** A file of a storage, by the addresses that the project has for it. */
interface Saved {
  readonly alias: string;
  readonly url: string;
  readonly short: string | null;
}

/** What a behavior hands out of the bucket of the project's files. */
function pathsOf({ rehearsal }: Pick<CheckContext, 'rehearsal'>, isSigned: boolean): CacheBehavior[] {
  const media = bucketOf({ rehearsal });
  return (rehearsal.distribution?.behaviors ?? []).filter(
    ({ bucket, trustedKeyGroups = [] }) =>
      bucket !== undefined && bucket.name === media && trustedKeyGroups.length > 0 === isSigned,
  );
}

const isServed = (context: CheckContext) => [true, false].some((isSigned) => pathsOf(context, isSigned).length > 0);
/** A project that signs counts, too, where the paths have lost their key group. */
const isSigned = (context: CheckContext) =>
  pathsOf(context, true).length > 0 ||
  (isServed(context) && context.rehearsal.services.some(({ definition }) => SIGNERS[0] in definition.secrets));
const PUBLIC_PATHS = {
  about: 'a path of the distribution that hands out files of AWS_STORAGE_BUCKET_NAME to everybody',
  applies: (context: CheckContext) => pathsOf(context, false).length > 0,
};

/** Files of the bucket by way of the distribution of the template. */
export const servedMediaChecks: Check[] = [
  {
    name: MEDIA_PUBLIC,
    lane: 'media',
    needs: [MEDIA_STORED],
    ...PUBLIC_PATHS,
    async run(context) {
      const patterns = pathsOf(context, false).map(({ pathPattern }) => pathPattern);
      for (const pattern of patterns) {
        const { path, reply } = await asked(context, pattern);
        expect(
          reply.status !== 403,
          `${path} answered 403: the policy of the bucket, or of its key, does not let this distribution read it`,
        );
        expect(reply.status === 200 && reply.body === PAGE, `${path} answered ${reply.status}`);
        const kept = reply.headers['cache-control'];
        expect(kept === KEPT, `${path} was stored with Cache-Control "${KEPT}", and came with "${kept}"`);
        expect(reply.headers['set-cookie'] === undefined, `${path} sets a cookie`);
      }
      return patterns.join(', ');
    },
  },
  {
    name: MEDIA_HARMLESS,
    lane: 'media',
    needs: [MEDIA_PUBLIC],
    ...PUBLIC_PATHS,
    async run(context) {
      const { path, reply } = await asked(context, pathsOf(context, false)[0].pathPattern);
      const policy = String(reply.headers['content-security-policy'] ?? '');
      expect(
        !runsScripts(policy),
        `${path}, a page that somebody may have uploaded, is on the host name of the site and may run scripts: its Content-Security-Policy is "${policy}"`,
      );
      expect(reply.headers['x-content-type-options'] === 'nosniff', `${path} has no X-Content-Type-Options`);
      return policy;
    },
  },
  {
    name: MEDIA_SERVED,
    lane: 'media',
    needs: [MEDIA_STORED, MEDIA_PUBLIC],
    about: 'a path of the distribution that hands out files of AWS_STORAGE_BUCKET_NAME',
    applies: isServed,
    async run(context) {
      const files = (await saved(context)).filter(({ url }) => isOfSite(context, url));
      for (const { alias, url } of files) {
        const { pathname } = new URL(url);
        expect(
          context.rehearsal.distribution?.behaviorAt(pathname).bucket !== undefined,
          `the storage "${alias}" has ${pathname} for a file, which leads to the application: its \`location\` must be a folder that the distribution serves`,
        );
        const { status, body } = await get(context, url);
        expect(
          status === 200 && body === PAGE,
          `${pathname} of the storage "${alias}" answered ${status} ${codeIn(body)}${/[?&]Signature=/.test(url) ? '' : `: it is not signed; where it must be, read ${SIGNERS.join(' and ')} into the storage`}`,
        );
      }
      return files.length === 0
        ? 'no storage has addresses of the distribution: read AWS_S3_CUSTOM_DOMAIN into one'
        : files.map(({ alias }) => alias).join(', ');
    },
  },
  {
    name: MEDIA_SIGNED,
    lane: 'media',
    needs: [MEDIA_SERVED],
    about: 'a path of the distribution that asks for signed addresses',
    applies: isSigned,
    async run(context) {
      for (const { pathPattern } of pathsOf(context, true)) {
        const { path, reply } = await asked(context, pathPattern);
        expect(reply.status === 403, `${path} answered ${reply.status} without a signature`);
      }
      const file = (await saved(context)).find(({ url }) => isOfSite(context, url) && /[?&]Signature=/.test(url));
      if (file === undefined) {
        return 'no storage of the project signs addresses there';
      }
      const { url } = file;
      const altered: [string, string][] = [
        ['without a signature', url.replace(/\?.*/, '')],
        [
          'with an altered signature',
          url.replace(/(Signature=)(.)/, (_, name, first) => `${name}${first === 'A' ? 'B' : 'A'}`),
        ],
        ['with a later end', url.replace(/Expires=(\d+)/, (_, end) => `Expires=${Number(end) + 3600}`)],
        ['for another file', url.replace(/^[^?]*/, `${url.replace(/\?.*/, '')}.other`)],
        ['by an unknown key', url.replace(/(Key-Pair-Id=)\w+/, '$1KUNKNOWN')],
      ];
      for (const [how, address] of altered) {
        const { status, body } = await get(context, address);
        expect(status === 403, `a file of the storage "${file.alias}" is served ${how}: ${status} ${codeIn(body)}`);
      }
      if (file.short === null) {
        return 'a storage that takes no expiry';
      }
      await sleep(2000);
      const { status } = await get(context, file.short);
      expect(status === 403, 'an expired address is taken');
      return `${altered.length + 1} other addresses are refused`;
    },
  },
];

const pages = new WeakMap<object, Promise<readonly Saved[]>>();

/** Files that a web task has saved, once. */
function saved({ rehearsal }: CheckContext): Promise<readonly Saved[]> {
  const environment = { REHEARSAL_FILE: `rehearsal/${randomBytes(12).toString('hex')}.html`, REHEARSAL_TEXT: PAGE };
  const made = pages.get(rehearsal) ?? evaluate<Saved[]>(rehearsal, SAVE, environment);
  pages.set(rehearsal, made);
  return made;
}

/** Puts a page below a path of the distribution, and asks for it as a browser with a session. */
async function asked(context: CheckContext, pattern: string): Promise<{ path: string; reply: Reply }> {
  const { rehearsal, front } = context;
  const name = `rehearsal-${randomBytes(12).toString('hex')}.html`;
  const path = `/${pattern.replace(/^\//, '').replace(/\*/g, name).replace(/\?/g, 'x')}`;
  const { bucket } = rehearsal.distribution?.behaviorAt(path) ?? {};
  const headers = { 'content-type': 'text/html', 'cache-control': KEPT };
  await rehearsal.doubles.putObject(`${bucket?.name}${bucket?.path}${path}`, { body: PAGE, headers });
  return { path, reply: await front.request(path, { headers: { cookie: 'sessionid=somebody' } }) };
}

function isOfSite({ rehearsal }: CheckContext, url: string): boolean {
  return URL.canParse(url) && (rehearsal.distribution?.answersTo(new URL(url).hostname) ?? false);
}

function get({ front }: CheckContext, url: string): Promise<Reply> {
  const { hostname, pathname, search } = new URL(url);
  return front.request(`${pathname}${search}`, { host: hostname });
}

/** What CloudFront or S3 calls an error. */
function codeIn(body: string): string {
  return /<Code>(\w+)<\/Code>/.exec(body)?.[1] ?? '';
}

/** Whether a page with this Content-Security-Policy may run scripts that stand in it. */
export function runsScripts(policy: string): boolean {
  const directives = new Map(
    policy.split(';').map((directive) => {
      const [name = '', ...values] = directive.trim().toLowerCase().split(/\s+/);
      return [name, values] as const;
    }),
  );
  const sandbox = directives.get('sandbox');
  if (sandbox !== undefined && !sandbox.includes('allow-scripts')) {
    return false;
  }
  const sources = directives.get('script-src-elem') ?? directives.get('script-src') ?? directives.get('default-src');
  return sources === undefined || sources.includes("'unsafe-inline'");
}
