import { generateKeyPairSync } from 'node:crypto';
import type { Template } from '../template/assembly';

/**
 * The first value of a secret that a function stores, a signer's for CloudFront: a key of this run, under an
 * id that no group has. Undefined for every other secret.
 */
export function signingKeyFor(template: Template, secretId: string): string | undefined {
  const isOurs = Object.values(template.Resources).some(
    ({ Type, Properties }) =>
      Type === 'Custom::UrlSigningKeys' && (Properties?.SecretArn as { Ref?: string } | undefined)?.Ref === secretId,
  );
  if (!isOurs) {
    return undefined;
  }
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return JSON.stringify({ key: privateKey, keyId: 'KREHEARSAL', previous: [] });
}
