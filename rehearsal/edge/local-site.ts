import type http from 'node:http';

/** Names by which a browser of this machine asks for the site. */
const LOCAL = /^(?:localhost|127\.0\.0\.1)(?::\d+)?$/i;

/** A request that came by localhost. */
export interface LocalVisit {
  /** What the browser asked for: `localhost:8443`. */
  readonly typed: string;
  /** The host name that the application has for it. */
  readonly host: string;
}

export interface LocalSiteProps {
  /** The host name under which the load balancer forwards a path. */
  readonly hostOf: (path: string) => string;
  /** Where the site is with TLS and without: `localhost:8443`. */
  readonly address: (isSecure: boolean) => string;
}

/**
 * The site as a browser of this machine opens it: by localhost, whatever host names the listener rules have.
 *
 * The application sees its own host name, in Host, Origin and Referer, as behind the load balancer on AWS.
 * What it answers about that name is about localhost when it comes back: redirects, cookies and CORS.
 * Addresses within a page stay as they are.
 */
export class LocalSite {
  constructor(private readonly props: LocalSiteProps) {}

  /** Gives a request the host name of the application; undefined when it does not come by localhost. */
  enter({ headers, url = '/' }: Pick<http.IncomingMessage, 'headers' | 'url'>): LocalVisit | undefined {
    const typed = headers.host ?? '';
    const host = LOCAL.test(typed) ? this.props.hostOf(url.split('?')[0]) : typed;
    if (host === typed || LOCAL.test(host)) {
      return undefined;
    }
    headers.host = host;
    for (const name of ['origin', 'referer'] as const) {
      const value = headers[name];
      if (value !== undefined) {
        headers[name] = value.replace(origin(typed), `$1${host}`);
      }
    }
    return { typed, host };
  }

  /** Takes the host name of the application out of the headers of an answer. */
  leave(headers: http.IncomingHttpHeaders, { typed, host }: LocalVisit): void {
    const { location, 'set-cookie': cookies } = headers;
    const allowed = headers['access-control-allow-origin'];
    if (location !== undefined) {
      headers.location = location.replace(origin(host, '(?<port>:\\d+)?'), (...found) => {
        const { port } = found.at(-1) as { port?: string };
        const isSecure = location.startsWith('https:');
        return `${found[1]}${port === undefined ? this.props.address(isSecure) : `localhost${port}`}`;
      });
    }
    if (allowed !== undefined) {
      headers['access-control-allow-origin'] = allowed.replace(origin(host), `$1${typed}`);
    }
    if (cookies !== undefined) {
      headers['set-cookie'] = cookies.map((cookie) => cookie.replace(/;\s*domain=[^;]*/i, ''));
    }
    // A browser would refuse everything else on localhost that has no TLS, for as long as the header says.
    delete headers['strict-transport-security'];
  }
}

/** Scheme and host at the start of an address. */
function origin(host: string, port = ''): RegExp {
  const name = host.replace(/[^\w:]/g, '\\$&');
  return new RegExp(`^(https?://)${name}${port}(?=[/?#]|$)`, 'i');
}
