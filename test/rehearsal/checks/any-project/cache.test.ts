import { cacheChecks } from '../../../../rehearsal/checks/any-project/cache';
import { type CheckContext, NotApplicable } from '../../../../rehearsal/checks/check';
import { CACHE_LOGIN } from '../../../../rehearsal/checks/names';

/** Looks at a cache that answers clients without a login; `hasTls` whether it wants TLS from them. */
async function looked({ isOpen, hasTls = true }: { isOpen: boolean; hasTls?: boolean }): Promise<unknown> {
  const as = async (_login: unknown, ca?: string) => {
    if (hasTls && ca === undefined) {
      throw new Error('it hangs up');
    }
  };
  const rehearsal = {
    ...{ caches: new Map([['Cache', { isOpen, as }]]), services: [], rotation: { schedules: [] } },
    authority: { certificate: { cert: 'the authority' } },
  };
  const check = cacheChecks.find(({ name }) => name === CACHE_LOGIN);
  return check?.run({ rehearsal } as unknown as CheckContext);
}

test('a cache to which the template gives no group of users may answer a client without a login', async () => {
  await expect(looked({ isOpen: true })).rejects.toThrow(NotApplicable);
  await expect(looked({ isOpen: true })).rejects.toThrow('a group of users at the cache');
});

test('one with a group of users may not, and none may answer without TLS', async () => {
  await expect(looked({ isOpen: false })).rejects.toThrow('it answers a client without a login');
  await expect(looked({ isOpen: true, hasTls: false })).rejects.toThrow('it answers without TLS');
});
