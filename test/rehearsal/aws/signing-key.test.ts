import { App, Duration, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { UrlSigningKeys } from 'cdk-django-fargate';
import { parseSigningSecret } from '../../../constructs/handlers/url-signing-keys/rotation';
import { signingKeyFor } from '../../../rehearsal/aws/signing-key';

test('the secret of a signer has a key of this run, which no other secret gets', () => {
  const app = new App({ context: { 'aws:cdk:enable-path-metadata': false } });
  const stack = new Stack(app, 'Shop');
  const keys = new UrlSigningKeys(stack, 'Keys', { longestLifetime: Duration.hours(6) });
  const other = new Secret(stack, 'Other');
  const { template } = app.synth().getStackByName('Shop');
  const idOf = ({ secretArn }: { secretArn: string }): string => stack.resolve(secretArn).Ref;
  const value = JSON.parse(signingKeyFor(template, idOf(keys.secret)) ?? '{}');
  expect(value.key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  expect(value).toEqual({
    ...{ key: value.key, keyId: 'KREHEARSAL', lifetime: 6 * 60 * 60, previous: [] },
    made: expect.any(Number),
  });
  expect(Math.abs(value.made - Date.now() / 1000)).toBeLessThan(60);
  expect(parseSigningSecret(JSON.stringify(value))).toEqual(value);
  expect(signingKeyFor(template, idOf(other))).toBeUndefined();
});
