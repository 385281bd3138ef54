import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Client } from 'pg';
import { isRoot } from '../task/sandbox';
import { eventually, HANG_SECONDS } from '../wait';

/** From here on both functions have other names. */
const NEW_NAMES = 150_000;

/** What a copy is for: a replica, which follows through the socket of its server, or a restore by its log. */
export type Purpose = 'replica' | { readonly log: string };

/** Copies the data of a server while it runs, as pg_basebackup does. The npm package has no pg_basebackup. */
export async function copyAsBackup(client: Client, data: string, copy: string, purpose: Purpose): Promise<void> {
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
  const isNew = Number(rows[0].server_version_num) >= NEW_NAMES;
  await client.query(
    isNew ? "SELECT pg_backup_start('replica', true)" : "SELECT pg_start_backup('replica', true, false)",
  );
  execFileSync('cp', ['-a', data, copy]);
  const stop = isNew ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)';
  const stopped = await client.query<{ labelfile: string }>(`SELECT labelfile FROM ${stop}`);
  const socket = `.s.PGSQL.${client.port}`;
  for (const name of ['postmaster.pid', 'postmaster.opts', socket, `${socket}.lock`, 'pg_wal', 'pg_replslot']) {
    rmSync(path.join(copy, name), { recursive: true, force: true });
  }
  const { uid, gid } = statSync(data);
  const own = (name: string) => {
    if (isRoot()) {
      execFileSync('chown', [`${uid}:${gid}`, path.join(copy, name)]);
    }
  };
  for (const name of ['pg_wal', 'pg_replslot']) {
    mkdirSync(path.join(copy, name), { mode: 0o700 });
    own(name);
  }
  const signal = purpose === 'replica' ? 'standby.signal' : 'recovery.signal';
  for (const [name, text] of Object.entries({ backup_label: stopped.rows[0].labelfile, [signal]: '' })) {
    writeFileSync(path.join(copy, name), text);
    own(name);
  }
  if (purpose !== 'replica') {
    truncateSync(path.join(copy, 'postgresql.auto.conf')); // It would keep its log where that of the server lies.
  }
  appendFileSync(
    path.join(copy, 'postgresql.conf'),
    purpose === 'replica'
      ? `primary_conninfo = 'host=${data} port=${client.port} user=rdsadmin'\n`
      : `restore_command = 'cp ${purpose.log}/%f %p'\n`,
  );
}

/** Waits until all that a server has written lies in the folder of its log. */
export async function untilArchived(client: Client): Promise<void> {
  const { rows } = await client.query<{ wal: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS wal');
  await eventually('the log is kept', HANG_SECONDS, async () => {
    const archived = await client.query<{ last: string | null }>(
      'SELECT last_archived_wal AS last FROM pg_stat_archiver',
    );
    return (archived.rows[0].last ?? '') >= rows[0].wal;
  });
}
