import type { DatabaseRolesProperties } from '../../constructs/handlers/database-roles/contract';
import { type CustomResourceEvent, createHandler } from '../../constructs/handlers/database-roles/handler';
import type { connectPostgres } from '../../constructs/handlers/shared/postgres';
import type { LocalPostgres } from './local-postgres';

/** The roles of an application called `shop` in a database of that name. */
export const SHOP = {
  owner: 'shop',
  ownerLogins: ['shop_release_a', 'shop_release_b'],
  serving: 'shop_serving',
  servingLogins: ['shop_a', 'shop_b'],
};

const PROPERTIES: DatabaseRolesProperties = {
  MasterSecretArn: 'master',
  ApplicationSecretArn: 'application',
  OwnerSecretArn: 'owner',
  Database: 'shop',
  Owner: SHOP.owner,
  OwnerLogins: SHOP.ownerLogins,
  ServingRole: SHOP.serving,
  Logins: SHOP.servingLogins,
  Instance: 'db-1',
  Revision: '1',
};

export interface RolesRun {
  /** Why it failed; undefined when it succeeded. */
  readonly reason?: string;
  /** What it did. */
  readonly statements: string[];
  /** What it wrote into its log. */
  readonly log: { readonly message: string; readonly [name: string]: unknown }[];
  /** What CloudFormation is told of objects that stay with others. */
  readonly left?: string;
}

/**
 * Runs the handler of the roles as CloudFormation does, with the text of each secret, and the properties of
 * `shop` unless others are given.
 */
export async function runRoles(
  connect: typeof connectPostgres,
  secrets: { readonly master: string; readonly application: string; readonly owner: string },
  properties: Partial<DatabaseRolesProperties> = {},
): Promise<RolesRun> {
  const answers: { Status: string; Reason?: string; Data?: { Left?: string } }[] = [];
  const lines: string[] = [];
  let remaining = 75_000; // Three attempts where it is worth trying again.
  const handler = createHandler({
    readSecret: async (arn) => secrets[arn as keyof typeof secrets],
    store: {
      stages: async () => ({ v1: ['AWSCURRENT'] }),
      read: async (arn) => secrets[arn as keyof typeof secrets],
      putLabelled: async () => undefined,
      moveStage: async () => undefined,
    },
    newId: () => 'v2',
    connect: (settings) => connect({ ...settings, query_timeout: 40_000, application_name: 'database-roles' }),
    respond: async (_url, body) => void answers.push(JSON.parse(body)),
    sleep: async (milliseconds) => {
      remaining -= milliseconds;
    },
  });
  const event: CustomResourceEvent = {
    RequestType: 'Update',
    ResponseURL: 'https://answers.example',
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Roles',
    PhysicalResourceId: 'Roles',
    ResourceProperties: { ...PROPERTIES, ...properties },
  };
  const { log } = console;
  console.log = (line: string) => void lines.push(line);
  try {
    await handler(event, { logStreamName: 's', getRemainingTimeInMillis: () => remaining });
  } finally {
    console.log = log;
  }
  const written = lines.map((line) => JSON.parse(line) as RolesRun['log'][number]);
  const statements = written.flatMap((line) => (line.statements as string[] | undefined) ?? []);
  const [{ Status, Reason = '', Data }] = answers;
  return { reason: Status === 'SUCCESS' ? undefined : Reason, statements, log: written, left: Data?.Left };
}

/** An empty database `shop` with its roles; the password of each login is its name. */
export async function freshShop(connect: typeof connectPostgres, server: LocalPostgres): Promise<void> {
  const superuser = await server.superuser();
  await superuser.query('DROP DATABASE IF EXISTS shop WITH (FORCE)');
  const { rowCount } = await superuser.query(`SELECT 1 FROM pg_roles WHERE rolname = 'master'`);
  if (rowCount === 0) {
    await superuser.query(`CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD 'master'`);
  }
  await superuser.query('CREATE DATABASE shop OWNER master');
  await superuser.end();
  const login = (username: string) =>
    JSON.stringify({ host: 'localhost', port: server.port, dbname: 'shop', username, password: username });
  const secrets = { master: login('master'), application: login('shop_a'), owner: login('shop_release_a') };
  const { reason } = await runRoles(connect, secrets);
  if (reason !== undefined) {
    throw new Error(reason);
  }
}
