import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { LOOPBACK } from '../../edge/ports';
import type { Sandbox } from '../../task/sandbox';
import { listenAsApi } from '../api-server';
import type { Roles } from './roles';
import { type Incoming, Refusal, verify } from './signature';

export interface Answer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** A double of one service, behind the door. */
export interface SignedService {
  /** Answers a signed request of a role. */
  answer(request: Incoming, role: string): Promise<Answer>;
  /** Answers a request without a signature, if the service knows such; otherwise it is refused. */
  answerUnsigned?(request: Incoming): Promise<Answer | undefined>;
  /** Headers of every answer to a request, one that is refused, too. */
  headersFor?(request: Incoming): OutgoingHttpHeaders;
  refuse(refusal: Refusal, request: Incoming): Answer;
}

/** The largest request, in bytes: S3 takes more, but here it is held in memory. */
const LARGEST = 512 * 1024 * 1024;

/**
 * A door on loopback for a double that takes signed requests alone, as AWS does: whoever has a signed address
 * can use it, from a browser, too, and nobody else gets anything.
 */
export class SignedDoor {
  static async open(sandbox: Sandbox, roles: Roles, service: SignedService): Promise<SignedDoor> {
    const server = createServer((request, response) => void door.serve(request, response));
    const door = new SignedDoor(await listenAsApi(server, sandbox), roles, service);
    return door;
  }

  private constructor(
    readonly port: number,
    private readonly roles: Roles,
    private readonly service: SignedService,
  ) {}

  get endpoint(): string {
    return `http://${LOOPBACK}:${this.port}`;
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = ({ status, headers, body }: Answer, more: OutgoingHttpHeaders = {}) => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(body ?? ''), ...headers, ...more });
      response.end(message.method === 'HEAD' ? undefined : body);
    };
    try {
      const request = await this.read(message);
      const more = this.service.headersFor?.(request) ?? {};
      send(await this.answer(request), more);
    } catch {
      send({ status: 400 }); // It has not arrived whole, or is no request.
    }
  }

  private async answer(request: Incoming): Promise<Answer> {
    try {
      const unsigned = await this.service.answerUnsigned?.(request);
      if (unsigned !== undefined) {
        return unsigned;
      }
      const keyId = verify(request, (id) => this.roles.secretOf(id));
      return await this.service.answer(request, this.roles.roleOf(keyId));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal('InternalError', (error as Error).message, 500);
      return this.service.refuse(refusal, request);
    }
  }

  private async read(message: IncomingMessage): Promise<Incoming> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of message) {
      size += chunk.length;
      if (size > LARGEST) {
        throw new Error('too large');
      }
      chunks.push(chunk);
    }
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name, [value ?? ''].flat().join(',')]),
    );
    const url = new URL(message.url ?? '/', `http://${message.headers.host ?? LOOPBACK}`);
    return { method: message.method ?? 'GET', url, headers, body: Buffer.concat(chunks) };
  }
}
