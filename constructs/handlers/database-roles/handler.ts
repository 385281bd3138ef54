import { answerTo, type LambdaContext, type CustomResourceEvent as SharedEvent } from '../shared/custom-resource';
import { type ApplicationLogin, removeObstacles } from '../shared/obstacles';
import { NEUTRAL_DATABASE, type SqlClient } from '../shared/postgres';
import { redacted } from '../shared/redacted';
import { type Retry, retrying } from '../shared/retrying';
import { adopt, arrives, attributesOf } from './adoption';
import type { DatabaseRolesProperties } from './contract';
import { ensureExtensions } from './extensions';
import { ensureRoles } from './roles';
import type { LeftObject } from './take-over';
import { completeUrl, type IUrlStore } from './url';
import { Work } from './work';

export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Only for the logins of the application, to see what they act as. */
  readonly assumesRole?: boolean;
}

export interface Connection extends SqlClient {
  end(): Promise<void>;
}

/** The outside world, so that tests can bring another. */
export interface Dependencies {
  readSecret(arn: string): Promise<string>;
  readonly store: IUrlStore;
  /** Id of a new version of a secret. */
  newId(): string;
  connect(settings: ConnectionSettings): Promise<Connection>;
  respond(url: string, body: string): Promise<void>;
  sleep(milliseconds: number): Promise<void>;
}

export type CustomResourceEvent = Omit<SharedEvent<DatabaseRolesProperties>, 'ResourceType'>;

/** Kept for the answer when the database does not come up in time. */
const RESERVE_MS = 60_000;
/** Errors of an instance that is starting, has no free connection, or has not taken its new password yet. */
const TRANSIENT_CODES = new Set(
  'ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN EPIPE ETIMEDOUT 28P01 53300 57P01 57P02 57P03 40P01'.split(
    ' ',
  ),
);
/** The second: something is vacuumed or dropped while it is granted. */
const TRANSIENT_MESSAGE = /read timeout|timeout expired|Connection terminated|tuple concurrently/i;

const LOCK_NOT_AVAILABLE = '55P03';

/**
 * A custom resource that answers CloudFormation itself.
 *
 * Every step can be repeated, so events may arrive twice.
 */
export function createHandler(world: Dependencies) {
  return async (event: CustomResourceEvent, context: LambdaContext): Promise<void> => {
    const left: LeftObject[] = [];
    const reason = await problemOf(async () => void left.push(...(await handle(world, event, context))));
    log(reason === undefined ? 'finished' : 'failed', { requestType: event.RequestType, reason });
    const body = answerTo(event, context, reason, attributesOf(left));
    await retrying(world, context, ANSWER, () => world.respond(event.ResponseURL, body));
  };
}

const again = (error: Error) => log('trying again', { reason: redacted(error.message) });
const WORK: Retry = { reserveMs: RESERVE_MS, worthIt: isTransient, again };
const ANSWER: Retry = { reserveMs: 5_000, worthIt: () => true, again };

/** Gives what could not be taken over from others. */
async function handle(world: Dependencies, event: CustomResourceEvent, context: LambdaContext): Promise<LeftObject[]> {
  if (event.RequestType === 'Delete') {
    return []; // The roles own the data: they stay with the database.
  }
  const properties = event.ResourceProperties;
  const { Database: database, Owner: owner, ServingRole: serving } = properties;
  const { OwnerLogins: ownerLogins, Logins: servingLogins } = properties;
  const master = await readLogin(world, 'master', properties.MasterSecretArn, database);
  const accesses: Access[] = [
    { role: owner, logins: ownerLogins, as: await readLogin(world, 'owner', properties.OwnerSecretArn, database) },
    {
      role: serving,
      logins: servingLogins,
      as: await readLogin(world, 'application', properties.ApplicationSecretArn, database),
    },
  ];
  const [ofOwner, ofApplication] = accesses;
  for (const [whose, { as, logins }] of [['owner', ofOwner] as const, ['application', ofApplication] as const]) {
    if (!logins.includes(as.user)) {
      throw new Error(`the ${whose}'s secret names the login "${as.user}", not one of ${logins.join(', ')}`);
    }
  }
  await openTheWay(world, context, master, database);
  const left = await retrying(world, context, WORK, async () =>
    arrives(properties) ? connected(world, master, (connection) => adopt(connection, properties, log)) : [],
  );
  const statements = await retrying(world, context, WORK, async () => {
    const wrong = await Promise.all(accesses.map(async (access) => ((await actsAs(world, access)) ? [] : [access.as])));
    const passwords = wrong.flat().map(({ user, password }) => ({ login: user, value: password }));
    const spec = { database, owner, ownerLogins, serving, servingLogins, passwords };
    return connected(world, master, (connection) => ensureRoles(connection, spec));
  });
  log('roles are in place', { statements });
  const { Extensions: extensions = [] } = properties;
  if (extensions.length > 0) {
    const made = await retrying(world, context, WORK, () =>
      connected(world, master, (connection) => ensureExtensions(connection, extensions)),
    );
    log('extensions are in place', { made });
  }
  await restoreLogins(world, master, database, accesses);
  for (const access of accesses) {
    const role = await retrying(world, context, WORK, () => roleOf(world, access.as));
    if (role !== access.role) {
      throw new Error(`the login "${access.as.user}" does not act as "${access.role}"`);
    }
  }
  await completeSecrets(world, properties);
  return left;
}

