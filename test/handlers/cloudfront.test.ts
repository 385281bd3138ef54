import { keyGroupIn } from '../../constructs/handlers/url-signing-keys/cloudfront';

describe('the calls of CloudFront', () => {
  interface Sent {
    readonly name: string;
    readonly input: { readonly [name: string]: unknown };
  }

  function client(answers: { [command: string]: object | Error | ((input: Sent['input']) => object) }) {
    const sent: Sent[] = [];
    const send = async (command: { constructor: { name: string }; input: Sent['input'] }) => {
      const name = command.constructor.name.replace('Command', '');
      sent.push({ name, input: command.input });
      const answer = answers[name] ?? {};
      if (answer instanceof Error) {
        throw answer;
      }
      return typeof answer === 'function' ? answer(command.input) : answer;
    };
    return { sent, api: keyGroupIn({ send } as never, 'media') };
  }

  function named(name: string): Error {
    return Object.assign(new Error('quoted'), { name });
  }

  const GROUP = { id: 'G1', etag: 'E1', keyIds: ['K1'], changed: 0 };

  test('find the group by its name, page after page, and read its version', async () => {
    const page = (Name: string, NextMarker?: string) => ({
      KeyGroupList: { NextMarker, Items: [{ KeyGroup: { Id: `id-${Name}`, KeyGroupConfig: { Name } } }] },
    });
    const { api, sent } = client({
      ListKeyGroups: ({ Marker }) => (Marker === undefined ? page('other', 'next') : page('media')),
      GetKeyGroup: {
        ETag: 'E7',
        KeyGroup: { KeyGroupConfig: { Items: ['K1'] }, LastModifiedTime: new Date(1_800_000_000_000) },
      },
    });
    expect(await api.group()).toEqual({ id: 'id-media', etag: 'E7', keyIds: ['K1'], changed: 1_800_000_000 });
    expect(sent.at(-1)).toEqual({ name: 'GetKeyGroup', input: { Id: 'id-media' } });
    const none = client({ ListKeyGroups: page('other') });
    expect(await none.api.group()).toBeUndefined();
  });

  test('count what CloudFront does not say the age of as made now, so that it stays', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(1_800_000_000_999);
    const { api } = client({
      ListKeyGroups: { KeyGroupList: { Items: [{ KeyGroup: { Id: 'G1', KeyGroupConfig: { Name: 'media' } } }] } },
      ListPublicKeys: { PublicKeyList: { Items: [{ Id: 'K1', Name: 'media-1' }] } },
      GetKeyGroup: {},
    });
    expect(await api.publicKeys()).toEqual([{ id: 'K1', made: 1_800_000_000 }]);
    expect(await api.group()).toEqual({ id: 'G1', etag: '', keyIds: [], changed: 1_800_000_000 });
    jest.restoreAllMocks();
  });

  test('change the version that was read, and no other', async () => {
    const { api, sent } = client({});
    expect(await api.updateGroup(GROUP, ['K1', 'K2'])).toBe(true);
    expect(await api.deleteGroup(GROUP)).toBe(true);
    expect(sent[0].input).toMatchObject({
      Id: 'G1',
      IfMatch: 'E1',
      KeyGroupConfig: { Name: 'media', Items: ['K1', 'K2'] },
    });
    expect(sent[1].input).toEqual({ Id: 'G1', IfMatch: 'E1' });
  });

  test.each(['PreconditionFailed', 'InvalidIfMatchVersion', 'NoSuchPublicKey', 'NoSuchResource'])(
    'say no to a change after %s',
    async (name) => {
      expect(await client({ UpdateKeyGroup: named(name) }).api.updateGroup(GROUP, ['K1'])).toBe(false);
    },
  );

  test('say what is in use, what is gone, and what is there already', async () => {
    expect(await client({ DeleteKeyGroup: named('ResourceInUse') }).api.deleteGroup(GROUP)).toBe(false);
    expect(await client({ DeleteKeyGroup: named('NoSuchResource') }).api.deleteGroup(GROUP)).toBe(true);
    expect(await client({ DeletePublicKey: named('PublicKeyInUse') }).api.deletePublicKey('K1')).toBe(false);
    expect(await client({ GetPublicKey: named('NoSuchPublicKey') }).api.deletePublicKey('K1')).toBe(true);
    expect(await client({ CreateKeyGroup: named('KeyGroupAlreadyExists') }).api.createGroup(['K1'])).toBe(false);
    expect(await client({ GetPublicKey: named('NoSuchPublicKey') }).api.publicKey('K1')).toBeUndefined();
  });

  test('see the public keys of this group alone', async () => {
    const item = (Name: string) => ({ Id: `id-${Name}`, Name, CreatedTime: new Date(5_000) });
    const { api } = client({ ListPublicKeys: { PublicKeyList: { Items: [item('media-1'), item('media2-1')] } } });
    expect(await api.publicKeys()).toEqual([{ id: 'id-media-1', made: 5 }]);
  });

  test('name a public key by what it is, and find it again after an answer that was lost', async () => {
    const { api, sent } = client({ CreatePublicKey: { PublicKey: { Id: 'K1' } } });
    expect(await api.createPublicKey('PEM')).toBe('K1');
    const { Name } = sent[0].input.PublicKeyConfig as { Name: string };
    expect(sent[0].input.PublicKeyConfig).toMatchObject({ EncodedKey: 'PEM', CallerReference: Name });
    const again = client({
      CreatePublicKey: named('PublicKeyAlreadyExists'),
      ListPublicKeys: {
        PublicKeyList: {
          Items: [
            { Id: 'K0', Name: 'media-0' },
            { Id: 'K1', Name },
          ],
        },
      },
    });
    expect(await again.api.createPublicKey('PEM')).toBe('K1');
    const unseen = client({ CreatePublicKey: named('PublicKeyAlreadyExists'), ListPublicKeys: {} });
    await expect(unseen.api.createPublicKey('PEM')).rejects.toThrow('does not show it yet');
  });

  test('say which quota is full, and hand on what nobody expects', async () => {
    const full = client({ CreatePublicKey: named('TooManyPublicKeys') });
    await expect(full.api.createPublicKey('PEM')).rejects.toThrow(
      'as many public keys of CloudFront as its quota allows',
    );
    const denied = client({ UpdateKeyGroup: named('AccessDenied') });
    await expect(denied.api.updateGroup(GROUP, [])).rejects.toThrow('quoted');
  });
});
