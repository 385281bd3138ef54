import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createProxyServer, type ProxyServer } from 'httpxy';
import type { Announce } from '../announce';
import { CALLER_HEADER, Calls } from './calls';
import type { Certificate } from './certificates';
import { headersOf } from './listener-headers';
import { chooseAction, forwardsTo, type ListenerRule, type RuleAction } from './listener-rules';
import type { LocalSite, LocalVisit } from './local-site';
import { LOOPBACK } from './ports';
import { redirection, requested } from './redirection';
import { refuse } from './refuse';
import type { Target, TargetGroup } from './target-group';

/** A listener of the template. */
export interface ListenerSettings {
  readonly port: number;
  readonly secure: boolean;
  readonly rules: ListenerRule[];
  readonly defaultActions: RuleAction[];
  /** `routing.http.response.*` and others, by key. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Whether only its rules are known, since it belongs to another app. @default false */
  readonly isUndescribed?: boolean;
}

/** A request, its response, and the listener that it came in by. */
interface Exchange {
  readonly settings: ListenerSettings;
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  /** The calls of whoever sent it, if they said who they are. */
  readonly calls?: Calls;
  /** How it came by localhost, if it did. */
  readonly visit?: LocalVisit;
}

/** An answer that the load balancer gives itself. */
interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly type?: string;
  readonly location?: string;
}

export interface LoadBalancerProps {
  readonly groups: ReadonlyMap<string, TargetGroup>;
  readonly certificate: Certificate;
  readonly idleTimeout: number;
  readonly dropInvalidHeaders: boolean;
  /** Whether X-Forwarded-For stays as it comes. @default false: whom it was called by is appended */
  readonly preservesForwardedFor?: boolean;
  readonly announce: Announce;
}

/**
 * Routes as the template's Application Load Balancer would: listeners, rules, targets, headers, WebSockets.
 */
export class LoadBalancer {
  private readonly servers: http.Server[] = [];
  private readonly sockets = new Set<Socket>();
  /** Port of the template to port on this machine. */
  private readonly ports = new Map<number, number>();
  private readonly callers = new Map<string, Calls>();
  private readonly proxy: ProxyServer;
  private readonly exchangeOf = new WeakMap<object, Exchange>();
  private site?: LocalSite;
  /** Where visitors meet a port of the template. */
  private visitorPort = (templatePort: number): number | undefined => this.portOf(templatePort);

  constructor(private readonly props: LoadBalancerProps) {
    this.proxy = createProxyServer({ ws: true, xfwd: false, changeOrigin: false });
    this.proxy.on('proxyRes', (upstream, request) => {
      delete upstream.headers.connection; // It is about the connection to the target, not the visitor's.
      const exchange = this.exchangeOf.get(request);
      if (exchange !== undefined) {
        applyHeaders(upstream.headers, exchange.settings);
        this.leave(upstream.headers, exchange);
      }
    });
  }

  /** Where a listener of the template can be reached here. */
  portOf(templatePort: number): number | undefined {
    return this.ports.get(templatePort);
  }

  /** From here on visitors come by a distribution: redirects lead to its ports. */
  standBehind(portOf: (templatePort: number) => number | undefined): void {
    this.visitorPort = portOf;
  }

  /** The requests of one caller that were passed on. */
  callsOf(caller: string): Calls {
    const calls = this.callers.get(caller) ?? new Calls();
    this.callers.set(caller, calls);
    return calls;
  }

  /** From here on the site answers to localhost, too, with a certificate of its own. */
  openSite(site: LocalSite, { cert, key }: Pick<Certificate, 'cert' | 'key'>): void {
    this.site = site;
    for (const server of this.servers) {
      if (server instanceof https.Server) {
        server.addContext('localhost', { cert, key });
      }
    }
  }

