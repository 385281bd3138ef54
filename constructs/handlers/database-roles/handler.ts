import type { DatabaseRolesProperties } from './contract';
import { ensureRoles, type SqlClient } from './roles';

export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

export interface Connection extends SqlClient {
  end(): Promise<void>;
}

/** The outside world, so that tests can bring another. */
export interface Dependencies {
  readSecret(arn: string): Promise<string>;
  connect(settings: ConnectionSettings): Promise<Connection>;
  respond(url: string, body: string): Promise<void>;
  sleep(milliseconds: number): Promise<void>;
}

export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: DatabaseRolesProperties;
}

export interface LambdaContext {
  readonly logStreamName: string;
  getRemainingTimeInMillis(): number;
}

/** Kept for the answer when the database does not come up in time. */
const RESERVE_MS = 60_000;
const PAUSE_MS = 5_000;
/** Errors of an instance that is starting, has no free connection, or has not taken its new password yet. */
const TRANSIENT_CODES = new Set(
  'ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN EPIPE ETIMEDOUT 28P01 53300 57P01 57P02 57P03'.split(
    ' ',
  ),
);
const TRANSIENT_MESSAGE = /timeout|Connection terminated/i;

/**
 * A custom resource that answers CloudFormation itself.
 *
 * Every step can be repeated, so events may arrive twice.
 */
export function createHandler(world: Dependencies) {
  return async (event: CustomResourceEvent, context: LambdaContext): Promise<void> => {
    const reason = await problemOf(() => handle(world, event, context));
    log(reason === undefined ? 'finished' : 'failed', { requestType: event.RequestType, reason });
    const body = JSON.stringify({
      Status: reason === undefined ? 'SUCCESS' : 'FAILED',
      Reason: reason === undefined ? undefined : `${reason} (log stream ${context.logStreamName})`,
      PhysicalResourceId: event.PhysicalResourceId ?? event.LogicalResourceId,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
    });
    await retrying(world, context, ANSWER, () => world.respond(event.ResponseURL, body));
  };
}

const WORK: Retry = { reserveMs: RESERVE_MS, worthIt: isTransient };
const ANSWER: Retry = { reserveMs: 5_000, worthIt: () => true };

async function handle(world: Dependencies, event: CustomResourceEvent, context: LambdaContext): Promise<void> {
  if (event.RequestType === 'Delete') {
    return; // The roles own the data: they stay with the database.
  }
  const { Database: database, Owner: owner, Logins: logins, ...arns } = event.ResourceProperties;
  const master = await readLogin(world, 'master', arns.MasterSecretArn, database);
  const application = await readLogin(world, 'application', arns.ApplicationSecretArn, database);
  if (!logins.includes(application.user)) {
    throw new Error(`the application's secret names the login "${application.user}", not one of ${logins.join(', ')}`);
  }
  const connection = await retrying(world, context, WORK, () => world.connect(master));
  try {
    const password = (await actsAsOwner(world, application, owner)) ? undefined : application;
    const statements = await ensureRoles(connection, {
      database,
      owner,
      logins,
      password: password && { login: password.user, value: password.password },
    });
    log('roles are in place', { statements });
  } finally {
    await connection.end().catch(() => undefined);
  }
  const role = await retrying(world, context, WORK, () => roleOf(world, application));
  if (role !== owner) {
    throw new Error(`the login "${application.user}" does not act as "${owner}"`);
  }
}

async function readLogin(
  world: Dependencies,
  whose: string,
  arn: string,
  database: string,
): Promise<ConnectionSettings> {
  const text = await world.readSecret(arn).catch((error: Error) => {
    throw new Error(
      `the ${whose}'s secret cannot be read: ${error.message}. Has the handler a way to Secrets Manager?`,
    );
  });
  const { host, port, username, password } = parse(text);
  if ([host, port, username, password].some((value) => value === undefined || value === '')) {
    throw new Error(`the ${whose}'s secret must be JSON with host, port, username and password`);
  }
  return { host: String(host), port: Number(port), database, user: String(username), password: String(password) };
}

/** Not JSON is like empty: the parser's own message would quote the secret. */
function parse(text: string): { [name: string]: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Whether the application can already log in with the password of its secret. */
async function actsAsOwner(world: Dependencies, application: ConnectionSettings, owner: string): Promise<boolean> {
  return roleOf(world, application).then(
    (role) => role === owner,
    () => false,
  );
}

async function roleOf(world: Dependencies, settings: ConnectionSettings): Promise<string> {
  const connection = await world.connect(settings);
  try {
    return String((await connection.query('SELECT current_user::text AS role')).rows[0].role);
  } finally {
    await connection.end().catch(() => undefined);
  }
}

/** When to try again: after which errors, and how much of the function's time to leave untouched. */
interface Retry {
  readonly reserveMs: number;
  readonly worthIt: (error: Error) => boolean;
}

async function retrying<T>(
  world: Dependencies,
  context: LambdaContext,
  { reserveMs, worthIt }: Retry,
  act: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!worthIt(error as Error) || context.getRemainingTimeInMillis() < reserveMs + PAUSE_MS) {
        throw error;
      }
      log('trying again', { reason: (error as Error).message });
      await world.sleep(PAUSE_MS);
    }
  }
}

function isTransient(error: Error & { code?: string }): boolean {
  return TRANSIENT_CODES.has(error.code ?? '') || TRANSIENT_MESSAGE.test(error.message);
}

async function problemOf(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return (error as Error).message.slice(0, 1_000);
  }
}

function log(message: string, details: { [name: string]: unknown }): void {
  console.log(JSON.stringify({ message, ...details }));
}
