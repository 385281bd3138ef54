import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Announce } from '../announce';
import type { KeyGroups } from '../aws/cloudfront/key-groups';
import type { S3 } from '../aws/signed/s3';
import type { BucketTarget, CacheBehavior, DistributionSettings, ResponseHeader } from '../template/distribution';
import { AttentiveAgent } from './attentive-agent';
import { compressed, EdgeCache, isKeepable, tellEncodings, type WholeAnswer } from './cdn/edge-cache';
import type { Certificate } from './certificates';
import { matchesPattern } from './listener-rules';
import type { LocalSite, LocalVisit } from './local-site';
import { fromBucket } from './media/bucket-origin';
import { refusalOf, signedUrl } from './media/signed-address';
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
  /** Where the files of buckets are. */
  readonly files: Pick<S3, 'answerService'>;
  /** Keys that sign addresses. */
  readonly keyGroups: Pick<KeyGroups, 'publicKey'>;
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
 * Stands for the template's CloudFront distribution before the load balancer and buckets: HTTPS, the headers
 * that it adds for the origin and for the browser, its function for requests, WebSockets, signed addresses.
 *
 * It keeps and compresses what its cache policies say, and has no pages for errors.
 */
export class Distribution {
  private readonly servers: http.Server[] = [];
  private readonly sockets = new Set<Duplex>();
  /** Port of the distribution to port on this machine. */
  private readonly ports = new Map<number, number>();
  private readonly agent: http.Agent;
  private readonly cache = new EdgeCache();
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

  get behaviors(): readonly CacheBehavior[] {
    return this.props.behaviors;
  }

  /** Whether it answers to a host name. */
  answersTo(host: string): boolean {
    return this.props.names.some((name) => matchesPattern(name, host.toLowerCase(), true));
  }

  /** How it treats a path as a browser sends it. */
  behaviorAt(path: string): CacheBehavior {
    const plain = normalized(path);
    const { behaviors } = this.props;
    const found = behaviors.find(({ pathPattern }) => {
      return matchesPattern(pathPattern, plain) || matchesPattern(pathPattern, plain.slice(1));
    });
    return found ?? behaviors[behaviors.length - 1];
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
    const passage = { entrance, request, behavior: this.behaviorAt(requested(request).path), visit };
    const answer = this.ownAnswer(passage);
    if (answer !== undefined) {
      this.respond(passage, response, answer).end(answer.body);
      return;
    }
    tellEncodings(request, passage.behavior);
    const kept = this.cache.find(request, passage.behavior);
    if (kept !== undefined) {
      this.hand(passage, response, kept, 'Hit from cloudfront');
      return;
    }
    const { bucket } = passage.behavior;
    if (bucket !== undefined) {
      void this.serveFile(passage, response, bucket);
      return;
    }
    request.headers.connection = 'keep-alive';
    const upstream = this.toOrigin(request, this.agent);
    let isAnswered = false;
    upstream.on('response', (reply) => {
      isAnswered = true;
      const { connection, ...headers } = reply.headers; // It is about the connection to the origin.
      const status = reply.statusCode ?? 502;
      reply.on('error', () => response.destroy());
      if (isKeepable(request, passage.behavior)) {
        whole(reply).then(
          (body) => this.keep(passage, response, { status, headers, body }),
          () => response.destroy(),
        );
      } else {
        reply.pipe(this.respond(passage, response, { status, headers }));
      }
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

  private async serveFile(passage: Passage, response: http.ServerResponse, bucket: BucketTarget): Promise<void> {
    try {
      const { status, headers, body } = await fromBucket(this.props.files, this.props, bucket, passage.request);
      const given = headers as http.IncomingHttpHeaders; // As they came from the double, which sends no numbers.
      const answer = { status, headers: given, body: Buffer.from(body ?? '') };
      if (isKeepable(passage.request, passage.behavior)) {
        this.keep(passage, response, answer);
      } else {
        this.respond(passage, response, { status, headers: given }).end(body);
      }
    } catch {
      this.failed(passage, response, 502);
    }
  }

  /** Hands out an answer of the origin, and keeps it for others where its headers and the policy allow it. */
  private keep(passage: Passage, response: http.ServerResponse, answer: WholeAnswer): void {
    this.cache.keep(passage.request, passage.behavior, answer);
    this.hand(passage, response, answer, 'Miss from cloudfront');
  }

  private hand(passage: Passage, response: http.ServerResponse, answer: WholeAnswer, xCache: string): void {
    const { request, behavior } = passage;
    const { status, headers, body } = compressed(answer, request, behavior);
    const { 'transfer-encoding': chunked, ...given } = headers; // It is whole now.
    const length = chunked === undefined ? {} : { 'content-length': String(body.length) };
    const all = { ...given, ...length, 'x-cache': xCache };
    this.respond(passage, response, { status, headers: all }).end(request.method === 'HEAD' ? undefined : body);
  }

  private upgrade(entrance: Entrance, request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    const visit = this.site?.enter(request);
    const passage = { entrance, request, behavior: this.behaviorAt(requested(request).path), visit };
    socket.on('error', () => socket.destroy()); // Node has let go of it, and an error without a listener is thrown.
    const answer = this.ownAnswer(passage);
    if (answer !== undefined || passage.behavior.bucket !== undefined) {
      refuse(socket, answer?.status ?? 400);
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

  /** What it answers without the origin; otherwise the request has the headers that the origin is to see. */
  private ownAnswer({ entrance, request, behavior }: Passage): ViewerAnswer | undefined {
    const asked = requested(request);
    const host = asked.host.replace(/:\d*$/, '');
    if (!this.answersTo(host)) {
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
    const refused = this.unsigned({ entrance, request, behavior });
    if (refused !== undefined) {
      return refused;
    }
    if (behavior.elsewhere !== undefined) {
      this.props.announce.event(`502 ${request.method} ${asked.path}: ${behavior.elsewhere} is not rehearsed`);
      return { status: 502 };
    }
    return this.addHeaders({ entrance, request, behavior });
  }

  /** What it answers to an address that is not signed, where the path asks for that. */
  private unsigned({ entrance, request, behavior }: Passage): ViewerAnswer | undefined {
    const { trustedKeyGroups = [] } = behavior;
    if (trustedKeyGroups.length === 0) {
      return undefined;
    }
    const asked = requested(request);
    const viewer = request.socket.remoteAddress ?? '';
    const asking = { url: signedUrl(asked, entrance.secure), viewer, now: Date.now() / 1000 };
    return refusalOf(asked.query, asking, (id) => this.props.keyGroups.publicKey(trustedKeyGroups, id));
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

async function whole(reply: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of reply) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A path as it is compared with patterns: the origin gets it as it was sent. */
function normalized(path: string): string {
  const plain = path.replace(/%([0-9a-f]{2})/gi, (encoded, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
  });
  const segments: string[] = [];
  for (const segment of plain.split('/').slice(1)) {
    if (segment === '..') {
      segments.pop();
    } else if (segment !== '.') {
      segments.push(segment);
    }
  }
  return `/${segments.join('/')}`;
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
