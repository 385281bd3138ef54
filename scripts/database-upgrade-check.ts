/**
 * A major upgrade from PostgreSQL 15 to a version that asks for the ADMIN option, on real servers: roles that
 * the handler made on the one are moved, as `pg_upgrade` moves them, to the other, and must be manageable
 * there:
 *
 *     npx tsx scripts/database-upgrade-check.ts FOLDER_OF_15 [FOLDER_OF_17]
 */
import type { Client } from 'pg';
import { connectPostgres } from '../constructs/handlers/shared/postgres';
import { type LocalPostgres, startPostgres } from './lib/local-postgres';
import { freshShop, runRoles } from './lib/run-roles';

let [passed, failed] = [0, 0];

function check(what: string, ok: boolean, detail: unknown = ''): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `: ${String(detail)}`}`);
}

function secretsOf({ port }: LocalPostgres, password = (login: string) => login) {
  const login = (username: string) =>
    JSON.stringify({ host: 'localhost', port, dbname: 'shop', username, password: password(username) });
  return { master: login('master'), application: login('shop_a'), owner: login('shop_release_a') };
}

/** Roles, memberships and settings, which a dump of the globals holds. */
async function moveRoles(from: Client, to: Client, keepsAdmin: boolean): Promise<void> {
  const { rows: roles } = await from.query(
    `SELECT quote_ident(a.rolname) AS name, a.rolcanlogin, a.rolcreaterole, a.rolcreatedb, a.rolpassword, r.rolconfig
       FROM pg_authid a JOIN pg_roles r ON r.oid = a.oid WHERE a.rolname NOT LIKE 'pg\\_%' AND NOT a.rolsuper`,
  );
  for (const { name, rolcanlogin, rolcreaterole, rolcreatedb, rolpassword } of roles) {
    const attributes = [rolcanlogin && 'LOGIN', rolcreaterole && 'CREATEROLE', rolcreatedb && 'CREATEDB'];
    await to.query(`CREATE ROLE ${name} ${attributes.filter(Boolean).join(' ')}`);
    if (rolpassword !== null) {
      await to.query(`ALTER ROLE ${name} PASSWORD '${rolpassword}'`);
    }
  }
  const { rows: members } = await from.query(
    `SELECT quote_ident(r.rolname) AS role, quote_ident(n.rolname) AS member, m.admin_option
       FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles n ON n.oid = m.member
      WHERE r.rolname NOT LIKE 'pg\\_%' ORDER BY m.admin_option DESC`,
  );
  for (const { role, member, admin_option } of members) {
    await to.query(`GRANT ${role} TO ${member}${admin_option && keepsAdmin ? ' WITH ADMIN OPTION' : ''}`);
  }
  for (const { name, rolconfig } of roles) {
    for (const setting of rolconfig ?? []) {
      const [parameter, value] = setting.split('=');
      await to.query(`ALTER ROLE ${name} SET ${parameter} = '${value}'`);
    }
  }
}

async function upgraded(connect: typeof connectPostgres, old: LocalPostgres, keepsAdmin: boolean) {
  const server = await startPostgres(process.argv[3]);
  process.env.NODE_EXTRA_CA_CERTS = server.caFile;
  const [from, to] = [await old.superuser(), await server.superuser()];
  await moveRoles(from, to, keepsAdmin);
  await to.query('CREATE DATABASE shop OWNER shop');
  const { rows } = await to.query('SHOW server_version');
  await Promise.all([from.end(), to.end()]);
  console.log(`       PostgreSQL ${rows[0].server_version}`);
  // Another password of the application's login: the handler must be able to set it.
  const run = await runRoles(
    connect,
    secretsOf(server, (login) => (login === 'shop_a' ? 'another' : login)),
  );
  await server.stop();
  return run;
}

async function main(): Promise<void> {
  const old = await startPostgres(process.argv[2]);
  process.env.NODE_EXTRA_CA_CERTS = old.caFile;
  await freshShop(connectPostgres, old);
  const again = await runRoles(connectPostgres, secretsOf(old));
  check(
    'on 15 a second run changes nothing',
    again.reason === undefined && again.statements.length === 0,
    again.statements,
  );
  const after = await upgraded(connectPostgres, old, true);
  check('after the upgrade the master manages its roles', after.reason === undefined, after.reason);
  check(
    'and sets a password',
    after.statements.some((each) => each.includes('PASSWORD')),
    after.statements,
  );
  const without = await upgraded(connectPostgres, old, false);
  check('without the ADMIN option it could not', /permission denied/.test(without.reason ?? ''), without.reason);
  await old.stop();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
