import { generateSecret, secretReference } from '../../../rehearsal/aws/secret-strings';

test('the generated value joins the template under its key', () => {
  const value = JSON.parse(
    generateSecret({
      SecretStringTemplate: '{"username":"shop"}',
      GenerateStringKey: 'password',
      PasswordLength: 40,
      ExcludePunctuation: true,
    }),
  );
  expect(value.username).toBe('shop');
  expect(value.password).toMatch(/^[A-Za-z0-9]{40}$/);
});

test('excluded characters never occur, and every other type does', () => {
  for (let count = 0; count < 50; count++) {
    const value = generateSecret({ ExcludeCharacters: 'abcXYZ012!"#' });
    expect(value).toHaveLength(32);
    expect(value).not.toMatch(/[abcXYZ012!"#]/);
    expect(value).toMatch(/[a-z]/);
    expect(value).toMatch(/[A-Z]/);
    expect(value).toMatch(/\d/);
  }
});

test('a reference names the secret, and its key and stage where they are given', () => {
  const arn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:name-AbCdEf';
  expect(secretReference(arn)).toEqual({ arn, key: undefined, stage: 'AWSCURRENT' });
  expect(secretReference(`${arn}:password::`)).toEqual({ arn, key: 'password', stage: 'AWSCURRENT' });
  expect(secretReference(`${arn}:key:AWSPENDING:`)).toEqual({ arn, key: 'key', stage: 'AWSPENDING' });
});
