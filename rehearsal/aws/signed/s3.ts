import http, { type OutgoingHttpHeaders } from 'node:http';
import { matchesPattern } from '../../edge/listener-rules';
import type { Doubles } from '../doubles';
import type { Answer, SignedService } from './door';
import { checkPolicy, readForm } from './form';
import type { Wish } from './policy';
import type { AskingService, ResourcePolicies } from './resource-policies';
import type { Roles } from './roles';
import { type Incoming, Refusal, verifyPolicy } from './signature';

/** A rule of `CorsConfiguration`. */
export interface CorsRule {
  readonly AllowedOrigins: string[];
  readonly AllowedMethods: string[];
  readonly AllowedHeaders?: string[];
  readonly ExposedHeaders?: string[];
  readonly MaxAge?: number;
}

/** What the actions of sub-resources are about, in the words of IAM. */
const OF_BUCKETS: Readonly<Record<string, string>> = {
  acl: 'BucketAcl',
  tagging: 'BucketTagging',
  policy: 'BucketPolicy',
  cors: 'BucketCORS',
  lifecycle: 'LifecycleConfiguration',
  versioning: 'BucketVersioning',
  location: 'BucketLocation',
  encryption: 'EncryptionConfiguration',
};
const OF_OBJECTS: Readonly<Record<string, string>> = { acl: 'ObjectAcl', tagging: 'ObjectTagging' };
/** Fields of a form that S3 keeps with the file, and answers as headers. */
const STORED = /^(cache-control|expires|content-(type|disposition|encoding|language)|x-amz-meta-.+)$/;
/** Headers that belong to the connection or to the signature, and those of a browser. */
const NOT_PASSED =
  /^(host|authorization|connection|expect|origin|referer|cookie|content-length|transfer-encoding|sec-.*|access-control-.*)$/;

/**
 * S3 as its clients see it: private, for who has a signature and a policy that allows it.
 *
 * Behind it the double keeps the objects.
 */
export class S3 implements SignedService {
  constructor(
    private readonly doubles: Pick<Doubles, 'behind' | 'region'>,
    private readonly roles: Roles,
    private readonly cors: ReadonlyMap<string, readonly CorsRule[]>,
    private readonly policies: Pick<ResourcePolicies, 'allow'>,
  ) {}

  /**
   * Answers a service of AWS, by the policies of the bucket and of its key; without one a request that nobody
   * has signed.
   *
   * Who may not list a bucket does not learn which files it has not.
   */
  async answerService(request: Incoming, service: AskingService | undefined): Promise<Answer> {
    const { bucket } = placeOf(request.url);
    const may = (wish: Wish) => service !== undefined && this.policies.allow(service, bucket, wish);
    const denied = new Refusal('AccessDenied', 'Access Denied');
    if (!wishesOf(request).every(may)) {
      return this.refuse(denied);
    }
    const answer = await this.pass(request.method, request.url, request.headers, request.body);
    const mayList = may({ action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` });
    return answer.status === 404 && !mayList
      ? this.refuse(denied)
      : { ...answer, headers: { ...answer.headers, ...this.headersFor(request) } };
  }

  async answer(request: Incoming, role: string): Promise<Answer> {
    for (const wish of wishesOf(request)) {
      if (!this.roles.allows(role, wish)) {
        const message = `User: ${role} is not authorized to perform: ${wish.action} on resource: "${wish.resource}"`;
        throw new Refusal('AccessDenied', message);
      }
    }
    return this.pass(request.method, request.url, request.headers, request.body);
  }

  /** A browser's question whether it may, and its form. */
  async answerUnsigned(request: Incoming): Promise<Answer | undefined> {
    if (request.method === 'OPTIONS') {
      return this.ruleFor(request) === undefined ? { status: 403 } : { status: 200 };
    }
    const isForm = request.method === 'POST' && /^multipart\/form-data/i.test(request.headers['content-type'] ?? '');
    return isForm ? this.upload(request) : undefined;
  }

  headersFor(request: Incoming): OutgoingHttpHeaders {
    const rule = this.ruleFor(request);
    const { AllowedOrigins = [], AllowedMethods = [], AllowedHeaders = [], ExposedHeaders = [], MaxAge } = rule ?? {};
    return rule === undefined
      ? {}
      : {
          'access-control-allow-origin': AllowedOrigins.includes('*') ? '*' : request.headers.origin,
          'access-control-allow-methods': AllowedMethods.join(', '),
          'access-control-allow-headers':
            request.headers['access-control-request-headers'] ?? AllowedHeaders.join(', '),
          'access-control-expose-headers': ExposedHeaders.join(', '),
          ...(MaxAge === undefined ? {} : { 'access-control-max-age': String(MaxAge) }),
          vary: 'Origin',
        };
  }

  refuse({ code, message, status }: Refusal): Answer {
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${text(message)}</Message></Error>`;
    return { status, headers: { 'content-type': 'application/xml' }, body };
  }

  /** A form that a browser sends: its policy says what it takes. */
  private async upload(request: Incoming): Promise<Answer> {
    const form = readForm(request);
    const { fields, file, fileName } = form;
    const of = (name: string) => fields.get(name) ?? '';
    const signature = of('x-amz-signature');
    if (signature === '') {
      throw new Refusal('AccessDenied', 'Access Denied: the form is not signed with version 4');
    }
    const signed = { policy: of('policy'), credential: of('x-amz-credential'), signature };
    const role = this.roles.roleOf(verifyPolicy(signed, (keyId) => this.roles.secretOf(keyId)));
    const { bucket } = placeOf(request.url);
    checkPolicy(form, bucket);
    const key = of('key').replaceAll('$' + '{filename}', fileName);
    const url = new URL(`/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`, request.url);
    const stored = Object.fromEntries([...fields].filter(([name]) => STORED.test(name)));
    const headers = { 'content-type': 'binary/octet-stream', ...stored };
    await this.answer({ method: 'PUT', url, headers, body: file }, role);
    const wanted = Number(of('success_action_status'));
    return { status: wanted === 200 || wanted === 201 ? wanted : 204 };
  }

  private pass(method: string, url: URL, given: Readonly<Record<string, string>>, body: Buffer): Promise<Answer> {
    const target = new URL(this.doubles.behind);
    const query = [...url.searchParams].filter(
      ([name]) => !/^X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)$/i.test(name),
    );
    const words = query.map(
      ([name, value]) => `${encodeURIComponent(name)}${value === '' ? '' : `=${encodeURIComponent(value)}`}`,
    );
    const headers = Object.fromEntries(Object.entries(given).filter(([name]) => !NOT_PASSED.test(name)));
    const authorization = `AWS4-HMAC-SHA256 Credential=rehearsal/20260101/${this.doubles.region}/s3/aws4_request, SignedHeaders=host, Signature=0`;
    const options: http.RequestOptions = {
      method,
      host: target.hostname,
      port: target.port,
      path: `${target.pathname}${url.pathname}${words.length === 0 ? '' : `?${words.join('&')}`}`,
      headers: { ...headers, authorization, 'content-length': body.length },
    };
    return new Promise((resolve, reject) => {
      const passed = http.request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { connection, 'transfer-encoding': encoding, ...kept } = response.headers;
          resolve({ status: response.statusCode ?? 502, headers: withoutCors(kept), body: Buffer.concat(chunks) });
        });
      });
      passed.on('error', reject);
      passed.end(body);
    });
  }

  /** The first rule that a page of an origin meets; a question also names the headers that it will send. */
  private ruleFor({ method, url, headers }: Incoming): CorsRule | undefined {
    const { origin } = headers;
    const wanted = method === 'OPTIONS' ? headers['access-control-request-method'] : method;
    return this.cors
      .get(placeOf(url).bucket)
      ?.find(
        ({ AllowedOrigins, AllowedMethods, AllowedHeaders = [] }) =>
          origin !== undefined &&
          AllowedOrigins.some((pattern) => matchesPattern(pattern, origin)) &&
          AllowedMethods.includes(wanted ?? '') &&
          askedHeaders(headers).every((name) => AllowedHeaders.some((pattern) => matchesPattern(pattern, name, true))),
      );
  }
}

