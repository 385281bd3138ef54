import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generate } from 'selfsigned';
import { LOOPBACK, REPLICA_ADDRESS } from './ports';

/** A certificate and its key, as files and as text. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** A local certificate authority: the rehearsal's stand-in for the ones of RDS and ACM. */
export class CertificateAuthority {
  static async create(directory: string, name = 'rehearsal-ca'): Promise<CertificateAuthority> {
    const pems = await generate([{ name: 'commonName', value: name }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    });
    return new CertificateAuthority(directory, write(directory, name, pems.cert, pems.private));
  }

  private constructor(
    private readonly directory: string,
    readonly certificate: Certificate,
  ) {}

  /** A server certificate for names and for this machine's loopback addresses. */
  async issue(name: string, hosts: string[]): Promise<Certificate> {
    const { cert, key } = this.certificate;
    const pems = await generate([{ name: 'commonName', value: hosts[0] }], {
      keyType: 'ec',
      algorithm: 'sha256',
      ca: { key, cert },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            ...hosts.map((value) => ({ type: 2 as const, value })),
            { type: 2 as const, value: 'localhost' },
            { type: 7 as const, ip: LOOPBACK },
            { type: 7 as const, ip: REPLICA_ADDRESS },
          ],
        },
      ],
    });
    return write(this.directory, name, pems.cert, pems.private);
  }
}

function write(directory: string, name: string, cert: string, key: string): Certificate {
  const certFile = path.join(directory, `${name}.crt`);
  const keyFile = path.join(directory, `${name}.key`);
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key };
}
