import { resolveReferences } from '../../../rehearsal/aws/dynamic-references';

const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:Shop-Key-AbCdEf';
const secrets = {
  made: (arn: string) => arn === ARN,
  read: () => Promise.resolve('{"password":"$& and more"}'),
};

test.each([
  [`{{resolve:secretsmanager:${ARN}}}`, '{"password":"$& and more"}'],
  [`{{resolve:secretsmanager:${ARN}:SecretString:::}}`, '{"password":"$& and more"}'],
  [`Bearer {{resolve:secretsmanager:${ARN}:SecretString:password::}}`, 'Bearer $& and more'],
  [`{{resolve:secretsmanager:${ARN}2:SecretString:::}}`, `{{resolve:secretsmanager:${ARN}2:SecretString:::}}`],
])('%s becomes %s', async (text, value) => {
  expect(await resolveReferences({ rules: [{ Values: [text], Priority: 1 }], none: undefined }, secrets)).toEqual({
    rules: [{ Values: [value], Priority: 1 }],
    none: undefined,
  });
});
