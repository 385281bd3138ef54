import { randomBytes, X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { settle } from '../image/cache';
import { type Certificate, CertificateAuthority } from './certificates';

/** Days before its end at which a certificate is made anew. */
const RENEWED = 30;
const DAY = 24 * 60 * 60 * 1000;

/** The certificate for localhost, the same for each rehearsal, and the authority that a browser can trust. */
export interface LocalCertificate extends Pick<Certificate, 'cert' | 'key'> {
  /** The certificate of the authority. */
  readonly authority: string;
  /** What a list of authorities calls it. */
  readonly name: string;
  /** Its folder, which is yours alone. */
  readonly folder: string;
}

/**
 * Reads the certificate for localhost, or makes it where there is none or it is about to end.
 *
 * The key of its authority is thrown away as soon as it has signed: trusting the authority trusts this one
 * certificate, for localhost, and nobody can make another.
 */
export async function localCertificate(cache: string, now: number = Date.now()): Promise<LocalCertificate> {
  const folder = path.join(cache, 'localhost');
  if (existsSync(folder) && endOf(folder) - now < RENEWED * DAY) {
    rmSync(folder, { recursive: true, force: true });
  }
  if (!existsSync(folder)) {
    await make(folder, cache);
  }
  const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
  const authority = path.join(folder, 'authority.crt');
  const name = new X509Certificate(readFileSync(authority)).subject.replace(/^CN=/, '');
  return { cert: read('localhost.crt'), key: read('localhost.key'), authority, name, folder };
}

/** When the certificate of a folder ends, in milliseconds; 0 where it cannot be read. */
function endOf(folder: string): number {
  try {
    return Date.parse(new X509Certificate(readFileSync(path.join(folder, 'localhost.crt'))).validTo);
  } catch {
    return 0;
  }
}

async function make(folder: string, cache: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const part = mkdtempSync(path.join(cache, 'localhost-'));
  const signing = mkdtempSync(path.join(cache, 'localhost-signing-'));
  try {
    const authority = await CertificateAuthority.create(
      signing,
      `rehearsal-localhost-${randomBytes(4).toString('hex')}`,
    );
    const { certFile, keyFile } = await authority.issue('localhost', ['localhost']);
    copyFileSync(authority.certificate.certFile, path.join(part, 'authority.crt'));
    copyFileSync(certFile, path.join(part, 'localhost.crt'));
    copyFileSync(keyFile, path.join(part, 'localhost.key'));
  } finally {
    rmSync(signing, { recursive: true, force: true });
  }
  settle(part, folder);
}
