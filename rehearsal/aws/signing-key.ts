import { generateKeyPairSync } from 'node:crypto';
import { resourcesOfType, type Template } from '../template/assembly';

/**
 * The first value of a secret that a function stores, a signer's for CloudFront: a key of this run, under an
 * id that no group has. Undefined for every other secret.
 */
export function signingKeyFor(template: Template, secretId: string): string | undefined {
  const ours = resourcesOfType(template, 'Custom::UrlSigningKeys').find(
    ({ resource }) => resource.Properties?.SecretArn?.Ref === secretId,
  );
  if (ours === undefined) {
    return undefined;
  }
  const [handler] = ours.resource.Properties?.ServiceToken?.['Fn::GetAtt'] ?? [];
  const { LONGEST_LIFETIME } = template.Resources[handler]?.Properties?.Environment?.Variables ?? {};
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const made = Math.floor(Date.now() / 1000);
  const lifetime = Number(LONGEST_LIFETIME);
  return JSON.stringify({ key: privateKey, keyId: 'KREHEARSAL', made, lifetime, previous: [] });
}
