import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { keyGroupIn } from '../../constructs/handlers/url-signing-keys/cloudfront';
import type { GroupState } from '../../constructs/handlers/url-signing-keys/key-group';
import { newKeyPair } from '../../constructs/handlers/url-signing-keys/key-pair';

const XMLNS = 'xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"';
const NOW = '2026-11-28T12:00:00.000Z';

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly etag?: string;
}

/** Key groups and public keys as the API reference describes them on the wire: XML, ETag and If-Match. */
class CloudFrontOnTheWire {
  public readonly keys = new Map<string, { name: string; pem: string }>();
  public readonly groups = new Map<string, { name: string; keyIds: string[]; etag: string }>();
  public isUsed = false;
  private count = 0;

  public answer(method: string, path: string, ifMatch: string | undefined, body: string): Answer {
    const [, kind, id] = /^\/2020-05-31\/([a-z-]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const call = `${method} ${kind}${id === undefined ? '' : '/'}`;
    const group = this.groups.get(id);
    switch (call) {
      case 'POST public-key':
        return this.addKey(textOf(body, 'Name'), textOf(body, 'EncodedKey'));
      case 'GET public-key':
        return {
          status: 200,
          body: `<PublicKeyList ${XMLNS}><Items>${[...this.keys.keys()].map((key) => this.summary(key)).join('')}</Items></PublicKeyList>`,
        };
      case 'GET public-key/':
        return this.keys.has(id)
          ? { status: 200, etag: 'EK', body: this.publicKey(id) }
          : error(404, 'NoSuchPublicKey');
      case 'DELETE public-key/':
        return this.deleteKey(id, ifMatch);
      case 'POST key-group':
        return this.addGroup(textOf(body, 'Name'), valuesOf(body, 'PublicKey'));
      case 'GET key-group':
        return {
          status: 200,
          body: `<KeyGroupList ${XMLNS}><Items>${[...this.groups.keys()].map((each) => `<KeyGroupSummary>${this.keyGroup(each)}</KeyGroupSummary>`).join('')}</Items></KeyGroupList>`,
        };
      case 'GET key-group/':
        return group ? { status: 200, etag: group.etag, body: this.keyGroup(id, XMLNS) } : error(404, 'NoSuchResource');
      case 'PUT key-group/':
        return this.change(id, ifMatch, () => this.setKeys(id, valuesOf(body, 'PublicKey')));
      case 'DELETE key-group/':
        return this.change(id, ifMatch, () => {
          this.groups.delete(id);
          return { status: 204 };
        });
      default:
        return error(400, 'InvalidArgument');
    }
  }

  private addKey(name: string, pem: string): Answer {
    if ([...this.keys.values()].some((key) => key.name === name)) {
      return error(409, 'PublicKeyAlreadyExists');
    }
    const id = `K${++this.count}`;
    this.keys.set(id, { name, pem });
    return { status: 201, etag: 'EK', body: this.publicKey(id) };
  }

  private deleteKey(id: string, ifMatch: string | undefined): Answer {
    if ([...this.groups.values()].some(({ keyIds }) => keyIds.includes(id))) {
      return error(409, 'PublicKeyInUse');
    }
    return ifMatch === 'EK' && this.keys.delete(id) ? { status: 204 } : error(412, 'PreconditionFailed');
  }

  private addGroup(name: string, keyIds: string[]): Answer {
    if (this.groups.size > 0) {
      return error(409, 'KeyGroupAlreadyExists');
    }
    const id = `G${++this.count}`;
    this.groups.set(id, { name, keyIds: [], etag: '' });
    return { ...this.setKeys(id, keyIds), status: 201 };
  }

  private setKeys(id: string, keyIds: string[]): Answer {
    const { name = '' } = this.groups.get(id) ?? {};
    this.groups.set(id, { name, keyIds, etag: `E${++this.count}` });
    return { status: 200, etag: `E${this.count}`, body: this.keyGroup(id, XMLNS) };
  }

  private change(id: string, ifMatch: string | undefined, act: () => Answer): Answer {
    if (this.groups.get(id)?.etag !== ifMatch) {
      return error(412, 'PreconditionFailed');
    }
    return this.isUsed ? error(409, 'ResourceInUse') : act();
  }

  private keyGroup(id: string, attributes = ''): string {
    const { name, keyIds } = this.groups.get(id) ?? { name: '', keyIds: [] };
    const items = keyIds.map((key) => `<PublicKey>${key}</PublicKey>`).join('');
    return `<KeyGroup ${attributes}><Id>${id}</Id><LastModifiedTime>${NOW}</LastModifiedTime><KeyGroupConfig><Name>${name}</Name><Items>${items}</Items></KeyGroupConfig></KeyGroup>`;
  }

  private summary(id: string): string {
    const { name, pem } = this.keys.get(id) ?? { name: '', pem: '' };
    return `<PublicKeySummary><Id>${id}</Id><Name>${name}</Name><CreatedTime>${NOW}</CreatedTime><EncodedKey>${pem}</EncodedKey></PublicKeySummary>`;
  }

  private publicKey(id: string): string {
    const { name, pem } = this.keys.get(id) ?? { name: '', pem: '' };
    return `<PublicKey ${XMLNS}><Id>${id}</Id><CreatedTime>${NOW}</CreatedTime><PublicKeyConfig><CallerReference>${name}</CallerReference><Name>${name}</Name><EncodedKey>${pem}</EncodedKey></PublicKeyConfig></PublicKey>`;
  }
}

function error(status: number, code: string): Answer {
  const body = `<ErrorResponse ${XMLNS}><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`;
  return { status, body };
}

function valuesOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, value]) => value);
}

