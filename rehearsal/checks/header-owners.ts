import type http from 'node:http';
import { headersOf } from '../edge/listener-headers';
import { matchesPattern } from '../edge/listener-rules';
import type { ListenerSettings } from '../edge/load-balancer';
import type { CacheBehavior } from '../template/distribution';
import { type Check, type CheckContext, expect } from './check';
import { direct } from './direct';
import { OWN_HEADERS, PAGES } from './names';
import { pageOf } from './page';

/** Who answers before the application, and which headers they set over its own. */
export interface Edge {
  /** `load balancer` or `distribution`. */
  readonly name: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** What sets a header on each side. */
interface Owners {
  readonly setting: string;
  readonly prop: string;
  /** What else ends the disagreement. */
  readonly others?: string;
}

const OWNERS: Readonly<Record<string, Owners>> = {
  'strict-transport-security': {
    setting: 'SECURE_HSTS_SECONDS with SECURE_HSTS_INCLUDE_SUBDOMAINS and SECURE_HSTS_PRELOAD',
    prop: 'strictTransportSecurity',
  },
  'x-frame-options': {
    setting: 'X_FRAME_OPTIONS, or a decorator of the view,',
    prop: 'framePolicy',
    others: ', where FramePolicy.APPLICATION leaves the header to the application',
  },
  'content-security-policy': {
    setting: 'SECURE_CSP, or CONTENT_SECURITY_POLICY of django-csp,',
    prop: 'contentSecurityPolicy',
    others: '; with a nonce only the application can: leave the prop out',
  },
};

/** A header has one owner: whose value is lost believes in a page that nobody gets. */
export const headerOwnerCheck: Check = {
  name: OWN_HEADERS,
  lane: 'header-owners',
  needs: [PAGES],
  about: 'a load balancer, or a distribution before it, in a stack of the assembly',
  applies: ({ front }) => front.isDescribed,
  async run(context) {
    const { rehearsal, front, pages = [] } = context;
    const found: string[] = [];
    const kept = new Set<string>();
    for (const path of pages.length > 0 ? pages : [pageOf(rehearsal).path]) {
      const edge = edgeOf(rehearsal, path, front.listener);
      const own = await ownHeaders(context, path);
      for (const message of overruled(own, edge)) {
        found.push(`${path}: ${message}`);
      }
      for (const name of edge.headers.keys()) {
        if (own[name] !== undefined) {
          kept.add(name);
        }
      }
    }
    expect(found.length === 0, found.join('. '));
    return kept.size > 0 ? `set by both to the same: ${[...kept].join(', ')}` : 'no header is set by both';
  },
};

/** What to do about each header of the application that leaves with another value. */
export function overruled(own: http.IncomingHttpHeaders, { name: edge, headers }: Edge): string[] {
  return [...headers].flatMap(([header, value]) => {
    const sent = own[header];
    if (sent === undefined || same(header, String(sent), value)) {
      return [];
    }
    const { setting, prop, others = '' } = OWNERS[header] ?? {};
    const options = edge === 'distribution' ? 'cdn' : 'loadBalancerOptions';
    const advice =
      prop === undefined
        ? `let one of them set it, the settings or the ${edge} of the stack`
        : `take ${setting} out of the settings, or give \`${options}.${prop}\` the value that you want${others}`;
    return [`the application sends "${header}: ${sent}", and the ${edge} replaces it by "${value}": ${advice}`];
  });
}

/** The headers that visitors of a path get in the place of the application's. */
export function edgeOf(
  {
    listeners,
    origin,
    behaviors,
  }: {
    readonly listeners: readonly ListenerSettings[];
    readonly origin?: ListenerSettings;
    readonly behaviors?: readonly CacheBehavior[];
  },
  path: string,
  port: number,
): Edge {
  const listener = origin ?? listeners.find((one) => one.port === port);
  const headers = new Map(listener === undefined ? [] : headersOf(listener));
  const [bare] = path.split('?');
  const behavior = behaviors?.find(({ pathPattern }) =>
    [bare, bare.slice(1)].some((each) => matchesPattern(pathPattern, each)),
  );
  for (const { name, value, override } of behavior?.responseHeaders ?? []) {
    if (override && value !== undefined) {
      headers.set(name, value);
    }
  }
  return { name: behaviors === undefined ? 'load balancer' : 'distribution', headers };
}

/** What the task that answers a page sends without load balancer and distribution, which said how it came. */
async function ownHeaders({ rehearsal, front }: CheckContext, path: string): Promise<http.IncomingHttpHeaders> {
  const host = front.hostFor(path);
  await front.request(path, { host });
  const port = front.calls?.last?.port;
  expect(port !== undefined, `${path} reached no task`);
  const { secure = front.secure } = rehearsal.origin ?? {};
  const forged = {
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': secure ? 'https' : 'http',
    ...(rehearsal.distribution && { 'cloudfront-forwarded-proto': front.secure ? 'https' : 'http' }),
  };
  return (await direct(port, path, host, { forged })).headers;
}

/** Whether a browser reads two values alike. */
function same(header: string, one: string, other: string): boolean {
  return normal(header, one) === normal(header, other);
}

function normal(header: string, value: string): string {
  const parts = value.split(';').map((part) => part.trim().replace(/\s+/g, ' '));
  const ordered = header === 'strict-transport-security' ? parts.sort() : parts;
  // Of a policy, paths, nonces and hashes have a case.
  const text = ordered.filter((part) => part !== '').join('; ');
  return header === 'content-security-policy' ? text : text.toLowerCase();
}
