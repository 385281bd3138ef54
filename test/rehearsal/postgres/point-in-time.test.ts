import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { CertificateAuthority } from '../../../rehearsal/edge/certificates';
import { PostgresServer } from '../../../rehearsal/postgres/postgres';
import { postgresBinaries } from '../../../rehearsal/postgres/postgres-binaries';
import { databaseSettings } from '../../../rehearsal/postgres/settings';
import { Sandbox } from '../../../rehearsal/task/sandbox';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { sleep } from '../../../rehearsal/wait';

const announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };

async function titles(server: PostgresServer): Promise<string[]> {
  const { rows } = await server.query('shop', (client) => client.query('SELECT title FROM book ORDER BY title'));
  return rows.map(({ title }) => title);
}

test('a server is restored to a point in time, and another one goes on from its snapshot', async () => {
  const cache = path.join(__dirname, '..', '..', '..', '.cache', 'rehearsal');
  const folder = mkdtempSync(path.join(tmpdir(), 'point-'));
  const sandbox = new Sandbox(cache);
  try {
    const authority = await CertificateAuthority.create(folder);
    const props = {
      ...{ sandbox, announce, parameters: {} },
      binaries: postgresBinaries(cache, 17, announce),
      certificate: await authority.issue('server', ['localhost']),
    };
    const server = await PostgresServer.start(props);
    await server.createDatabase('shop', 'shop_master', 'before');
    const base = await server.keepLog('log');
    const run = (text: string) => server.query('shop', (client) => client.query(text));
    await run("CREATE TABLE book (title text); INSERT INTO book VALUES ('Emma')");
    await sleep(20);
    const moment = new Date().toISOString();
    await sleep(20);
    await run('DELETE FROM book');
    await run("INSERT INTO book VALUES ('Persuasion')");

    const restored = await server.atTime(base, moment, 'restored');
    expect(await titles(restored)).toEqual(['Emma']);
    expect(await titles(server)).toEqual(['Persuasion']);

    const snapshot = await restored.snapshot('snapshot');
    await restored.query('shop', (client) => client.query("INSERT INTO book VALUES ('Later')"));
    const next = await PostgresServer.start({ ...props, folder: 'next', snapshot });
    expect(await titles(next)).toEqual(['Emma']);
    await next.takeOver('shop_master', 'after');
    const login = { host: 'localhost', port: next.port, user: 'shop_master', database: 'shop' };
    const ssl = { ca: authority.certificate.cert };
    await expect(new Client({ ...login, ssl, password: 'before' }).connect()).rejects.toThrow('password');
    const master = new Client({ ...login, ssl, password: 'after' });
    await master.connect();
    await master.end();
  } finally {
    sandbox.close();
    rmSync(folder, { recursive: true });
  }
}, 120_000);

test('a database that starts from a snapshot has the name of its roles, and the master of its secret', async () => {
  const template = {
    Resources: {
      Instance: {
        Type: 'AWS::RDS::DBInstance',
        Properties: {
          DBSnapshotIdentifier: 'restored',
          EngineVersion: '17',
          DBInstanceClass: 'db.t4g.micro',
          MasterUserPassword:
            '{{resolve:secretsmanager:arn:aws:secretsmanager:r:1:secret:master:SecretString:password::}}',
        },
      },
      Roles: { Type: 'Custom::DatabaseRoles', Properties: { Database: 'shop' } },
    },
  };
  const intrinsics = new Intrinsics({ template, stackName: 'S', region: 'eu-central-1', account: '1' });
  const secrets = { read: async () => JSON.stringify({ username: 'shop_master', password: 'canary' }) };
  const settings = databaseSettings({ assembly: { template }, intrinsics, secrets, announce } as never);
  expect(settings).toMatchObject({ name: 'shop', snapshot: 'restored' });
  expect([await settings?.master(), await settings?.password()]).toEqual(['shop_master', 'canary']);
});
