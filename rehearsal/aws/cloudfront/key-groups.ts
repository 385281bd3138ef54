import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { LOOPBACK } from '../../edge/ports';
import type { Sandbox } from '../../task/sandbox';
import { listenAsApi } from '../api-server';

interface PublicKey {
  readonly name: string;
  readonly reference: string;
  readonly pem: string;
  readonly made: Date;
}

interface KeyGroup {
  readonly name: string;
  readonly keyIds: readonly string[];
  readonly etag: string;
}

/** One call of the API. */
interface Call {
  readonly method: string;
  /** `key-group` or `public-key`. */
  readonly kind: string;
  readonly id?: string;
  readonly body: string;
  /** The version that the caller means to change. */
  readonly ifMatch?: string;
}

interface Result {
  readonly status?: number;
  readonly etag?: string;
  readonly xml?: string;
}

/** What CloudFront calls an error, which its client throws. */
class Fault extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
  ) {
    super(code);
  }
}

/** CloudFront's limit. */
const MOST_KEYS = 5;
/**
 * Milliseconds since a group was last changed, whenever that was: there are no edge locations here to which
 * news of a key would be on its way, and nobody has to wait for them.
 */
const LONG_AGO = 60 * 60 * 1000;

/**
 * The public keys and key groups of CloudFront, as its API makes, changes and deletes them: a distribution of
 * this machine knows them at once.
 *
 * @see https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateKeyGroup.html
 */
export class KeyGroups {
  private readonly keys = new Map<string, PublicKey>();
  private readonly groups = new Map<string, KeyGroup>();

  /** A public key in PEM by its id, where one of these groups has it. */
  publicKey(groupIds: readonly string[], keyId: string): string | undefined {
    const isTrusted = groupIds.some((id) => this.groups.get(id)?.keyIds.includes(keyId));
    return isTrusted ? this.keys.get(keyId)?.pem : undefined;
  }

  /** Answers the API on loopback for whoever knows the address; gives it. */
  async listen(sandbox: Sandbox): Promise<string> {
    const token = randomBytes(16).toString('hex');
    const server = createServer((request, response) => void this.serve(token, request, response));
    const port = await listenAsApi(server, sandbox);
    return `http://${LOOPBACK}:${port}/${token}`;
  }

