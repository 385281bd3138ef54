import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';

/** In PEM. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** RSA with 2048 bits, the one kind that CloudFront takes and that django-storages signs with. */
export function newKeyPair(): KeyPair {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

/** Whether what the private key signs is accepted by the public one. */
export function isPair({ privateKey, publicKey }: KeyPair): boolean {
  const message = Buffer.from('{"Statement":[]}');
  try {
    return verify('RSA-SHA1', message, publicKey, sign('RSA-SHA1', message, privateKey));
  } catch {
    return false; // One of them is no key.
  }
}

/** Names a public key by what it is. */
export function fingerprint(publicKey: string): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}
