import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { LocalCertificate } from '../edge/local-certificate';

/** Left in the folder of a certificate whose authority was installed. */
const MARK = 'trusted';

/** A command that changes whom the browsers of this user trust. */
export interface TrustCommand {
  readonly words: readonly string[];
  /** Whose list of authorities it changes. */
  readonly of: string;
}

/** Where lists of authorities are. */
export interface TrustPlace {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** Folders with a database of NSS: of Chrome, and of each profile of Firefox. */
  readonly databases: readonly string[];
}

/** The certificate of an authority, and its name in a list. */
export type Authority = Pick<LocalCertificate, 'authority' | 'name'>;

/** The commands that make the browsers of this user trust an authority. */
export function trustCommands(
  { platform, home, databases }: TrustPlace,
  { authority, name }: Authority,
): TrustCommand[] {
  if (platform === 'darwin') {
    const keychain = path.posix.join(home, 'Library', 'Keychains', 'login.keychain-db');
    const words = ['security', 'add-trusted-cert', '-r', 'trustRoot', '-p', 'ssl', '-k', keychain, authority];
    return [{ words, of: 'your login keychain' }];
  }
  if (platform === 'win32') {
    return [{ words: ['certutil', '-addstore', '-user', 'Root', authority], of: 'your certificates' }];
  }
  return databases.map((folder) => ({
    words: ['certutil', '-A', '-d', `sql:${folder}`, '-n', name, '-t', 'C,,', '-i', authority],
    of: folder,
  }));
}

/** The commands that take the trust away. */
export function distrustCommands({ platform, home, databases }: TrustPlace, { name }: Authority): TrustCommand[] {
  if (platform === 'darwin') {
    const keychain = path.posix.join(home, 'Library', 'Keychains', 'login.keychain-db');
    return [{ words: ['security', 'delete-certificate', '-t', '-c', name, keychain], of: 'your login keychain' }];
  }
  if (platform === 'win32') {
    return [{ words: ['certutil', '-delstore', '-user', 'Root', name], of: 'your certificates' }];
  }
  return databases.map((folder) => ({ words: ['certutil', '-D', '-d', `sql:${folder}`, '-n', name], of: folder }));
}

/** This machine's lists. On Linux the one of Chrome is made where there is none. */
export function trustPlace(platform = process.platform, home = homedir()): TrustPlace {
  const shared = path.join(home, '.pki', 'nssdb');
  const profiles = [
    '.mozilla/firefox',
    'snap/firefox/common/.mozilla/firefox',
    '.var/app/org.mozilla.firefox/.mozilla/firefox',
  ].flatMap((folder) => childrenOf(path.join(home, folder)));
  const others = [path.join(home, 'snap/chromium/current/.pki/nssdb'), ...profiles];
  return {
    platform,
    home,
    databases: [shared, ...others.filter((folder) => existsSync(path.join(folder, 'cert9.db')))],
  };
}

/** Runs a command and gives how it ended; undefined where there is no such program. */
export type RunCommand = (words: readonly string[]) => { readonly code: number; readonly output: string } | undefined;

/** Makes the browsers of this user trust the certificate. Prints each command; throws when one fails. */
export function trust(certificate: LocalCertificate, write: (line: string) => void, run = runCommand): void {
  const place = trustPlace();
  const [shared] = place.databases;
  if (place.platform === 'linux' && !existsSync(path.join(shared, 'cert9.db'))) {
    mkdirSync(shared, { recursive: true, mode: 0o700 });
    carryOut({ words: ['certutil', '-N', '--empty-password', '-d', `sql:${shared}`], of: shared }, write, run);
  }
  for (const command of trustCommands(place, certificate)) {
    carryOut(command, write, run);
  }
  writeFileSync(path.join(certificate.folder, MARK), '');
  write('Browsers of this user trust https://localhost of the rehearsal. Start them again; --untrust takes it back.');
  if (place.platform === 'linux') {
    const { name, authority } = certificate;
    const target = `/usr/local/share/ca-certificates/${name}.crt`;
    write(`For other programs, as root (Debian, Ubuntu): cp ${authority} ${target} && update-ca-certificates`);
  }
}

/** Takes back what `trust` did. */
export function distrust(certificate: LocalCertificate, write: (line: string) => void, run = runCommand): void {
  for (const command of distrustCommands(trustPlace(), certificate)) {
    if (isTrusted(certificate.folder) || existsSync(command.of)) {
      carryOut(command, write, run);
    }
  }
  rmSync(path.join(certificate.folder, MARK), { force: true });
  write('No browser of this user trusts the rehearsal any more.');
}

/** Whether `trust` has installed the authority. */
export function isTrusted(folder: string): boolean {
  return existsSync(path.join(folder, MARK));
}

function carryOut({ words, of }: TrustCommand, write: (line: string) => void, run: RunCommand): void {
  write(`  ${words.map(quoted).join(' ')}`);
  const answer = run(words);
  if (answer === undefined) {
    throw new Error(
      `${words[0]} is not installed. Install it (Debian and Ubuntu: apt-get install libnss3-tools, Fedora: dnf install nss-tools), and say it again.`,
    );
  }
  if (answer.code !== 0) {
    throw new Error(`${of} is unchanged: ${answer.output.trim() || `exit code ${answer.code}`}`);
  }
}

function runCommand([program, ...args]: readonly string[]): ReturnType<RunCommand> {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['inherit', 'pipe', 'pipe'],
  });
  return error === undefined ? { code: status ?? 1, output: stdout + stderr } : undefined;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function childrenOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
}
