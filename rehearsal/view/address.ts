import { FrontDoor } from '../checks/front-door';
import { chooseAction, forwardsTo } from '../edge/listener-rules';
import { type LocalCertificate, localCertificate } from '../edge/local-certificate';
import { LocalSite } from '../edge/local-site';
import type { Rehearsal } from '../rehearsal';
import { isTrusted } from './trust';

/** Codes from here on are no page. */
const BAD_REQUEST = 400;

/** Where a browser of this machine finds the site. */
export interface Address {
  /** `https://localhost:8443`. */
  readonly url: string;
  /** The name that the application has for it. */
  readonly host: string;
  /** A path that answers below 400, otherwise a health check path. */
  readonly path: string;
  readonly isSecure: boolean;
  readonly certificate: LocalCertificate;
}

/** Opens the site to localhost and looks for a page of it; undefined where the stack has no load balancer. */
export async function openAddress(rehearsal: Rehearsal, cache: string): Promise<Address | undefined> {
  const { door, listeners } = rehearsal;
  if (door === undefined) {
    return undefined;
  }
  const front = new FrontDoor(rehearsal, 'you');
  const { rules = [], defaultActions = [] } = listeners.find(({ port }) => port === front.listener) ?? {};
  const isForwarded = (host: string, path: string) =>
    forwardsTo(chooseAction(rules, defaultActions, { host, path, method: 'GET', headers: {} })) !== undefined;
  const certificate = await localCertificate(cache);
  const site = new LocalSite({
    hostOf: (path) => (isForwarded(front.host, path) ? front.host : front.hostFor(path)),
    address: (isSecure) => {
      const listener = listeners.find(({ secure }) => secure === isSecure);
      return `localhost:${front.port(listener?.port ?? front.listener)}`;
    },
  });
  door.openSite(site, certificate);
  const url = rehearsal.url(front.listener);
  const path = await pathOf(rehearsal, front);
  return { url, host: front.host, path, isSecure: front.secure, certificate };
}

/** What is printed of an address. `trust` is the command that makes browsers trust it. */
export function addressLines({ url, host, path, isSecure, certificate }: Address, trust: string): string[] {
  const { folder, authority } = certificate;
  const [name] = host === 'localhost' ? [''] : [`, as ${host}`];
  return [
    `${url}${path} opens the site in a browser${name}`,
    `  curl ${isSecure ? `--cacert ${authority} ` : ''}${url}${path}`,
    ...(isSecure && !isTrusted(folder) ? [`  browsers warn of its certificate until you run ${trust}`] : []),
  ];
}

/** The first page below 400 of those that a site usually has. */
async function pathOf({ services }: Rehearsal, front: FrontDoor): Promise<string> {
  const healthy = services.flatMap(({ group }) => (group === undefined ? [] : [group.settings.path]));
  for (const path of new Set(['/', '/admin/login/', ...healthy])) {
    const status = await front.request(path, { host: front.hostFor(path) }).then(
      (reply) => reply.status,
      () => BAD_REQUEST,
    );
    if (status < BAD_REQUEST) {
      return path;
    }
  }
  return healthy[0] ?? '/';
}
