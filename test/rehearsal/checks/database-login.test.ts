import { databaseLogin, databaseVariables } from '../../../rehearsal/checks/database-login';
import type { Rehearsal } from '../../../rehearsal/rehearsal';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

const DATABASE = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:Database-Ab12Cd';
const SMTP = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:Smtp-Ab12Cd';
const OWN_NAMES = {
  DJANGO_SECRET_KEYS: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:Key-Ab12Cd',
  MAIL_PASSWORD: `${SMTP}:password::`,
  DB_SERVER: `${DATABASE}:host::`,
  DB_PORT: `${DATABASE}:port::`,
  DB_SCHEMA: `${DATABASE}:dbname::`,
  DB_LOGIN: `${DATABASE}:username::`,
  DB_WORD: `${DATABASE}:password::`,
};

/** A rehearsal whose secrets have the value `VARIABLE's value`. */
const rehearsal = {
  secrets: { inject: async (variable: string) => (variable === 'DB_PORT' ? '5433' : `${variable}'s value`) },
} as unknown as Rehearsal;

const definition = (secrets: Record<string, string>) => ({ name: 'web', secrets }) as unknown as TaskDefinition;

test('variables of the database are found by the keys of their secret, whatever they are called', async () => {
  expect(databaseVariables(OWN_NAMES)).toEqual({
    host: 'DB_SERVER',
    port: 'DB_PORT',
    dbname: 'DB_SCHEMA',
    username: 'DB_LOGIN',
    password: 'DB_WORD',
  });
  expect(await databaseLogin(rehearsal, definition(OWN_NAMES))).toEqual({
    host: "DB_SERVER's value",
    port: 5433,
    user: "DB_LOGIN's value",
    password: "DB_WORD's value",
    database: "DB_SCHEMA's value",
  });
});

test('a password alone is not the one of a database', () => {
  expect(databaseVariables({ MAIL_PASSWORD: OWN_NAMES.MAIL_PASSWORD })).toBeUndefined();
});

test('fails when a variable is missing, and names its key', async () => {
  const { DB_LOGIN, ...rest } = OWN_NAMES;
  await expect(databaseLogin(rehearsal, definition(rest))).rejects.toThrow('no variable from the key "username"');
  await expect(databaseLogin(rehearsal, definition({}))).rejects.toThrow('no secret with a "host" and a "password"');
});
