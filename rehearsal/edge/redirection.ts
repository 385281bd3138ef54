import type http from 'node:http';
import type { RuleAction } from './listener-rules';

/** What a request asks for. */
export interface Requested {
  /** With the port, where the request has one. */
  readonly host: string;
  readonly path: string;
  /** Without the question mark; empty where there is none. */
  readonly query: string;
}

/**
 * Reads what a request asks for from its first line and its Host header.
 *
 * A path may begin with several slashes, so it is never read as an address: `//admin/` is no host.
 */
export function requested({ url = '/', headers }: Pick<http.IncomingMessage, 'url' | 'headers'>): Requested {
  // A client may name the whole address, as it does to a proxy: then the address says which host is meant.
  const [, authority, rest = url] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  const [, path, query = ''] = /^([^?]*)\??(.*)$/.exec(rest) ?? [rest, rest];
  return { host: authority ?? headers.host ?? '', path: path === '' ? '/' : path, query };
}

/** How a listener is reached. */
export interface Entrance {
  readonly port: number;
  readonly secure: boolean;
}

/** What a distribution does with HTTP where it redirects to HTTPS, in the words of a load balancer. */
export const TO_HTTPS: RuleAction = {
  Type: 'redirect',
  RedirectConfig: { StatusCode: 'HTTP_301', Protocol: 'HTTPS', Port: '443' },
};

/**
 * The address that a redirect leads to.
 *
 * `portOf` gives the port of this machine for a listener of the template.
 */
export function redirection(
  { RedirectConfig }: Pick<RuleAction, 'RedirectConfig'>,
  entrance: Entrance,
  asked: Requested,
  portOf: (templatePort: number) => number | undefined,
): string {
  const values: Record<string, string> = {
    protocol: entrance.secure ? 'https' : 'http',
    host: asked.host.replace(/:\d*$/, '') || 'localhost',
    port: String(entrance.port),
    path: asked.path.slice(1),
    query: asked.query,
  };
  const fill = (text: string) => text.replace(/#\{(\w+)\}/g, (_match, name: string) => values[name] ?? '');
  const { Protocol, Host, Port, Path, Query } = RedirectConfig ?? {};
  const templatePort = Number(fill(Port ?? '#{port}'));
  const query = fill(Query ?? '#{query}');
  const host = `${fill(Host ?? '#{host}')}:${portOf(templatePort) ?? templatePort}`;
  return `${fill(Protocol ?? '#{protocol}').toLowerCase()}://${host}${fill(Path ?? '/#{path}')}${query ? `?${query}` : ''}`;
}
