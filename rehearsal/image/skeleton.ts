import { cpSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUILDER } from './view';

/** Of this machine's /etc: what programs need to find names, hosts and certificates. */
const CONFIGURATION = [
  ...['ssl', 'ca-certificates', 'pki', 'alternatives', 'hosts', 'resolv.conf', 'nsswitch.conf', 'localtime'],
  ...['mime.types', 'protocols', 'services', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'pip.conf', 'os-release'],
];
const NOBODY = 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin';
/** Where steps add a source of packages before they call the package manager, which is this machine's. */
const SOURCES = [
  ...['etc/apt/sources.list.d', 'etc/apt/keyrings', 'etc/apt/trusted.gpg.d', 'etc/apt/apt.conf.d'],
  ...['etc/apt/preferences.d', 'etc/apt/auth.conf.d', 'etc/apk/keys', 'etc/yum.repos.d', 'var/lib/apt/lists'],
  'var/cache/apt/archives',
];
/** Lists of sources that official images have, and that steps change to a mirror. */
const LISTS = ['etc/apt/sources.list.d/debian.sources', 'etc/apk/repositories'];
const LINKS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const FOLDERS = ['etc', 'home', 'opt', 'root', 'run', 'srv', 'tmp', 'usr/local/bin', 'var/tmp', 'var/log', 'var/lib'];

/** The folders that an image of a distribution begins with. Their programs are this machine's. */
export function skeleton(root: string): void {
  for (const folder of [...FOLDERS, 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/share', 'usr/include']) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  for (const folder of SOURCES) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  for (const list of LISTS) {
    writeFileSync(path.join(root, list), '');
  }
  for (const link of LINKS) {
    if (existsSync(`/${link}`) && lstatSync(`/${link}`).isSymbolicLink()) {
      symlinkSync(readlinkSync(`/${link}`), path.join(root, link));
    }
  }
  for (const name of CONFIGURATION) {
    try {
      cpSync(`/etc/${name}`, path.join(root, 'etc', name), { recursive: true, dereference: name !== 'alternatives' });
    } catch {
      // Not on this machine, or readable by root alone.
    }
  }
  const users = ['root:x:0:0:root:/root:/bin/sh', `builder:x:${BUILDER}:${BUILDER}::/root:/bin/sh`, NOBODY];
  writeFileSync(path.join(root, 'etc/passwd'), users.map((user) => `${user}\n`).join(''));
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n');
}