/** Processes may read `url` of both secrets, and ECS starts none that reads what is not there. */
async function completeSecrets(world: Dependencies, properties: DatabaseRolesProperties): Promise<void> {
  const { ApplicationSecretArn, OwnerSecretArn } = properties;
  for (const [whose, arn] of [['application', ApplicationSecretArn] as const, ['owner', OwnerSecretArn] as const]) {
    const wrote = await completeUrl(arn, world.store, () => world.newId()).catch((error: Error) => {
      throw new Error(`the ${whose}'s secret cannot be completed with its url: ${error.message}`);
    });
    if (wrote) {
      log(`the ${whose}'s secret has its url`, {});
    }
  }
}

/** A secret's login, and what it is to act as. */
interface Access {
  readonly role: string;
  readonly logins: string[];
  readonly as: ConnectionSettings;
}

/**
 * From a database that the application does not own, what its owner has set against connections is taken
 * back.
 */
async function openTheWay(
  world: Dependencies,
  context: LambdaContext,
  master: ConnectionSettings,
  database: string,
): Promise<void> {
  await retrying(world, context, WORK, () => removing(world, master, database, []));
}

async function restoreLogins(
  world: Dependencies,
  master: ConnectionSettings,
  database: string,
  accesses: Access[],
): Promise<void> {
  const logins = accesses.flatMap(({ logins: names, role }) => names.map((name) => ({ name, role })));
  await removing(world, master, database, logins);
}

async function removing(
  world: Dependencies,
  master: ConnectionSettings,
  database: string,
  logins: ApplicationLogin[],
): Promise<void> {
  await connected(world, { ...master, database: NEUTRAL_DATABASE }, async (connection) => {
    const work = new Work(connection);
    await removeObstacles(connection, database, logins, (statement) => work.apply(statement));
    if (work.done.length > 0) {
      log('obstacles are removed', { statements: work.done });
    }
  });
}

async function connected<T>(
  world: Dependencies,
  settings: ConnectionSettings,
  act: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await world.connect(settings);
  try {
    return await act(connection);
  } finally {
    await connection.end().catch(() => undefined);
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

/** Whether a login can already connect with the password of its secret, and acts as it should. */
async function actsAs(world: Dependencies, { as, role }: Access): Promise<boolean> {
  return roleOf(world, as).then(
    (found) => found === role,
    () => false,
  );
}

async function roleOf(world: Dependencies, settings: ConnectionSettings): Promise<string> {
  return connected(world, { ...settings, assumesRole: true }, async (connection) =>
    String((await connection.query('SELECT current_user AS role')).rows[0].role),
  );
}

function isTransient(error: Error & { code?: string }): boolean {
  return TRANSIENT_CODES.has(error.code ?? '') || TRANSIENT_MESSAGE.test(error.message);
}

async function problemOf(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    const hint =
      code === LOCK_NOT_AVAILABLE ? '. Another session holds a lock: look for it in pg_locks and end it' : '';
    return `${redacted(message).slice(0, 900)}${hint}`;
  }
}

function log(message: string, details: { [name: string]: unknown }): void {
  console.log(JSON.stringify({ message, ...details }));
}
