import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { CertificateAuthority } from '../../../rehearsal/edge/certificates';
import { REPLICA_ADDRESS } from '../../../rehearsal/edge/ports';
import { PostgresServer } from '../../../rehearsal/postgres/postgres';
import { postgresBinaries } from '../../../rehearsal/postgres/postgres-binaries';
import { Sandbox } from '../../../rehearsal/task/sandbox';
import { eventually } from '../../../rehearsal/wait';

test('a read replica follows the server on the same port, over TLS, and takes the logins that the server has', async () => {
  const cache = path.join(__dirname, '..', '..', '..', '.cache', 'rehearsal');
  const folder = mkdtempSync(path.join(tmpdir(), 'replica-'));
  const sandbox = new Sandbox(cache);
  const announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  try {
    const authority = await CertificateAuthority.create(folder);
    const server = await PostgresServer.start({
      ...{ sandbox, announce, parameters: {} },
      binaries: postgresBinaries(cache, 17, announce),
      certificate: await authority.issue('server', ['localhost']),
    });
    await server.createDatabase('shop', 'shop_master', 'canary');
    const replica = await server.replica(REPLICA_ADDRESS);
    expect([replica.host, replica.port]).toEqual([REPLICA_ADDRESS, server.port]);
    await server.query('shop', (client) =>
      client.query(
        "CREATE TABLE book (title text); CREATE ROLE shop_b LOGIN PASSWORD 'canary'; GRANT SELECT ON book TO shop_b; INSERT INTO book VALUES ('Emma')",
      ),
    );
    const titles = async () => {
      const ssl = { ca: authority.certificate.cert };
      const client = new Client({
        host: replica.host,
        port: replica.port,
        user: 'shop_b',
        password: 'canary',
        database: 'shop',
        ssl,
      });
      await client.connect();
      try {
        const { rows } = await client.query('SELECT title, pg_is_in_recovery() AS is_replica FROM book');
        expect(rows).toEqual([{ title: 'Emma', is_replica: true }]);
        await expect(client.query("INSERT INTO book VALUES ('Persuasion')")).rejects.toThrow();
      } finally {
        await client.end();
      }
    };
    await eventually('the replica has the row', 20, async () =>
      titles().then(
        () => true,
        () => false,
      ),
    );
    await titles();
  } finally {
    sandbox.close();
    rmSync(folder, { recursive: true });
  }
}, 60_000);
