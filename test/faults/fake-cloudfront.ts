import type { GroupState, IKeyGroupApi, PublicKey } from '../../constructs/handlers/url-signing-keys/key-group';
import type { Invocation } from './chaos';
import type { Clock } from './rotation-model';

/** Edge locations know a new key of a group by then, and forget one that has left at once. */
export const EDGE_SECONDS = 5 * 60;
/** How long reads may be behind. */
const STALE_SECONDS = 60;
const MOST_IN_GROUP = 5;
const MOST_IN_ACCOUNT = 10;

interface Group extends GroupState {
  /** Since when each key is in the group. */
  readonly since: { readonly [keyId: string]: number };
}

/**
 * One key group of CloudFront and its public keys: changes need the version that was read (ETag), what is read
 * within a minute after a change is one change behind the first time, a key in a group cannot be deleted, a
 * group in use neither, and there are quotas.
 */
export class FakeCloudFront {
  public readonly keys = new Map<string, { readonly pem: string; readonly made: number }>();
  public current: Group | undefined;
  public isUsed = false;
  private staleGroup: { readonly group: Group | undefined; readonly until: number } | undefined;
  private staleKeys: { readonly keys: PublicKey[]; readonly until: number } | undefined;
  private count = 0;

  public constructor(private readonly clock: Clock) {}

  /** Whether every edge location accepts what is signed with the key. */
  public accepts(keyId: string): boolean {
    const since = this.current?.since[keyId];
    return since !== undefined && since + EDGE_SECONDS <= this.clock.seconds;
  }

  public addKey(pem: string): string {
    const there = [...this.keys].find(([, key]) => key.pem === pem)?.[0];
    if (there !== undefined) {
      return there;
    }
    if (this.keys.size >= MOST_IN_ACCOUNT) {
      throw named('TooManyPublicKeys');
    }
    this.staleKeys = { keys: this.list(), until: this.clock.seconds + STALE_SECONDS };
    const id = `K${++this.count}`;
    this.keys.set(id, { pem, made: this.clock.seconds });
    return id;
  }

  public put(keyIds: readonly string[]): boolean {
    if (keyIds.length > MOST_IN_GROUP || keyIds.length === 0) {
      throw named(keyIds.length === 0 ? 'InvalidArgument' : 'TooManyPublicKeysInKeyGroup');
    }
    if (new Set(keyIds).size < keyIds.length || keyIds.some((id) => !this.keys.has(id))) {
      return false;
    }
    const now = this.clock.seconds;
    this.staleGroup = { group: this.current, until: this.clock.seconds + STALE_SECONDS };
    this.current = {
      id: this.current?.id ?? `group-${++this.count}`,
      etag: `E${++this.count}`,
      changed: now,
      keyIds: [...keyIds],
      since: Object.fromEntries(keyIds.map((id) => [id, this.current?.since[id] ?? now])),
    };
    return true;
  }

  public behind(invocation: Pick<Invocation, 'call'>): IKeyGroupApi {
    const isCurrent = (group: GroupState): boolean => group.etag === this.current?.etag;
    return {
      group: () => invocation.call(() => this.readGroup()),
      createGroup: (keyIds) => invocation.call(() => this.current === undefined && this.put(keyIds)),
      updateGroup: (group, keyIds) => invocation.call(() => isCurrent(group) && this.put(keyIds)),
      deleteGroup: (group) => invocation.call(() => this.current === undefined || (isCurrent(group) && this.drop())),
      publicKeys: () => invocation.call(() => this.readKeys()),
      publicKey: (id) => invocation.call(() => this.keys.get(id)?.pem),
      createPublicKey: (pem) => invocation.call(() => this.addKey(pem)),
      deletePublicKey: (id) =>
        invocation.call(() => {
          const isInUse = this.current?.keyIds.includes(id) ?? false;
          this.staleKeys = { keys: this.list(), until: this.clock.seconds + STALE_SECONDS };
          if (!isInUse) {
            this.keys.delete(id);
          }
          return !isInUse;
        }),
    };
  }

  private readGroup(): GroupState | undefined {
    const stale = this.staleGroup;
    this.staleGroup = undefined;
    return stale !== undefined && stale.until > this.clock.seconds ? stale.group : this.current;
  }

  private readKeys(): PublicKey[] {
    const stale = this.staleKeys;
    this.staleKeys = undefined;
    return stale !== undefined && stale.until > this.clock.seconds ? stale.keys : this.list();
  }

  private list(): PublicKey[] {
    return [...this.keys].map(([id, { made }]) => ({ id, made }));
  }

  private drop(): boolean {
    if (!this.isUsed) {
      this.staleGroup = { group: this.current, until: this.clock.seconds + STALE_SECONDS };
      this.current = undefined;
    }
    return !this.isUsed;
  }
}

function named(name: string): Error {
  return Object.assign(new Error(`refused: ${name}`), { name });
}
