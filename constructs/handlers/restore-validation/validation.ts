import type { LambdaContext } from '../shared/custom-resource';
import { Failure, nameOf, safeFailure } from '../shared/failure';
import { retrying } from '../shared/retrying';
import { GIVE_UP_SECONDS, NEVER, RESTORED_PREFIX } from './contract';

/** What EventBridge sends: the end of a restore job, or a tick of the clock. */
export interface ValidationEvent {
  readonly 'detail-type': string;
  readonly time: string;
  readonly detail: {
    readonly restoreJobId?: string;
    readonly status?: string;
    readonly createdResourceArn?: string;
  };
}

/** An instance that AWS Backup has restored. */
export interface RestoredInstance {
  readonly status: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly database?: string;
}

/** Address and login of a restored database. */
export interface RestoredLogin {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** What is said of a restore, which AWS Backup keeps. */
export interface Verdict {
  readonly proven: boolean;
  readonly message: string;
}

/** The outside world, so that tests can bring another. */
export interface IValidationWorld {
  instance(identifier: string): Promise<RestoredInstance | undefined>;
  /** Sets the password of the master user, at once. */
  setPassword(identifier: string, password: string): Promise<void>;
  /** Asks the query, and waits that long at most. Throws when nobody is there to answer yet. */
  ask(login: RestoredLogin, milliseconds: number): Promise<Verdict>;
  /** Whether AWS Backup knows the result of the job already. */
  isReported(restoreJobId: string): Promise<boolean>;
  report(restoreJobId: string, verdict: Verdict): Promise<void>;
  lastProof(): Promise<string>;
  setLastProof(time: string): Promise<void>;
  /** One data point of a metric. */
  measure(metric: 'failed' | 'age', value: number): void;
  newPassword(): string;
  /** Milliseconds since 1970. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
  log(message: string): void;
}

/** For the report, once all attempts at the database have failed. */
const RESERVE_MS = 30_000;
const DAY_MS = 86_400_000;

/**
 * Validates one restore, or on a tick of the clock says how long ago one was last proven.
 *
 * What the database answers is a result, which AWS Backup is told. Where nobody answers, it is tried again
 * until the time of the function is over, and once more each time Lambda calls it again. The last of these
 * attempts tells AWS Backup that the restore could not be looked at.
 */
export async function handleValidation(
  event: ValidationEvent,
  database: string,
  world: IValidationWorld,
  context: LambdaContext,
): Promise<void> {
  if (event['detail-type'] === 'Scheduled Event') {
    await tellAge(world);
    return;
  }
  const { restoreJobId = '', status, createdResourceArn = '' } = event.detail;
  if (status !== 'COMPLETED') {
    throw new Failure('only completed restores are validated');
  }
  if (await world.isReported(restoreJobId)) {
    world.log(`${restoreJobId}: has its result already`);
    return;
  }
  const identifier = identifierOf(createdResourceArn);
  const verdict = await look(identifier, database, world, context).catch(async (error) => {
    const failure = safeFailure(identifier, error);
    if (world.now() - Date.parse(event.time) >= GIVE_UP_SECONDS * 1_000) {
      await tell(restoreJobId, { proven: false, message: `It could not be looked at: ${failure.message}` }, world);
    }
    throw failure;
  });
  await tell(restoreJobId, verdict, world);
}

async function tell(restoreJobId: string, verdict: Verdict, world: IValidationWorld): Promise<void> {
  world.log(`${restoreJobId}: ${verdict.proven ? 'proven' : 'failed'}: ${verdict.message}`);
  if (!verdict.proven) {
    world.measure('failed', 1);
  }
  await world.report(restoreJobId, verdict);
  if (verdict.proven) {
    await world.setLastProof(new Date(world.now()).toISOString());
  }
}

/** Sets a password of its own on the instance, and asks as soon as it is in force. */
async function look(
  identifier: string,
  database: string,
  world: IValidationWorld,
  context: LambdaContext,
): Promise<Verdict> {
  const password = world.newPassword();
  let isSet = false;
  const again = (error: Error) => world.log(`${identifier}: again after ${safeFailure('look', error).message}`);
  return retrying(world, context, { reserveMs: RESERVE_MS, worthIt: () => true, again }, async () => {
    const instance = await world.instance(identifier);
    if (instance?.host === undefined || instance.port === undefined || instance.user === undefined) {
      throw new Failure(`the instance is ${instance?.status ?? 'not there'}`);
    }
    if (!isSet) {
      await world.setPassword(identifier, password);
      isSet = true;
    }
    const { host, port, user } = instance;
    const login = { host, port, user, password, database: database || instance.database || 'postgres' };
    return world.ask(login, Math.max(1_000, context.getRemainingTimeInMillis() - RESERVE_MS));
  });
}

/** The permissions of the function end at the same names. */
function identifierOf(arn: string): string {
  const [, identifier] = /^arn:[\w-]+:rds:[\w-]+:\d{12}:db:([\w-]+)$/.exec(arn) ?? [];
  if (identifier?.startsWith(RESTORED_PREFIX) !== true) {
    throw new Failure('the restored resource is no instance of a restore test');
  }
  return identifier;
}

/** Days since the last proof; the first tick of all starts to count. */
async function tellAge(world: IValidationWorld): Promise<void> {
  const last = await world.lastProof();
  const isKnown = !Number.isNaN(Date.parse(last));
  if (!isKnown) {
    world.log(`last proof: ${last === NEVER ? NEVER : 'unreadable'}; counting from now on`);
    await world.setLastProof(new Date(world.now()).toISOString());
  }
  world.measure('age', isKnown ? (world.now() - Date.parse(last)) / DAY_MS : 0);
}

/** Whether the first value of the first row says that the data is there. */
export function verdictOn(value: unknown): Verdict {
  const isNothing = value === undefined || value === null || value === false || value === '' || Number(value) === 0;
  const known = typeof value === 'number' || (typeof value === 'string' && /^\d{1,20}$/.test(value));
  const shown = value === undefined ? 'no row' : known ? String(value) : isNothing ? 'nothing' : 'a value';
  return { proven: !isNothing, message: `The query answered ${shown}.` };
}

/** SQLSTATEs after which the same query may succeed later: connection, resources, operator intervention. */
const PASSING = /^(08|40|53|57P0)/;

/** What an error of PostgreSQL says of the restored data; undefined when it may be over in a moment. */
export function verdictOnError(error: unknown): Verdict | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !PASSING.test(code)
    ? { proven: false, message: `The query failed: ${nameOf(error)}.` }
    : undefined;
}
