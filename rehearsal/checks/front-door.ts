import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import WebSocket from 'ws';
import { CALLER_HEADER, type Calls } from '../edge/calls';
import { chooseAction, concrete, forwardsTo, hostPatterns, matchesPattern, pathPatterns } from '../edge/listener-rules';
import type { Rehearsal } from '../rehearsal';

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer | Readable;
  /** Port of the template. */
  readonly listener?: number;
  /** Address that the request comes from. */
  readonly from?: string;
  readonly agent?: http.Agent;
  readonly timeout?: number;
}

/** A file of a form. */
export interface Upload {
  readonly field: string;
  readonly name: string;
  readonly type: string;
  readonly file: Buffer;
}

/** A visitor: everything goes through the rehearsed load balancer, by the name of the application. */
export class FrontDoor {
  readonly host: string;
  /** The listener that visitors use. */
  readonly listener: number;
  readonly secure: boolean;
  /** Whether a stack of the assembly says what the listener itself does: its headers, its default. */
  readonly isDescribed: boolean;

  /**
   * `name` tells its requests from those of others; tabs of one browser share their cookies. The host is by
   * default one that has `/`.
   */
  constructor(
    private readonly rehearsal: Rehearsal,
    private readonly name: string,
    private readonly cookies: Record<string, string> = {},
    host?: string,
  ) {
    const forwarding = rehearsal.listeners.filter(({ rules, defaultActions }) =>
      [...rules.flatMap(({ actions }) => actions), ...defaultActions].some(({ Type }) => Type === 'forward'),
    );
    const listener = forwarding.find(({ secure }) => secure) ?? forwarding[0];
    this.secure = listener?.secure ?? false;
    this.listener = listener?.port ?? 80;
    this.isDescribed = listener?.isUndescribed !== true;
    this.host = host ?? this.hostFor('/');
  }

  /**
   * A host name under which the load balancer forwards a path to a service.
   *
   * A rule that names the path comes before a rule that takes every path.
   */
  hostFor(path: string): string {
    const { rules = [], defaultActions = [] } =
      this.rehearsal.listeners.find(({ port }) => port === this.listener) ?? {};
    const forwarding = rules.filter(({ actions }) => forwardsTo(actions.at(-1)) !== undefined);
    const naming = forwarding.filter((rule) => pathPatterns(rule).some((pattern) => matchesPattern(pattern, path)));
    const names = [...naming, ...forwarding].flatMap((rule) => hostPatterns(rule)).map(concrete);
    const answered = names.find((host) => {
      const action = chooseAction(rules, defaultActions, { host, path, method: 'GET', headers: {} });
      return forwardsTo(action) !== undefined;
    });
    return answered ?? names[0] ?? 'localhost';
  }

  /** What the load balancer has passed on of its requests. */
  get calls(): Calls | undefined {
    return this.rehearsal.loadBalancer?.callsOf(this.caller);
  }

  /** The same browser, with requests that are counted by themselves. */
  tab(name: string): FrontDoor {
    return new FrontDoor(this.rehearsal, `${this.name}: ${name}`, this.cookies, this.host);
  }

  get url(): string {
    return `${this.secure ? 'https' : 'http'}://${this.host}:${this.port(this.listener)}`;
  }

  port(listener: number): number {
    return this.rehearsal.door?.portOf(listener) ?? 0;
  }

  request(path: string, options: RequestOptions = {}): Promise<Reply> {
    const listener = options.listener ?? this.listener;
    const secure = this.rehearsal.listeners.find(({ port }) => port === listener)?.secure ?? false;
    const host = options.host ?? this.host;
    const settings: https.RequestOptions = {
      host: '127.0.0.1',
      port: this.port(listener),
      path,
      method: options.method ?? 'GET',
      headers: { host, [CALLER_HEADER]: this.caller, ...options.headers },
      localAddress: options.from,
      agent: options.agent ?? false,
      ca: this.rehearsal.authority.certificate.cert,
      servername: this.host,
      timeout: options.timeout ?? 70_000,
    };
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(settings, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
      // A handshake that is accepted although its sender asked for a page.
      request.on('upgrade', ({ headers }, socket) => {
        socket.destroy();
        resolve({ status: 101, headers, body: '' });
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', reject);
      if (options.body instanceof Readable) {
        options.body.pipe(request);
      } else {
        request.end(options.body);
      }
    });
  }

  /** Reads a page as a browser does: with its cookies, and with those that come back from now on. */
  async visit(path: string, agent?: http.Agent): Promise<Reply> {
    const reply = await this.request(path, { agent, headers: { cookie: this.cookieHeader() } });
    this.keep(reply);
    return reply;
  }

  async json<T>(path: string): Promise<T> {
    const reply = await this.visit(path);
    if (reply.status !== 200) {
      throw new Error(`${path} answered ${reply.status}`);
    }
    return JSON.parse(reply.body) as T;
  }

  /** Fills in a form of Django as a browser does: its token and cookie first. */
  async submit(page: string, action: string, fields: Record<string, string>): Promise<Reply> {
    const form = await this.visit(page);
    const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(form.body)?.[1] ?? this.cookies.csrftoken;
    const body = new URLSearchParams({ ...fields, csrfmiddlewaretoken: token ?? '' }).toString();
    const reply = await this.request(action, {
      method: 'POST',
      body,
      headers: {
        cookie: this.cookieHeader(),
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(Buffer.byteLength(body)),
        referer: `${this.secure ? 'https' : 'http'}://${this.host}${page}`,
        origin: `${this.secure ? 'https' : 'http'}://${this.host}`,
      },
    });
    this.keep(reply);
    return reply;
  }

  /** Sends a file with the form of a page, as a browser does. */
  async upload(page: string, { field, name, type, file }: Upload): Promise<Reply> {
    await this.visit(page);
    const form = new FormData();
    form.append('csrfmiddlewaretoken', this.cookies.csrftoken ?? '');
    form.append(field, new Blob([new Uint8Array(file)], { type }), name);
    const encoded = new Response(form);
    const body = Buffer.from(await encoded.arrayBuffer());
    const own = `${this.secure ? 'https' : 'http'}://${this.host}`;
    return this.request(page, {
      method: 'POST',
      body,
      headers: {
        ...{ cookie: this.cookieHeader(), referer: own + page, origin: own },
        'content-type': encoded.headers.get('content-type') ?? '',
        'content-length': String(body.length),
      },
    });
  }

  webSocket(path: string): WebSocket {
    const host = this.hostFor(path);
    return new WebSocket(`${this.secure ? 'wss' : 'ws'}://127.0.0.1:${this.port(this.listener)}${path}`, {
      ...({ ca: this.rehearsal.authority.certificate.cert, servername: this.host } as object),
      headers: {
        host,
        [CALLER_HEADER]: this.caller,
        origin: `${this.secure ? 'https' : 'http'}://${host}`,
        cookie: this.cookieHeader(),
      },
    });
  }

  /** A header carries no other characters. */
  private get caller(): string {
    return encodeURIComponent(this.name);
  }

  private cookieHeader(): string {
    return Object.entries(this.cookies)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ');
  }

  private keep(reply: Reply): void {
    for (const cookie of reply.headers['set-cookie'] ?? []) {
      const [pair] = cookie.split(';');
      const [name, ...value] = pair.split('=');
      this.cookies[name] = value.join('=');
    }
  }
}
