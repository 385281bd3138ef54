import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { keyGroupIn } from '../../../../constructs/handlers/url-signing-keys/cloudfront';
import { SigningKeyGroup } from '../../../../constructs/handlers/url-signing-keys/key-group';
import { newKeyPair } from '../../../../constructs/handlers/url-signing-keys/key-pair';
import { KeyGroups } from '../../../../rehearsal/aws/cloudfront/key-groups';
import type { Sandbox } from '../../../../rehearsal/task/sandbox';

/** The double as the client of the SDK sees it. */
async function cloudFront() {
  const endings: (() => void)[] = [];
  const groups = new KeyGroups();
  const endpoint = await groups.listen({ atEnd: (end: () => void) => endings.push(end) } as unknown as Sandbox);
  const credentials = { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' };
  const client = new CloudFrontClient({ endpoint, credentials, region: 'eu-central-1', maxAttempts: 1 });
  const end = () => {
    client.destroy();
    endings.map((each) => each());
  };
  return { groups, endpoint, end, api: keyGroupIn(client, 'shop') };
}

const { publicKey: FIRST } = newKeyPair();
const { publicKey: SECOND } = newKeyPair();

test('the handler of the stack makes keys and a group, adds a key and takes one away: each holds at once', async () => {
  const { groups, api, end } = await cloudFront();
  const slept: number[] = [];
  const clock = { now: () => Math.floor(Date.now() / 1000), sleep: async (ms: number) => void slept.push(ms) };
  const group = new SigningKeyGroup(api, clock);
  try {
    expect(await api.group()).toBeUndefined();
    const first = await api.createPublicKey(FIRST);
    expect(first).toMatch(/^K[0-9A-F]{13}$/);
    expect(await api.createPublicKey(FIRST)).toBe(first);
    expect(await api.publicKey(first)).toBe(FIRST);
    const id = await group.make(first, async () => []);
    expect(groups.publicKey([id], first)).toBe(FIRST);

    const second = await api.createPublicKey(SECOND);
    expect(groups.publicKey([id], second)).toBeUndefined();
    await group.serve([second]);
    expect(slept).toEqual([5000]); // Until it reads the group again, and not until edge locations know the key.
    expect(groups.publicKey([id], second)).toBe(SECOND);
    expect(groups.publicKey(['another'], second)).toBeUndefined();

    expect(await api.deletePublicKey(first)).toBe(false);
    expect(await group.remove(async () => (key) => key.id === first)).toBe(1);
    expect(groups.publicKey([id], first)).toBeUndefined();
    expect(await api.publicKey(first)).toBeUndefined();
    expect((await api.publicKeys()).map((key) => key.id)).toEqual([second]);
    await group.delete();
    expect(await api.group()).toBeUndefined();
    expect(await api.publicKeys()).toEqual([]);
  } finally {
    end();
  }
});

test('a group is made once, of keys that are there, and is changed by who has read it last', async () => {
  const { api, end } = await cloudFront();
  try {
    expect(await api.createGroup(['KUNKNOWN'])).toBe(false);
    const key = await api.createPublicKey(FIRST);
    expect(await api.createGroup([key])).toBe(true);
    expect(await api.createGroup([key])).toBe(false);
    const read = await api.group();
    expect(await api.updateGroup(read as NonNullable<typeof read>, [key])).toBe(true);
    expect(await api.updateGroup(read as NonNullable<typeof read>, [key])).toBe(false);
    const six = await Promise.all(Array.from({ length: 5 }, () => api.createPublicKey(newKeyPair().publicKey)));
    const now = await api.group();
    await expect(api.updateGroup(now as NonNullable<typeof now>, [key, ...six])).rejects.toThrow('as many public keys');
  } finally {
    end();
  }
});

test('who does not know the address is refused', async () => {
  const { endpoint, end } = await cloudFront();
  try {
    const elsewhere = new URL('/2020-05-31/key-group', endpoint);
    expect((await fetch(elsewhere)).status).toBe(403);
  } finally {
    end();
  }
});
