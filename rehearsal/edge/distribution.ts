import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Announce } from '../announce';
import type { CacheBehavior, DistributionSettings, ResponseHeader } from '../template/distribution';
import { AttentiveAgent } from './attentive-agent';
import type { Certificate } from './certificates';
import { matchesPattern } from './listener-rules';
import type { LocalSite, LocalVisit } from './local-site';
import { LOOPBACK } from './ports';
import { type Entrance, redirection, requested, TO_HTTPS } from './redirection';
import { refuse } from './refuse';
import { runViewerFunction, type ViewerAnswer } from './viewer-function';

/** The load balancer behind a distribution. */
export interface Origin {
  readonly secure: boolean;
  /** Its port on this machine, once it listens. */
  readonly port: () => number | undefined;
}

export interface DistributionProps extends DistributionSettings {
  readonly origin: Origin;
  readonly certificate: Certificate;
  /** Certificate of the authority that the load balancer has its own from. */
  readonly ca: string;
  readonly announce: Announce;
}

/** A request on its way through. */
interface Passage {
  readonly entrance: Entrance;
  readonly request: http.IncomingMessage;
  readonly behavior: CacheBehavior;
  readonly visit?: LocalVisit;
}

/** Seconds that a browser's connection may be without a request. */
const KEEP_ALIVE_SECONDS = 60;
const TOLD_PROTOCOL = 'cloudfront-forwarded-proto';

/**
 * Stands for the template's CloudFront distribution before the load balancer: HTTPS, the headers that it adds
 * for the origin and for the browser, its function for requests, WebSockets.
 *
 * It keeps nothing, compresses nothing and has no pages for errors: every request reaches the load balancer.
 */
export class Distribution {
  private readonly servers: http.Server[] = [];
  private readonly sockets = new Set<Duplex>();
  /** Port of the distribution to port on this machine. */
  private readonly ports = new Map<number, number>();
  private readonly agent: http.Agent;
  private site?: LocalSite;

  constructor(private readonly props: DistributionProps) {
    const { origin, ca } = props;
    this.agent = origin.secure
      ? new https.Agent({ keepAlive: true, ca })
      : new AttentiveAgent({ keepAlive: true, maxFreeSockets: 1024 });
  }

  /** Headers that it adds to what it sends to the load balancer. */
  get originHeaders(): Readonly<Record<string, string>> {
    return this.props.originHeaders;
  }

