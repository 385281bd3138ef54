import { Failure } from '../shared/failure';

export interface UserState {
  /** `active`, `modifying` or `deleting`. */
  readonly status: string;
  /** How many passwords it has: none, one or two. */
  readonly passwords: number;
}

/** The few calls of ElastiCache that one user needs; the fault model puts its own behind them. */
export interface IUserApi {
  /** Undefined where there is no such user. */
  describe(): Promise<UserState | undefined>;
  /** False where the user is there already. */
  create(user: { username: string; password: string; accessString: string }): Promise<boolean>;
  /** Replaces all passwords of the user. False while another change of it is at work. */
  setPasswords(passwords: string[]): Promise<boolean>;
  /** Passwords stay. False while another change of the user is at work. */
  setAccessString(accessString: string): Promise<boolean>;
  /** True also where there is none. False while another change of the user is at work. */
  remove(): Promise<boolean>;
}

const PAUSE_MS = 3_000;
/** Two minutes: nodes take a change of a user within seconds. */
const MOST_PAUSES = 40;

/** One user of ElastiCache, each change of which is complete when it returns. */
export class CacheUser {
  public constructor(
    private readonly api: IUserApi,
    private readonly sleep: (milliseconds: number) => Promise<void>,
  ) {}

  /** Makes the user, with one password, and gives an existing one what it may do and that password. */
  public async make(user: { username: string; password: string; accessString: string }): Promise<void> {
    if (await this.api.create(user)) {
      await this.settled();
      return;
    }
    await this.setAccessString(user.accessString);
    await this.setPasswords([user.password]);
  }

  /** Has exactly these passwords accepted, each once, and waits until all nodes know them. */
  public async setPasswords(passwords: string[]): Promise<void> {
    await this.change(() => this.api.setPasswords([...new Set(passwords)]));
  }

  public async setAccessString(accessString: string): Promise<void> {
    await this.change(() => this.api.setAccessString(accessString));
  }

  public async remove(): Promise<void> {
    await this.insist(async () => ((await this.api.remove()) ? true : undefined), 'cannot be deleted');
  }

  /** Whether there is such a user. */
  public async exists(): Promise<boolean> {
    return (await this.api.describe()) !== undefined;
  }

  /** The user when no change is at work. */
  public settled(): Promise<UserState> {
    return this.insist(async () => {
      const state = await this.api.describe();
      if (state === undefined || state.status === 'deleting') {
        throw new Failure('ElastiCache has no such user: deploy the stack, which makes it');
      }
      return state.status === 'active' ? state : undefined;
    }, 'is not active');
  }

  private async change(act: () => Promise<boolean>): Promise<void> {
    await this.settled();
    await this.insist(async () => ((await act()) ? true : undefined), 'takes no change');
    await this.settled();
  }

  private async insist<T>(attempt: () => Promise<T | undefined>, problem: string): Promise<T> {
    for (let pauses = 0; pauses <= MOST_PAUSES; pauses++) {
      const found = await attempt();
      if (found !== undefined) {
        return found;
      }
      await this.sleep(PAUSE_MS);
    }
    throw new Failure(`the user ${problem}, two minutes after another change of it began`);
  }
}
