import {
  CloudFrontClient,
  CreateKeyGroupCommand,
  CreatePublicKeyCommand,
  DeleteKeyGroupCommand,
  DeletePublicKeyCommand,
  GetKeyGroupCommand,
  GetPublicKeyCommand,
  ListKeyGroupsCommand,
  ListPublicKeysCommand,
  type PublicKeySummary,
  UpdateKeyGroupCommand,
} from '@aws-sdk/client-cloudfront';
import { Failure } from '../shared/failure';
import type { GroupState, IKeyGroupApi } from './key-group';
import { fingerprint } from './key-pair';

type Client = Pick<CloudFrontClient, 'send'>;

/** A key was made a moment ago, and not every server of CloudFront knows of it. */
const UNKNOWN_KEY = ['NoSuchPublicKey', 'NoSuchResource', 'InvalidArgument'];
const CHANGED = ['PreconditionFailed', 'InvalidIfMatchVersion'];
/** Quotas of an account that the user can have raised, and what is full. */
const QUOTAS: { readonly [name: string]: string } = {
  TooManyPublicKeys: 'the account has as many public keys of CloudFront as its quota allows',
  TooManyKeyGroups: 'the account has as many key groups of CloudFront as its quota allows',
  TooManyPublicKeysInKeyGroup: 'the key group has as many public keys as its quota allows',
};

/** The key group of that name, and the public keys whose names begin with it, in the real CloudFront. */
export function keyGroupIn(client: Client, name: string): IKeyGroupApi {
  return {
    group: () => findGroup(client, name),
    createGroup: (keyIds) =>
      unless(['KeyGroupAlreadyExists', ...UNKNOWN_KEY], false, async () => {
        const KeyGroupConfig = { Name: name, Items: [...keyIds], Comment: COMMENT };
        await client.send(new CreateKeyGroupCommand({ KeyGroupConfig }));
        return true;
      }),
    updateGroup: ({ id: Id, etag: IfMatch }, keyIds) =>
      unless([...CHANGED, ...UNKNOWN_KEY], false, async () => {
        const KeyGroupConfig = { Name: name, Items: [...keyIds], Comment: COMMENT };
        await client.send(new UpdateKeyGroupCommand({ Id, IfMatch, KeyGroupConfig }));
        return true;
      }),
    deleteGroup: ({ id: Id, etag: IfMatch }) =>
      unless(['NoSuchResource'], true, () =>
        unless([...CHANGED, 'ResourceInUse'], false, async () => {
          await client.send(new DeleteKeyGroupCommand({ Id, IfMatch }));
          return true;
        }),
      ),
    publicKeys: async () => (await listPublicKeys(client, name)).map(stateOf),
    publicKey: (Id) =>
      unless(['NoSuchPublicKey'], undefined, async () => {
        return (await client.send(new GetPublicKeyCommand({ Id }))).PublicKey?.PublicKeyConfig?.EncodedKey;
      }),
    createPublicKey: (pem) => createPublicKey(client, `${name}-${fingerprint(pem)}`, pem),
    deletePublicKey: (Id) =>
      unless(['NoSuchPublicKey'], true, () =>
        unless([...CHANGED, 'PublicKeyInUse'], false, async () => {
          const { ETag: IfMatch } = await client.send(new GetPublicKeyCommand({ Id }));
          await client.send(new DeletePublicKeyCommand({ Id, IfMatch }));
          return true;
        }),
      ),
  };
}

/** CloudFront is one service for all regions of a partition; the client finds its address. */
export function cloudFront(name: string): IKeyGroupApi {
  return keyGroupIn(new CloudFrontClient({ maxAttempts: 5 }), name);
}

const COMMENT = 'Signed URLs of media files';

async function findGroup(client: Client, name: string): Promise<GroupState | undefined> {
  let Marker: string | undefined;
  do {
    const { KeyGroupList: page } = await client.send(new ListKeyGroupsCommand({ Marker }));
    const found = page?.Items?.find(({ KeyGroup: group }) => group?.KeyGroupConfig?.Name === name)?.KeyGroup;
    if (found !== undefined) {
      return readGroup(client, found.Id ?? '');
    }
    Marker = page?.NextMarker;
  } while (Marker);
  return undefined;
}

function readGroup(client: Client, Id: string): Promise<GroupState | undefined> {
  return unless(['NoSuchResource'], undefined, async () => {
    const { KeyGroup: group, ETag: etag = '' } = await client.send(new GetKeyGroupCommand({ Id }));
    const { KeyGroupConfig: config, LastModifiedTime: changed } = group ?? {};
    return { id: Id, keyIds: config?.Items ?? [], etag, changed: secondsOf(changed) };
  });
}

async function listPublicKeys(client: Client, name: string): Promise<PublicKeySummary[]> {
  const found: PublicKeySummary[] = [];
  let Marker: string | undefined;
  do {
    const { PublicKeyList: page } = await client.send(new ListPublicKeysCommand({ Marker }));
    found.push(...(page?.Items ?? []).filter((key) => key.Name?.startsWith(`${name}-`)));
    Marker = page?.NextMarker;
  } while (Marker);
  return found;
}

/** The name says which key it is, so that a call that was answered by nobody can be repeated. */
async function createPublicKey(client: Client, Name: string, EncodedKey: string): Promise<string> {
  const PublicKeyConfig = { CallerReference: Name, Name, EncodedKey, Comment: COMMENT };
  const made = await unless(['PublicKeyAlreadyExists'], undefined, async () => {
    return (await client.send(new CreatePublicKeyCommand({ PublicKeyConfig }))).PublicKey?.Id;
  });
  const id =
    made ?? (await listPublicKeys(client, Name.slice(0, Name.lastIndexOf('-')))).find((key) => key.Name === Name)?.Id;
  if (id === undefined) {
    throw new Failure('CloudFront has made a public key and does not show it yet');
  }
  return id;
}

function stateOf({ Id = '', CreatedTime }: PublicKeySummary): { readonly id: string; readonly made: number } {
  return { id: Id, made: secondsOf(CreatedTime) };
}

/** Where CloudFront does not say when, it counts as now: nothing of that age is taken away. */
function secondsOf(time: Date | undefined): number {
  return Math.floor((time?.getTime() ?? Date.now()) / 1_000);
}

/** What an error of one of these names means. */
async function unless<T>(names: readonly string[], meaning: T, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { name } = error as Error;
    if (names.includes(name)) {
      return meaning;
    }
    throw name in QUOTAS
      ? new Failure(`${QUOTAS[name]}. Ask AWS for more of them, or delete what nothing uses`)
      : error;
  }
}