function textOf(xml: string, name: string): string {
  return valuesOf(xml, name)[0].replaceAll('&#xA;', '\n').replaceAll('&#10;', '\n');
}

const wire = new CloudFrontOnTheWire();
const server: Server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    const given = wire.answer(request.method ?? '', pathname, request.headers['if-match'], `${Buffer.concat(chunks)}`);
    response.writeHead(given.status, given.etag === undefined ? {} : { etag: given.etag });
    response.end(given.body);
  });
});

let client: CloudFrontClient;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new CloudFrontClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('a group and its keys live and end as the client of AWS speaks to CloudFront', async () => {
  const api = keyGroupIn(client, 'media');
  const state = async (): Promise<GroupState> => (await api.group()) as GroupState;
  const pems = [newKeyPair().publicKey, newKeyPair().publicKey];
  expect(await api.group()).toBeUndefined();

  const first = await api.createPublicKey(pems[0]);
  expect(await api.createPublicKey(pems[0])).toBe(first);
  expect(await api.publicKey(first)).toBe(pems[0]);
  expect(await api.publicKey('K99')).toBeUndefined();
  expect(await api.publicKeys()).toEqual([{ id: first, made: Date.parse(NOW) / 1_000 }]);

  expect(await api.createGroup([first])).toBe(true);
  expect(await api.createGroup([first])).toBe(false);
  const before = await state();
  expect(before).toMatchObject({ keyIds: [first], changed: Date.parse(NOW) / 1_000 });

  const second = await api.createPublicKey(pems[1]);
  expect(await api.updateGroup(before, [first, second])).toBe(true);
  expect(await api.updateGroup(before, [first])).toBe(false);
  expect((await state()).keyIds).toEqual([first, second]);
  expect(await api.deletePublicKey(first)).toBe(false);

  wire.isUsed = true;
  expect(await api.deleteGroup(await state())).toBe(false);
  wire.isUsed = false;
  expect(await api.deleteGroup(before)).toBe(false);
  expect(await api.deleteGroup(await state())).toBe(true);
  expect([await api.deletePublicKey(first), await api.deletePublicKey(second)]).toEqual([true, true]);
  expect(await api.deletePublicKey(first)).toBe(true);
  expect([wire.groups.size, wire.keys.size]).toEqual([0, 0]);
});