  private async serve(token: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0];
    const [, kind, id] = new RegExp(`^/${token}/2020-05-31/(key-group|public-key)(?:/([^/]+))?$`).exec(path) ?? [];
    if (kind === undefined) {
      response.writeHead(403).end();
      return;
    }
    const { method = 'GET', headers } = request;
    try {
      const call = { method, kind, id, body: await bodyOf(request), ifMatch: headers['if-match'] };
      const { status = 200, etag, xml = '' } = this.call(call);
      response.writeHead(status, { 'content-type': 'text/xml', ...(etag === undefined ? {} : { etag }) });
      response.end(xml);
    } catch (error) {
      const { code, status } = error instanceof Fault ? error : new Fault('InternalError', 500);
      response.writeHead(status, { 'content-type': 'text/xml' });
      response.end(`<ErrorResponse><Error><Code>${code}</Code><Message>${code}</Message></Error></ErrorResponse>`);
    }
  }

  private call(call: Call): Result {
    return call.kind === 'key-group' ? this.callGroups(call) : this.callKeys(call);
  }

  private callGroups({ method, id, body, ifMatch }: Call): Result {
    if (id === undefined) {
      return method === 'POST' ? this.createGroup(body) : { xml: list('KeyGroup', [...this.groups].map(summary)) };
    }
    const group = this.groups.get(id);
    if (group === undefined) {
      throw new Fault('NoSuchResource', 404);
    }
    if (method !== 'GET' && ifMatch !== group.etag) {
      throw new Fault('PreconditionFailed', 412);
    }
    switch (method) {
      case 'GET':
        return { etag: group.etag, xml: groupXml([id, group]) };
      case 'PUT':
        return this.setGroup(id, body);
      case 'DELETE':
        this.groups.delete(id);
        return { status: 204 };
      default:
        throw new Fault('InvalidArgument', 400);
    }
  }

  private createGroup(body: string): Result {
    if ([...this.groups.values()].some(({ name }) => name === first(body, 'Name'))) {
      throw new Fault('KeyGroupAlreadyExists', 409);
    }
    return { ...this.setGroup(randomUUID(), body), status: 201 };
  }

  private setGroup(id: string, body: string): Result {
    const keyIds = all(body, 'PublicKey');
    if (keyIds.length === 0 || keyIds.some((keyId) => !this.keys.has(keyId))) {
      throw new Fault('InvalidArgument', 400);
    }
    if (keyIds.length > MOST_KEYS) {
      throw new Fault('TooManyPublicKeysInKeyGroup', 400);
    }
    const group = { name: first(body, 'Name'), keyIds, etag: etag() };
    this.groups.set(id, group);
    return { etag: group.etag, xml: groupXml([id, group]) };
  }

  private callKeys({ method, id, body }: Call): Result {
    if (id === undefined) {
      return method === 'POST' ? this.createKey(body) : { xml: list('PublicKey', [...this.keys].map(keySummary)) };
    }
    const key = this.keys.get(id);
    if (key === undefined) {
      throw new Fault('NoSuchPublicKey', 404);
    }
    if (method === 'DELETE') {
      if ([...this.groups.values()].some(({ keyIds }) => keyIds.includes(id))) {
        throw new Fault('PublicKeyInUse', 409);
      }
      this.keys.delete(id);
      return { status: 204 };
    }
    return { etag: id, xml: keyXml([id, key]) };
  }

  private createKey(body: string): Result {
    const key: PublicKey = {
      name: first(body, 'Name'),
      reference: first(body, 'CallerReference'),
      pem: first(body, 'EncodedKey'),
      made: new Date(),
    };
    if ([...this.keys.values()].some(({ name, reference }) => name === key.name || reference === key.reference)) {
      throw new Fault('PublicKeyAlreadyExists', 409);
    }
    const id = `K${randomBytes(7).toString('hex').slice(0, 13).toUpperCase()}`;
    this.keys.set(id, key);
    return { status: 201, etag: id, xml: keyXml([id, key]) };
  }
}

function etag(): string {
  return `E${randomBytes(6).toString('hex').toUpperCase()}`;
}

function groupXml([id, { name, keyIds }]: [string, KeyGroup]): string {
  const items = keyIds.map((keyId) => `<PublicKey>${keyId}</PublicKey>`).join('');
  const changed = new Date(Date.now() - LONG_AGO).toISOString();
  return `<KeyGroup><Id>${id}</Id><LastModifiedTime>${changed}</LastModifiedTime><KeyGroupConfig><Name>${escaped(name)}</Name><Items>${items}</Items></KeyGroupConfig></KeyGroup>`;
}

function summary(group: [string, KeyGroup]): string {
  return `<KeyGroupSummary>${groupXml(group)}</KeyGroupSummary>`;
}

function keyXml([id, { name, reference, pem, made }]: [string, PublicKey]): string {
  return `<PublicKey><Id>${id}</Id><CreatedTime>${made.toISOString()}</CreatedTime><PublicKeyConfig><CallerReference>${escaped(reference)}</CallerReference><Name>${escaped(name)}</Name><EncodedKey>${escaped(pem)}</EncodedKey></PublicKeyConfig></PublicKey>`;
}

function keySummary([id, { name, pem, made }]: [string, PublicKey]): string {
  return `<PublicKeySummary><Id>${id}</Id><Name>${escaped(name)}</Name><CreatedTime>${made.toISOString()}</CreatedTime><EncodedKey>${escaped(pem)}</EncodedKey></PublicKeySummary>`;
}

function list(kind: string, items: readonly string[]): string {
  return `<${kind}List><MaxItems>100</MaxItems><Quantity>${items.length}</Quantity><Items>${items.join('')}</Items></${kind}List>`;
}

function first(xml: string, tag: string): string {
  return all(xml, tag)[0] ?? '';
}

function all(xml: string, tag: string): string[] {
  return [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map(([, text]) => unescaped(text));
}

function unescaped(text: string): string {
  const newlines = text.replace(/&#(?:x0?A|10);/gi, '\n').replace(/&#(?:x0?D|13);/gi, '\r');
  return newlines.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
  }
  return body;
}
