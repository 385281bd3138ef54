import { Failure } from '../shared/failure';
import { PROPAGATION_SECONDS } from './contract';

/** A public key of ours at CloudFront. */
export interface PublicKey {
  readonly id: string;
  /** Seconds since 1970. */
  readonly made: number;
}

/** The key group as CloudFront has it. */
export interface GroupState {
  readonly id: string;
  readonly keyIds: readonly string[];
  /** CloudFront changes the group only for who names the version that it has. */
  readonly etag: string;
  /** When it was changed last, in seconds since 1970. */
  readonly changed: number;
}

/**
 * The few calls of CloudFront that a key group and its public keys need; the fault model puts its own behind
 * them. What they read may be some seconds old.
 */
export interface IKeyGroupApi {
  /** Undefined where there is none. */
  group(): Promise<GroupState | undefined>;
  /** False where there is one already, or a key is not known yet. */
  createGroup(keyIds: readonly string[]): Promise<boolean>;
  /** False where the group has changed since it was read, or a key is not known yet. */
  updateGroup(group: GroupState, keyIds: readonly string[]): Promise<boolean>;
  /** True also where there is none. False while a distribution uses it, or where it has changed. */
  deleteGroup(group: GroupState): Promise<boolean>;
  /** The public keys that were made for this group, in it or not. */
  publicKeys(): Promise<PublicKey[]>;
  /** In PEM; undefined where there is none. */
  publicKey(id: string): Promise<string | undefined>;
  /** Makes a public key, or finds the same one. Gives its id. */
  createPublicKey(pem: string): Promise<string>;
  /** True also where there is none. False while a group has it. */
  deletePublicKey(id: string): Promise<boolean>;
}

export interface IClock {
  /** Seconds since 1970. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

const PAUSE_MS = 5_000;
/** Four minutes: long enough for a distribution that has just been deleted. */
const MOST_PAUSES = 48;

/** One key group of CloudFront, to which keys are added here, and from which they are taken, by one rule. */
export class SigningKeyGroup {
  public constructor(
    public readonly api: IKeyGroupApi,
    public readonly clock: IClock,
  ) {}

  /**
   * Adds a key to the group, or makes the group with it and those of before. Gives its id.
   *
   * A group that is there gets none of before: one that it lacks was revoked.
   */
  public async make(keyId: string, before: () => Promise<readonly string[]>): Promise<string> {
    return this.insist('could not be made', async () => {
      if ((await this.api.group()) !== undefined) {
        return (await this.add([keyId])).id;
      }
      await this.api.createGroup([...new Set([keyId, ...(await before())])]);
      return (await this.api.group())?.id;
    });
  }

  /** Adds keys, and takes none away: whoever adds does not know all that are needed. */
  public async add(keyIds: readonly string[]): Promise<GroupState> {
    return this.insist('takes no key', async () => {
      const group = await this.existing();
      const missing = keyIds.filter((id) => !group.keyIds.includes(id));
      if (missing.length === 0) {
        return group;
      }
      await this.api.updateGroup(group, [...group.keyIds, ...missing]);
      return undefined;
    });
  }

  /** Waits until each edge location has had the time to learn of these keys. */
  public async serve(keyIds: readonly string[]): Promise<void> {
    const { changed } = await this.add(keyIds);
    const left = changed + PROPAGATION_SECONDS - this.clock.now();
    if (left > 0) {
      await this.clock.sleep(Math.min(left, PROPAGATION_SECONDS) * 1_000);
    }
  }

  /**
   * Takes public keys of ours out of the group, and deletes them. Gives how many there were. What it asks
   * about gets the group as it is.
   *
   * The group is read first, and what is needed after that: a key that becomes needed in between is added to
   * the group before, which refuses to be changed then.
   */
  public async remove(isGone: (group: GroupState) => Promise<(key: PublicKey) => boolean>): Promise<number> {
    return this.insist('lets no key go: it has none that is needed, or changes all the time', async () => {
      const group = await this.existing();
      const keys = await this.api.publicKeys();
      const gone = keys.filter(await isGone(group)).map(({ id }) => id);
      const stay = group.keyIds.filter((id) => !gone.includes(id));
      // Without a key that stays, what was read is not the last state: a group is never empty.
      const isDone =
        stay.length === group.keyIds.length || (stay.length > 0 && (await this.api.updateGroup(group, stay)));
      if (!isDone) {
        return undefined;
      }
      for (const id of gone) {
        await this.api.deletePublicKey(id); // Where CloudFront thinks that it is in use, tomorrow.
      }
      return gone.length;
    });
  }

  /** Deletes the group and every public key that was made for it. */
  public async delete(): Promise<void> {
    await this.insist('is used by a distribution, which must be deleted, or must let go of it, first', async () => {
      const group = await this.api.group();
      return group === undefined || (await this.api.deleteGroup(group)) ? true : undefined;
    });
    await this.clock.sleep(PAUSE_MS); // For a key that was made a moment ago.
    await this.insist('is gone, and CloudFront does not let its public keys go', async () => {
      const keys = await this.api.publicKeys();
      const deleted = await Promise.all(keys.map(({ id }) => this.api.deletePublicKey(id)));
      return deleted.every(Boolean) ? true : undefined;
    });
  }

  private async existing(): Promise<GroupState> {
    const group = await this.api.group();
    if (group === undefined) {
      throw new Failure('CloudFront has no such key group. It is made when the stack is deployed');
    }
    return group;
  }

  private async insist<T>(problem: string, attempt: () => Promise<T | undefined>): Promise<T> {
    for (let pauses = 0; pauses <= MOST_PAUSES; pauses++) {
      const found = await attempt();
      if (found !== undefined) {
        return found;
      }
      await this.clock.sleep(PAUSE_MS);
    }
    throw new Failure(`the key group ${problem}`);
  }
}
