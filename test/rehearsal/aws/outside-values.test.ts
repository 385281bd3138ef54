import { OutsideValues, sourceOf } from '../../../rehearsal/aws/outside-values';
import type { SecretStore } from '../../../rehearsal/aws/secrets';
import { Given } from '../../../rehearsal/given';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:';
const OWN = `${ARN}Own-Ab12Cd`;
const PARAMETER = 'arn:aws:ssm:eu-central-1:123456789012:parameter/shop/token';

test.each([
  [`${ARN}shop/mail`, { kind: 'secret', name: 'shop/mail' }],
  [`${ARN}shop/mail:password::`, { kind: 'secret', name: 'shop/mail', key: 'password' }],
  [`${ARN}shop/mail-Ab12Cd:password:AWSPENDING:`, { kind: 'secret', name: 'shop/mail-Ab12Cd', key: 'password' }],
  [PARAMETER, { kind: 'parameter', name: 'shop/token' }],
  ['/shop/token', { kind: 'parameter', name: 'shop/token' }],
  ['paper://import/Mail:ExportsOutput', { kind: 'value', name: 'import/Mail', key: 'ExportsOutput' }],
  ['paper://Mail', { kind: 'value', name: 'Mail' }],
])('%s is read', (valueFrom, source) => {
  expect(sourceOf(valueFrom)).toEqual(source);
});

/** What a task of these secrets and variables is given, by variable, and what is said about it. */
async function filled(
  secrets: Record<string, string>,
  secret: string[] = [],
  environment: Record<string, string> = {},
) {
  const stored: string[] = [];
  const said: string[] = [];
  const store = {
    made: (valueFrom: string) => valueFrom.startsWith(OWN),
    create: async (_name: string, value: string) => `stored/${stored.push(value) - 1}`,
  } as unknown as SecretStore;
  const announce = {
    progress: () => undefined,
    event: () => undefined,
    substitution: (text: string) => said.push(text),
  };
  const parameters = new Map([['made/here', 'of the template']]);
  const outside = new OutsideValues({ given: Given.read({ secret }), secrets: store, announce, parameters });
  const definition = { name: 'web', secrets, environment } as unknown as TaskDefinition;
  const result = (await outside.fill(new Map([['web', definition]]))).get('web') as TaskDefinition;
  const values = Object.entries(result.secrets).map(([variable, valueFrom]) => {
    const [, index] = valueFrom.split('stored/');
    return [variable, index === undefined ? valueFrom : stored[Number(index)]];
  });
  return { values: Object.fromEntries(values) as Record<string, string>, environment: result.environment, said };
}

test('secrets of the template stay, others are given by the name of the variable or their own', async () => {
  const { values, said } = await filled(
    {
      KEY: `${OWN}:key::`,
      MAIL_PASSWORD: `${ARN}shop/mail:password::`,
      MAIL_USER: `${ARN}shop/mail-Ab12Cd:user::`,
      TOKEN: PARAMETER,
      STRIPE: `${ARN}shop/stripe`,
      MADE: 'made/here',
    },
    ['shop/mail={"password":"pw","user":"postmaster"}', 'shop/token=t', 'STRIPE=sk'],
  );
  expect(values).toEqual({
    KEY: `${OWN}:key::`,
    MAIL_PASSWORD: 'pw',
    MAIL_USER: 'postmaster',
    TOKEN: 't',
    STRIPE: 'sk',
    MADE: 'of the template',
  });
  expect(said).toEqual([]);
});

test('what nobody gives is made up and announced, with its variable and the options', async () => {
  const { values, said } = await filled({
    A: `${ARN}shop/mail:password::`,
    B: `${ARN}shop/mail:password::`,
    C: PARAMETER,
  });
  expect(values.A).toMatch(/^placeholder-\w{24}$/);
  expect(values.B).toBe(values.A);
  expect(values.C).not.toBe(values.A);
  expect(said).toHaveLength(3);
  expect(said[0]).toContain('A has a made-up value, since the secret shop/mail is not in the template');
  expect(said[2]).toMatch(/parameter shop\/token .*--secret C=VALUE.*--env-file/);
});

test('a secret of the template and a variable can be given, too', async () => {
  const { values, environment, said } = await filled({ KEY: `${OWN}:key::` }, ['KEY=mine', 'REDIS_URL=redis://x'], {
    REDIS_URL: 'paper://Cache.Endpoint',
    DEBUG: '0',
  });
  expect(values.KEY).toBe('mine');
  expect(environment).toEqual({ REDIS_URL: 'redis://x', DEBUG: '0' });
  expect(said).toEqual(['variables with a value that you gave: REDIS_URL']);
});

test.each([
  ['a name that no task has', ['EMIAL=x'], '--secret EMIAL: no task is given that. Secrets of the tasks are MAIL.'],
  ['a text in the place of JSON', ['shop/mail=x'], 'the value of shop/mail must be JSON'],
  ['JSON without the key', ['shop/mail={"user":"x"}'], 'must have the key "password"'],
])('fails with %s', async (_, secret, message) => {
  await expect(filled({ MAIL: `${ARN}shop/mail:password::` }, secret)).rejects.toThrow(message);
});