  async listen(settings: ListenerSettings, port: number): Promise<void> {
    const { cert, key } = this.props.certificate;
    const server: http.Server = settings.secure
      ? https.createServer({ cert, key, minVersion: 'TLSv1.2' })
      : http.createServer();
    server.keepAliveTimeout = this.props.idleTimeout * 1000;
    server.requestTimeout = 0;
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.setTimeout(this.props.idleTimeout * 1000, () => socket.destroy());
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request, response) => void this.take({ settings, request, response }));
    server.on('upgrade', (request, socket, head) => void this.takeUpgrade(settings, request, socket as Socket, head));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, LOOPBACK, resolve);
    });
    this.servers.push(server);
    this.ports.set(settings.port, (server.address() as AddressInfo).port);
  }

  close(): void {
    for (const server of this.servers) {
      server.close();
    }
    for (const socket of this.sockets) {
      socket.destroy();
    }
    for (const group of this.props.groups.values()) {
      for (const target of group.targets) {
        group.remove(target);
      }
    }
  }

  /** Whatever goes wrong with a request is its answer: nobody else would catch it. */
  private async take(arrived: Pick<Exchange, 'settings' | 'request' | 'response'>): Promise<void> {
    const { request, response } = arrived;
    try {
      const visit = this.site?.enter(request);
      await this.serve({ ...arrived, calls: this.takeCaller(request), visit });
    } catch (error) {
      this.broken(request, error as Error);
      if (response.headersSent) {
        response.destroy();
      } else {
        response.writeHead(500, { connection: 'close', 'content-length': 0 }).end();
      }
    }
  }

  /** The same for a request that asks for a WebSocket. */
  private async takeUpgrade(
    settings: ListenerSettings,
    request: http.IncomingMessage,
    socket: Socket,
    head: Buffer,
  ): Promise<void> {
    socket.on('error', () => socket.destroy()); // Node has let go of it, and an error without a listener is thrown.
    try {
      await this.upgrade(settings, request, socket, head);
    } catch (error) {
      this.broken(request, error as Error);
      refuse(socket, 500);
    }
  }

  private broken({ method, url }: http.IncomingMessage, { message }: Error): void {
    this.props.announce.event(`500 ${method} ${url?.split('?')[0]} from the load balancer itself: ${message}`);
  }

  private async serve(exchange: Exchange): Promise<void> {
    const action = this.actionFor(exchange.settings, exchange.request);
    if (action.Type === 'fixed-response') {
      const { StatusCode, MessageBody, ContentType } = action.FixedResponseConfig ?? { StatusCode: '503' };
      this.answer(exchange, { status: Number(StatusCode), body: MessageBody, type: ContentType });
    } else if (action.Type === 'redirect') {
      const location = redirection(action, exchange.settings, requested(exchange.request), this.visitorPort);
      this.answer(exchange, { status: action.RedirectConfig?.StatusCode === 'HTTP_301' ? 301 : 302, location });
    } else {
      await this.forward(this.choose(action), exchange);
    }
  }

  private async forward(target: Target | undefined, exchange: Exchange): Promise<void> {
    const { settings, request, response, calls } = exchange;
    if (target === undefined) {
      this.answer(exchange, { status: 503, body: 'no target', type: 'text/plain' });
      return;
    }
    this.forwardedHeaders(settings, request);
    request.headers.connection = 'keep-alive';
    target.begin();
    calls?.begin(target);
    response.once('close', () => {
      target.end();
      calls?.end(target);
    });
    this.exchangeOf.set(request, exchange);
    try {
      await this.proxy.web(request, response, {
        target: `http://${LOOPBACK}:${target.port}`,
        agent: target.agent,
        proxyTimeout: this.props.idleTimeout * 1000,
      });
    } catch (error) {
      this.failed(target, exchange, error as NodeJS.ErrnoException);
    }
  }

  private failed(target: Target, exchange: Exchange, error: NodeJS.ErrnoException): void {
    const { request, response } = exchange;
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const status = error.code === 'ECONNRESET' && /timeout/i.test(error.message) ? 504 : 502;
    this.props.announce.event(
      `${status} ${request.method} ${request.url?.split('?')[0]} from ${target.id}: ${error.code}`,
    );
    this.answer(exchange, { status });
  }

  private answer(exchange: Exchange, { status, body = '', type = 'text/html', location }: Answer): void {
    const { response, settings } = exchange;
    const headers: http.IncomingHttpHeaders = { server: 'awselb/2.0', 'content-type': type, location };
    applyHeaders(headers, settings);
    this.leave(headers, exchange);
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) {
        response.setHeader(name, value);
      }
    }
    response.statusCode = status;
    response.end(body);
  }

  private leave(headers: http.IncomingHttpHeaders, { visit }: Exchange): void {
    if (visit !== undefined) {
      this.site?.leave(headers, visit);
    }
  }

  private async upgrade(
    settings: ListenerSettings,
    request: http.IncomingMessage,
    socket: Socket,
    head: Buffer,
  ): Promise<void> {
    const calls = this.takeCaller(request);
    this.site?.enter(request);
    const action = this.actionFor(settings, request);
    const target = action.Type === 'forward' ? this.choose(action) : undefined;
    if (target === undefined) {
      refuse(socket, Number(action.FixedResponseConfig?.StatusCode ?? 503));
      return;
    }
    this.forwardedHeaders(settings, request);
    target.begin();
    calls?.begin(target);
    target.upgraded.add(socket);
    socket.once('close', () => {
      target.upgraded.delete(socket);
      target.end();
      calls?.end(target);
    });
    try {
      await this.proxy.ws(request, socket, { target: `http://${LOOPBACK}:${target.port}`, agent: false }, head);
    } catch {
      socket.destroy();
    }
  }

  private takeCaller({ headers }: http.IncomingMessage): Calls | undefined {
    const caller = headers[CALLER_HEADER];
    delete headers[CALLER_HEADER];
    return typeof caller === 'string' ? this.callsOf(caller) : undefined;
  }

  private actionFor(settings: ListenerSettings, request: http.IncomingMessage): RuleAction {
    const { host, path } = requested(request);
    return chooseAction(settings.rules, settings.defaultActions, {
      host,
      path,
      method: request.method ?? 'GET',
      headers: request.headers,
    });
  }

  private choose(action: RuleAction): Target | undefined {
    return this.props.groups.get(forwardsTo(action) ?? '')?.choose();
  }

  /** Appends whom it was called by; what the client claims stays on the left. */
  private forwardedHeaders(settings: ListenerSettings, request: http.IncomingMessage): void {
    const { headers } = request;
    if (this.props.dropInvalidHeaders) {
      for (const name of Object.keys(headers)) {
        if (!/^[a-z0-9-]+$/.test(name)) {
          delete headers[name];
        }
      }
    }
    if (!this.props.preservesForwardedFor) {
      const claimed = headers['x-forwarded-for'];
      headers['x-forwarded-for'] = [claimed, request.socket.remoteAddress].flat().filter(Boolean).join(', ');
    }
    headers['x-forwarded-proto'] = settings.secure ? 'https' : 'http';
    headers['x-forwarded-port'] = String(settings.port);
    headers['x-amzn-trace-id'] ??= `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomHex(24)}`;
  }
}

/** What the listener's attributes add to every response and take away. */
function applyHeaders(headers: http.IncomingHttpHeaders, settings: ListenerSettings): void {
  for (const [header, value] of headersOf(settings)) {
    headers[header] = value;
  }
  if (settings.attributes['routing.http.response.server.enabled'] === 'false') {
    delete headers.server;
  }
}

function randomHex(length: number): string {
  return Array.from({ length }, () => Math.floor(Math.random() * 16).toString(16)).join('');
}
