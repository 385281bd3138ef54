import { Failure, safeFailure } from './failure';

/** What Secrets Manager sends to a rotation function, four times for each rotation. */
export interface RotationEvent {
  readonly Step: string;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}

/** The few calls of Secrets Manager that rotation needs; the fault model puts its own behind them. */
export interface ISecretStore {
  /** Staging labels by version id. Versions without a label are not listed. */
  stages(secretId: string): Promise<{ [versionId: string]: string[] }>;
  /** The value of a version; undefined when there is none yet. */
  read(secretId: string, versionId: string): Promise<string | undefined>;
  /**
   * Stores a value as the version of that id, labelled AWSPENDING.
   *
   * False when the version has another value already.
   */
  putPending(secretId: string, versionId: string, value: string): Promise<boolean>;
  /** Moves a label; without `to` it is only taken away. Fails unless `from` still has it. */
  moveStage(secretId: string, stage: string, from: string, to?: string): Promise<void>;
  /** Ids of every version that is still kept, those without a label too, newest first. */
  versionIds(secretId: string): Promise<string[]>;
}

/** What differs between one kind of secret and another. `V` is the parsed value. */
export interface IRotationStrategy<V> {
  /** Throws a Failure that does not quote the text. */
  parse(text: string): V;
  /** A new value to follow the current one. What is made for it and not stored must go by itself. */
  next(current: V): V | Promise<V>;
  /**
   * Whether the pending value was made from this current value: if not, finishing would undo somebody's
   * change.
   */
  follows(current: V, pending: V): boolean;
  /** Makes the pending value valid where it is used. Must be repeatable. */
  apply(current: V, pending: V): Promise<void>;
  /** Throws unless the pending value really works. */
  verify(current: V, pending: V): Promise<void>;
}

/**
 * One step of one rotation.
 *
 * Repeatable: after a crash between any two calls the same event goes on where it stopped.
 */
export async function rotate<V>(
  event: RotationEvent,
  store: ISecretStore,
  strategy: IRotationStrategy<V>,
  log: (message: string) => void,
): Promise<void> {
  const context = `${event.Step} of version ${event.ClientRequestToken}`;
  try {
    log(`${context}: ${await runStep(event, store, strategy)}`);
  } catch (error) {
    throw safeFailure(context, error);
  }
}

/** The version that has a label. */
export function versionWith(stages: { [versionId: string]: string[] }, stage: string): string | undefined {
  return Object.keys(stages).find((id) => stages[id].includes(stage));
}

export interface LabelledValue {
  readonly id: string;
  readonly text: string;
}

/** The version that has a label, with its value; undefined where none has it, or it has no value yet. */
export async function labelled(
  secretId: string,
  stage: string,
  store: Pick<ISecretStore, 'stages' | 'read'>,
  stages?: { [versionId: string]: string[] },
): Promise<LabelledValue | undefined> {
  const id = versionWith(stages ?? (await store.stages(secretId)), stage);
  const text = id === undefined ? undefined : await store.read(secretId, id);
  return id === undefined || text === undefined ? undefined : { id, text };
}

async function runStep<V>(event: RotationEvent, store: ISecretStore, strategy: IRotationStrategy<V>): Promise<string> {
  const { SecretId: secretId, ClientRequestToken: token, Step: step } = event;
  const stages = await store.stages(secretId);
  const currentId = versionWith(stages, 'AWSCURRENT');
  const isPending = stages[token]?.includes('AWSPENDING') ?? false;
  if (currentId === token) {
    // Finished already: a repeated delivery. AWSPENDING is taken away, or a later manual change would look
    // like a rotation in progress.
    if (step === 'finishSecret' && isPending) {
      await store.moveStage(secretId, 'AWSPENDING', token);
    }
    return 'is current already';
  }
  // The replay of an older rotation ends here: its version is no longer pending, and making it current again
  // would undo the newer one.
  if (!isPending) {
    throw new Failure('is not AWSPENDING, so it is not being rotated');
  }
  // Was current, and was replaced by hand before its rotation had taken AWSPENDING away: it must not come
  // back.
  if (stages[token].includes('AWSPREVIOUS')) {
    return giveUp(store, secretId, token, 'was replaced already');
  }
  if (currentId === undefined) {
    throw new Failure('the secret has no AWSCURRENT version');
  }
  const current = strategy.parse(await currentText(store, secretId, currentId));
  if (step === 'createSecret' && (await store.read(secretId, token)) === undefined) {
    const stored = await store.putPending(secretId, token, JSON.stringify(await strategy.next(current)));
    return stored ? 'stored a new value' : 'another delivery stored a value';
  }
  const pending = await readPending(event, store, strategy, current);
  return finishStep(event, store, strategy, { currentId, current, pending });
}

async function finishStep<V>(
  event: RotationEvent,
  store: ISecretStore,
  strategy: IRotationStrategy<V>,
  { currentId, current, pending }: { currentId: string; current: V; pending: V },
): Promise<string> {
  switch (event.Step) {
    case 'createSecret':
      return 'a value is stored already';
    case 'setSecret':
      await strategy.apply(current, pending);
      return 'applied';
    case 'testSecret':
      await strategy.verify(current, pending);
      return 'works';
    case 'finishSecret':
      // Once more, because nothing else makes sure that the steps before this one were delivered and
      // succeeded.
      await strategy.verify(current, pending);
      await store.moveStage(event.SecretId, 'AWSCURRENT', currentId, event.ClientRequestToken);
      await store.moveStage(event.SecretId, 'AWSPENDING', event.ClientRequestToken);
      return 'is current now';
    default:
      throw new Failure('is not a step of a rotation');
  }
}

/**
 * A pending version that cannot become current would be tried again for ever, because Secrets Manager starts
 * no new rotation while one is pending: it loses its label, and the next rotation starts anew.
 */
async function giveUp(store: ISecretStore, secretId: string, token: string, reason: string): Promise<never> {
  await store.moveStage(secretId, 'AWSPENDING', token);
  throw new Failure(`${reason} and was given up. Start the rotation again`);
}

/** The pending value, unless it is unreadable or was made from a value that is no longer current. */
async function readPending<V>(
  { SecretId: secretId, ClientRequestToken: token }: RotationEvent,
  store: ISecretStore,
  strategy: IRotationStrategy<V>,
  current: V,
): Promise<V> {
  const text = await store.read(secretId, token);
  if (text === undefined) {
    throw new Failure('has no value yet: createSecret comes first');
  }
  const pending = parseOrUndefined(strategy, text);
  if (pending === undefined || !strategy.follows(current, pending)) {
    return giveUp(store, secretId, token, 'does not follow the current value');
  }
  return pending;
}

function parseOrUndefined<V>(strategy: IRotationStrategy<V>, text: string): V | undefined {
  try {
    return strategy.parse(text);
  } catch {
    return undefined;
  }
}

async function currentText(store: ISecretStore, secretId: string, versionId: string): Promise<string> {
  const text = await store.read(secretId, versionId);
  if (text === undefined) {
    throw new Failure('the current version has no value');
  }
  return text;
}