function askedHeaders({ 'access-control-request-headers': names = '' }: Incoming['headers']): string[] {
  return names
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

function withoutCors(headers: http.IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('access-control-')));
}

function placeOf({ pathname }: URL): { readonly bucket: string; readonly key: string } {
  const [bucket = '', ...key] = decodeURIComponent(pathname).slice(1).split('/');
  return { bucket, key: key.join('/') };
}

/** What a request wants to do, in the words of IAM. */
function wishesOf({ method, url, headers, body }: Incoming): Wish[] {
  const { bucket, key } = placeOf(url);
  const resource = `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`;
  const has = (name: string) => url.searchParams.has(name);
  const source = headers['x-amz-copy-source'];
  const copied =
    source === undefined ? [] : [`arn:aws:s3:::${decodeURIComponent(source).replace(/^\//, '').replace(/\?.*/, '')}`];
  if (method === 'POST' && has('delete')) {
    return keysIn(body).map((one) => ({ action: 's3:DeleteObject', resource: `${resource}/${one}` }));
  }
  const context = { 's3:prefix': url.searchParams.get('prefix') ?? '' };
  return [
    key === ''
      ? { action: `s3:${bucketAction(method, has)}`, resource, context }
      : { action: `s3:${objectAction(method, has)}`, resource },
    ...copied.map((one) => ({ action: 's3:GetObject', resource: one })),
  ];
}

/** The keys that a request deletes at once; an asterisk where it names none. */
function keysIn(body: Buffer): string[] {
  const keys = [...body.toString('utf8').matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => unescaped(key));
  return keys.length === 0 ? ['*'] : keys;
}

function bucketAction(method: string, has: (name: string) => boolean): string {
  const sub = Object.keys(OF_BUCKETS).find(has);
  if (sub !== undefined) {
    // Of those that can be deleted, the policy alone has an action for it.
    const verb =
      method === 'GET' || method === 'HEAD' ? 'Get' : method === 'DELETE' && sub === 'policy' ? 'Delete' : 'Put';
    return `${verb}${OF_BUCKETS[sub]}`;
  }
  return method === 'PUT' ? 'CreateBucket' : method === 'DELETE' ? 'DeleteBucket' : 'ListBucket';
}

function objectAction(method: string, has: (name: string) => boolean): string {
  const sub = Object.keys(OF_OBJECTS).find(has);
  const verb = method === 'DELETE' ? 'Delete' : method === 'GET' || method === 'HEAD' ? 'Get' : 'Put';
  if (has('uploadId') && verb !== 'Put') {
    return verb === 'Delete' ? 'AbortMultipartUpload' : 'ListMultipartUploadParts';
  }
  return `${verb}${sub === undefined ? 'Object' : OF_OBJECTS[sub]}`;
}

function unescaped(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) =>
    name === undefined
      ? String.fromCodePoint(Number.parseInt(decimal ?? hex, decimal ? 10 : 16))
      : (named[name] ?? whole),
  );
}

function text(message: string): string {
  return message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