  portOf(port: number): number | undefined {
    return this.ports.get(port);
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

  async listen(entrance: Entrance, port: number): Promise<void> {
    const { cert, key } = this.props.certificate;
    const server: http.Server = entrance.secure
      ? https.createServer({ cert, key, minVersion: 'TLSv1.2' })
      : http.createServer();
    server.keepAliveTimeout = KEEP_ALIVE_SECONDS * 1000;
    server.requestTimeout = 0;
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request, response) => this.take(entrance, request, response));
    server.on('upgrade', (request, socket, head) => this.upgrade(entrance, request, socket, head));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, LOOPBACK, resolve);
    });
    this.servers.push(server);
    this.ports.set(entrance.port, (server.address() as AddressInfo).port);
  }

  close(): void {
    for (const server of this.servers) {
      server.close();
    }
    for (const socket of this.sockets) {
      socket.destroy();
    }
    this.agent.destroy();
  }

  private take(entrance: Entrance, request: http.IncomingMessage, response: http.ServerResponse): void {
    const visit = this.site?.enter(request);
    const passage = { entrance, request, behavior: this.behaviorFor(request), visit };
    const answer = this.ownAnswer(passage);
    if (answer !== undefined) {
      this.respond(passage, response, answer).end(answer.body);
      return;
    }
    request.headers.connection = 'keep-alive';
    const upstream = this.toOrigin(request, this.agent);
    let isAnswered = false;
    upstream.on('response', (reply) => {
      isAnswered = true;
      const { connection, ...headers } = reply.headers; // It is about the connection to the origin.
      reply.on('error', () => response.destroy());
      reply.pipe(this.respond(passage, response, { status: reply.statusCode ?? 502, headers }));
    });
    upstream.setTimeout(this.props.readTimeout * 1000, () => {
      if (!isAnswered) {
        this.failed(passage, response, 504);
      }
      upstream.destroy();
    });
    upstream.on('error', () => this.failed(passage, response, 502));
    response.on('close', () => response.writableFinished || upstream.destroy());
    request.pipe(upstream);
  }

  private upgrade(entrance: Entrance, request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    const visit = this.site?.enter(request);
    const passage = { entrance, request, behavior: this.behaviorFor(request), visit };
    socket.on('error', () => socket.destroy()); // Node has let go of it, and an error without a listener is thrown.
    const answer = this.ownAnswer(passage);
    if (answer !== undefined) {
      refuse(socket, answer.status);
      return;
    }
    const upstream = this.toOrigin(request, false);
    upstream.on('upgrade', (reply, origin, first) => {
      origin.on('error', () => socket.destroy());
      origin.on('close', () => socket.destroy());
      socket.on('close', () => origin.destroy());
      socket.write(headOf(reply));
      socket.write(first);
      origin.write(head);
      origin.pipe(socket).pipe(origin);
    });
    upstream.on('response', (reply) => {
      reply.resume();
      refuse(socket, reply.statusCode ?? 502);
    });
    upstream.on('error', () => refuse(socket, 502));
    upstream.end();
  }

  private behaviorFor(request: http.IncomingMessage): CacheBehavior {
    const { path } = requested(request);
    const { behaviors } = this.props;
    const found = behaviors.find(({ pathPattern }) => {
      return matchesPattern(pathPattern, path) || matchesPattern(pathPattern, path.slice(1));
    });
    return found ?? behaviors[behaviors.length - 1];
  }

  /** What it answers without the origin; otherwise the request has the headers that the origin is to see. */
  private ownAnswer({ entrance, request, behavior }: Passage): ViewerAnswer | undefined {
    const asked = requested(request);
    const host = asked.host.replace(/:\d*$/, '').toLowerCase();
    if (!this.props.names.some((name) => matchesPattern(name, host, true))) {
      return { status: 403, body: `no distribution has the name ${host}` };
    }
    if (!entrance.secure && behavior.viewerProtocolPolicy === 'redirect-to-https') {
      const location = redirection(TO_HTTPS, entrance, asked, (port) => this.ports.get(port));
      return { status: 301, headers: { location } };
    }
    if (!entrance.secure && behavior.viewerProtocolPolicy === 'https-only') {
      return { status: 403 };
    }
    if (!behavior.allowedMethods.includes(request.method ?? 'GET')) {
      return { status: 403 };
    }
    return this.addHeaders({ entrance, request, behavior });
  }

  private addHeaders({ entrance, request, behavior }: Passage): ViewerAnswer | undefined {
    const { headers, socket, method, url } = request;
    const viewer = socket.remoteAddress ?? '';
    try {
      const answer = runViewerFunction(behavior.viewerFunction, request, viewer);
      if (answer !== undefined) {
        return answer;
      }
    } catch (error) {
      const { message } = error as Error;
      this.props.announce.event(`503 ${method} ${url?.split('?')[0]} from a function of the distribution: ${message}`);
      return { status: 503 };
    }
    headers['x-forwarded-for'] = [headers['x-forwarded-for'], viewer].flat().filter(Boolean).join(', ');
    delete headers[TOLD_PROTOCOL];
    if (behavior.tellsProtocol) {
      headers[TOLD_PROTOCOL] = entrance.secure ? 'https' : 'http';
    }
    for (const [name, value] of Object.entries(this.props.originHeaders)) {
      headers[name.toLowerCase()] = value;
    }
    return undefined;
  }

  private toOrigin({ method, url, headers }: http.IncomingMessage, agent: http.Agent | false): http.ClientRequest {
    const { origin, ca } = this.props;
    const common = { host: LOOPBACK, port: origin.port(), method, path: url, headers, agent };
    // Like CloudFront, it compares the certificate with the Host header, which it passes on.
    const servername = (headers.host ?? '').replace(/:\d*$/, '');
    return origin.secure ? https.request({ ...common, ca, servername }) : http.request(common);
  }

  private respond(
    { behavior, visit }: Passage,
    response: http.ServerResponse,
    { status, headers = {} }: ViewerAnswer,
  ): http.ServerResponse {
    applyHeaders(headers, behavior.responseHeaders);
    if (visit !== undefined) {
      this.site?.leave(headers, visit);
    }
    return response.writeHead(status, headers);
  }

  private failed(passage: Passage, response: http.ServerResponse, status: number): void {
    if (response.writableEnded) {
      return; // It is answered: what ends the request to the origin then is no failure.
    }
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { method, url } = passage.request;
    this.props.announce.event(`${status} ${method} ${url?.split('?')[0]} from the distribution`);
    this.respond(passage, response, { status, headers: { connection: 'close' } }).end();
  }
}

function applyHeaders(headers: http.IncomingHttpHeaders, policy: readonly ResponseHeader[]): void {
  for (const { name, value, override } of policy) {
    if (value === undefined) {
      delete headers[name];
    } else if (override || headers[name] === undefined) {
      headers[name] = value;
    }
  }
}

/** The first lines of an answer, as they came. */
function headOf({ statusCode, statusMessage, rawHeaders }: http.IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
