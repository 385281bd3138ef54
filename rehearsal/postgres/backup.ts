import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Client } from 'pg';
import { isRoot } from '../task/sandbox';

/** From here on both functions have other names. */
const NEW_NAMES = 150_000;

/**
 * Copies the data of a server while it runs, as pg_basebackup does, so that a server on the copy follows it
 * through its socket. The npm package has no pg_basebackup.
 */
export async function copyAsBackup(client: Client, data: string, copy: string): Promise<void> {
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
  for (const [name, text] of Object.entries({ backup_label: stopped.rows[0].labelfile, 'standby.signal': '' })) {
    writeFileSync(path.join(copy, name), text);
    own(name);
  }
  appendFileSync(
    path.join(copy, 'postgresql.conf'),
    `primary_conninfo = 'host=${data} port=${client.port} user=rdsadmin'\n`,
  );
}
