/**
 * Restored databases, on a real PostgreSQL with TLS: one that is whole, one that is empty, one without the
 * table, and a damaged one. Who asks is the master, as which RDS lets nobody be a superuser:
 *
 *     npx tsx scripts/restore-validation-check.ts [folder with the binaries of a version]
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Client } from 'pg';
import { askDatabase } from '../constructs/handlers/restore-validation/database';
import { handleValidation, type Verdict } from '../constructs/handlers/restore-validation/validation';
import { connectPostgres, type PostgresSettings } from '../constructs/handlers/shared/postgres';
import { startPostgres } from './lib/local-postgres';
import { freshShop } from './lib/run-roles';

let [passed, failed] = [0, 0];

function check(what: string, ok: boolean, detail: unknown = ''): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `: ${JSON.stringify(detail)}`}`);
}

const QUERY = 'SELECT count(*) FROM django_migrations';

/** On the disk, a page of the table does not hold together any more. */
async function damage(superuser: Client): Promise<void> {
  const { rows } = await superuser.query(
    `SELECT current_setting('data_directory') || '/' || pg_relation_filepath('django_migrations') AS file`,
  );
  await superuser.query('CHECKPOINT');
  await superuser.end();
  const file = openSync(rows[0].file, 'r+');
  writeSync(file, Buffer.alloc(512, 0xff), 0, 512, 0);
  closeSync(file);
}

async function main(): Promise<void> {
  const server = await startPostgres(process.argv[2]);
  process.env.NODE_EXTRA_CA_CERTS = server.caFile;
  const connect = (settings: PostgresSettings) => connectPostgres(settings);
  const login = { host: 'localhost', port: server.port, user: 'master', password: 'master', database: 'shop' };
  const ask = (query = QUERY, change: object = {}) => askDatabase({ ...login, ...change }, { query, timeout: 20_000 });
  const expected = (what: string, verdict: Verdict, proven: boolean, message: string) =>
    check(what, verdict.proven === proven && verdict.message === message, verdict);
  try {
    await freshShop(connect as typeof connectPostgres, server);
    const superuser = await server.superuser('shop');
    expected('a database without the table fails', await ask(), false, 'The query failed: 42P01.');
    await superuser.query(`SET ROLE shop; CREATE TABLE django_migrations (id int, name text)`);
    expected('an empty table fails', await ask(), false, 'The query answered 0.');
    await superuser.query(`INSERT INTO django_migrations SELECT i, 'x' FROM generate_series(1, 1000) i`);
    expected('a whole one is proven, in tables of the owner', await ask(), true, 'The query answered 1000.');
    expected(
      'who asks is the owner, and not the master',
      await ask("SELECT current_user = 'shop' AND session_user = 'master'"),
      true,
      'The query answered a value.',
    );
    for (const query of [
      'SELECT lo_create(1)',
      'WITH gone AS (DELETE FROM django_migrations RETURNING 1) SELECT 1 FROM gone',
    ]) {
      expected(`nothing is written: ${query}`, await ask(query), false, 'The query failed: 25006.');
    }
    expected('several statements are refused', await ask('SELECT 1; SELECT 2'), false, 'The query failed: 42601.');
    expected(
      'a database that is not there fails',
      await ask(QUERY, { database: 'gone' }),
      false,
      'There is no database "gone".',
    );
    const refused = await ask(QUERY, { password: 'other' }).catch((error) => error.code);
    check('a refused password is no result', refused === '28P01', refused);
    await superuser.query('RESET ROLE');
    await superuser.query('CREATE DATABASE strange');
    const strange = await server.superuser('strange');
    await strange.query('CREATE TABLE django_migrations (id int); GRANT SELECT ON django_migrations TO master');
    await strange.query('INSERT INTO django_migrations VALUES (1)');
    await strange.end();
    expected(
      'a database whose owner the master cannot become is asked as the master',
      await ask(QUERY, { database: 'strange' }),
      true,
      'The query answered 1.',
    );

    await damage(superuser);
    const copier = await server.superuser();
    await copier.query('CREATE DATABASE damaged TEMPLATE shop STRATEGY file_copy OWNER shop');
    await copier.end();
    expected('a damaged page fails', await ask(QUERY, { database: 'damaged' }), false, 'The query failed: XX001.');

    // The password is not in force at once.
    const changer = await server.superuser();
    const reports: Verdict[] = [];
    let remaining = 900_000;
    const context = { logStreamName: 's', getRemainingTimeInMillis: () => remaining };
    let password = '';
    await handleValidation(
      {
        'detail-type': 'Restore Job State Change',
        time: new Date().toISOString(),
        detail: {
          restoreJobId: 'job',
          status: 'COMPLETED',
          createdResourceArn: 'arn:aws:rds:eu-central-1:111122223333:db:awsbackup-restore-test-1',
        },
      },
      'shop',
      {
        instance: async () => ({ status: 'available', host: 'localhost', port: server.port, user: 'master' }),
        setPassword: async (_identifier, value) => {
          password = value;
        },
        ask: (given, timeout) => askDatabase(given, { query: 'SELECT 7', timeout }),
        isReported: async () => false,
        report: async (_job, verdict) => void reports.push(verdict),
        lastProof: async () => 'never',
        setLastProof: async () => undefined,
        measure: () => undefined,
        newPassword: () => 'of-its-own',
        now: Date.now,
        sleep: async (milliseconds) => {
          remaining -= milliseconds;
          await changer.query(`ALTER ROLE master PASSWORD '${password}'`);
        },
        log: () => undefined,
      },
      context,
    );
    await changer.end();
    check('a password that is in force a little later is waited for', reports[0]?.proven === true, reports);
  } finally {
    await server.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
