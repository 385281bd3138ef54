import { ElastiCacheClient } from '@aws-sdk/client-elasticache';
import { userIn } from '../../../constructs/handlers/cache-user/elasticache';
import { CacheUsers } from '../../../rehearsal/cache/user-api';
import type { ValkeyServer } from '../../../rehearsal/cache/valkey-server';
import type { Sandbox } from '../../../rehearsal/task/sandbox';

/** The double as the client of the SDK sees it, and the commands that the one server was given. */
async function elastiCache() {
  const commands: string[][] = [];
  const endings: (() => void)[] = [];
  const server = { administer: async (...lines: string[][]) => void commands.push(...lines) };
  const users = new CacheUsers((id) => (id === 'admitted' ? [server as unknown as ValkeyServer] : []));
  const sandbox = { atEnd: (end: () => void) => endings.push(end) };
  const endpoint = await users.listen(sandbox as unknown as Sandbox);
  const credentials = { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' };
  const client = new ElastiCacheClient({ endpoint, credentials, region: 'eu-central-1', maxAttempts: 1 });
  const end = () => {
    client.destroy();
    endings.map((each) => each());
  };
  return { endpoint, commands, end, user: (id: string) => userIn(client, id) };
}

const ADA = { username: 'ada', password: 'one', accessString: 'on ~* +@all' };

test('the handler of the stack makes, changes and removes a user, and the server knows each change', async () => {
  const { user, commands, end } = await elastiCache();
  const ada = user('admitted');
  try {
    expect(await ada.describe()).toBeUndefined();
    expect(await ada.create(ADA)).toBe(true);
    expect(await ada.create(ADA)).toBe(false);
    expect(await ada.setPasswords(['one', 'two'])).toBe(true);
    expect(await ada.describe()).toEqual({ status: 'active', passwords: 2 });
    expect(await ada.setAccessString('on ~cache:* +@read')).toBe(true);
    expect(await ada.remove()).toBe(true);
    expect(commands).toEqual([
      ['ACL', 'SETUSER', 'ada', 'reset', 'on', '~*', '+@all', '>one'],
      ['ACL', 'SETUSER', 'ada', 'reset', 'on', '~*', '+@all', '>one', '>two'],
      ['ACL', 'SETUSER', 'ada', 'reset', 'on', '~cache:*', '+@read', '>one', '>two'],
      ['ACL', 'DELUSER', 'ada'],
    ]);
  } finally {
    end();
  }
});

test('a third password is refused, and a user that no group has reaches no server', async () => {
  const { user, commands, end } = await elastiCache();
  try {
    await user('stranger').create(ADA);
    expect(commands).toEqual([]);
    await expect(user('stranger').setPasswords(['one', 'two', 'three'])).rejects.toThrow('InvalidParameterValue');
  } finally {
    end();
  }
});

test('who does not know the address is refused', async () => {
  const { endpoint, end } = await elastiCache();
  try {
    const { origin } = new URL(endpoint);
    expect((await fetch(`${origin}/`, { method: 'POST', body: 'Action=DescribeUsers' })).status).toBe(403);
    expect((await fetch(endpoint)).status).toBe(403);
  } finally {
    end();
  }
});
