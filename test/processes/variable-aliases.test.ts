import type { Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-ecs';
import { Secret as StoredSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { EmailIdentity } from 'aws-cdk-lib/aws-ses';
import { DjangoApplication, type DjangoApplicationProps, Profile } from 'cdk-django-fargate';
import { DatabaseVariables } from '../../constructs/database/database-variables';
import { Mail } from '../../constructs/mail/mail';
import { VariableAliases } from '../../constructs/processes/task/variable-aliases';
import { errorOf, templateOf, testStack } from '../support';
import { processProps } from './support';

type Given = Partial<DjangoApplicationProps> | ((stack: Stack) => Partial<DjangoApplicationProps>);
type Variables = { [name: string]: unknown };

/** What each process of an application is told, by the name of the process. */
function told(given: Given): [string, Variables][] {
  const stack = testStack();
  const props = typeof given === 'function' ? given(stack) : given;
  const { image } = processProps(stack);
  const common = { profile: Profile.development(), image, settingsModule: 'shop.settings' };
  new DjangoApplication(stack, 'App', { ...common, queues: { default: {} }, workers: { worker: {} }, ...props });
  return Object.values(templateOf(stack).findResources('AWS::ECS::TaskDefinition')).map(({ Properties }) => {
    const [{ Name, Environment, Secrets }] = Properties.ContainerDefinitions;
    return [
      Name,
      Object.fromEntries(
        [...Environment, ...Secrets].map((each: { Name: string; Value: unknown; ValueFrom: unknown }) => [
          each.Name,
          each.Value ?? each.ValueFrom,
        ]),
      ),
    ];
  });
}

test('every process of a project of cookiecutter-django gets the names that its settings read, and ours beside them', () => {
  const processes = told((stack) => ({
    variableAliases: VariableAliases.COOKIECUTTER_DJANGO,
    databaseOptions: { variables: DatabaseVariables.URL },
    media: {},
    cache: {},
    outgoingMail: Mail.fromMailAttributes(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Identity', 'shop.example.com'),
      fromAddresses: ['no-reply@shop.example.com'],
    }),
  }));
  expect(processes.map(([name]) => name).sort()).toEqual(['release', 'web', 'worker']);
  for (const [, variables] of processes) {
    expect(Object.keys(variables)).toEqual(
      expect.arrayContaining([
        'DJANGO_SECRET_KEY',
        'DJANGO_ALLOWED_HOSTS',
        'DATABASE_URL',
        'REDIS_URL',
        'CELERY_BROKER_URL',
      ]),
    );
    expect(variables.DJANGO_AWS_STORAGE_BUCKET_NAME).toEqual(variables.AWS_STORAGE_BUCKET_NAME);
    expect(variables.DJANGO_AWS_S3_REGION_NAME).toEqual(variables.AWS_S3_REGION_NAME);
    expect(variables.DJANGO_DEFAULT_FROM_EMAIL).toBe('no-reply@shop.example.com');
    expect(variables.DJANGO_SERVER_EMAIL).toBe('no-reply@shop.example.com');
  }
});

test('a secret has a further name as a secret, of whatever login the process has', () => {
  const variableAliases = VariableAliases.of({ REDIS_CACHE: 'CACHE_URL', DB_SECRET: 'DATABASE_PASSWORD' });
  const processes = told({ variableAliases, cache: {} });
  for (const [, variables] of processes) {
    expect(variables.REDIS_CACHE).toEqual(variables.CACHE_URL);
    expect(variables.DB_SECRET).toEqual(variables.DATABASE_PASSWORD);
  }
  const logins = Object.fromEntries(processes.map(([name, { DB_SECRET }]) => [name, JSON.stringify(DB_SECRET)]));
  expect(logins.release).not.toBe(logins.web);
});

test('a process that does not get a variable does not get its further name', () => {
  const variableAliases = VariableAliases.of({ GUNICORN_PORT: 'PORT', BUCKET: 'AWS_STORAGE_BUCKET_NAME' });
  const processes = Object.fromEntries(told({ variableAliases }));
  expect([processes.web.GUNICORN_PORT, processes.worker.GUNICORN_PORT]).toEqual(['8000', undefined]);
  expect(processes.web).not.toHaveProperty('BUCKET');
});

test('what replaces a variable has its further name, too', () => {
  const variableAliases = VariableAliases.of({ HOSTS: 'DJANGO_ALLOWED_HOSTS' });
  const [[, variables]] = told({ variableAliases, environment: { DJANGO_ALLOWED_HOSTS: 'intranet' } });
  expect(variables.HOSTS).toBe('intranet');
});

test('a name that is not of the contract is refused where it is written', () => {
  expect(errorOf(() => VariableAliases.of({ MEDIA_BUCKET: 'AWS_BUCKET' }))).toContain(
    'VariableAliases.of: `MEDIA_BUCKET` must be a variable of the contract, got "AWS_BUCKET". docs/contract.md lists them.',
  );
});

test.each<[string, string, Partial<DjangoApplicationProps>]>([
  ['the contract', 'REDIS_URL', { cache: {} }],
  ['the names of the database', 'DB_HOST', { databaseOptions: { variables: names('DB_HOST') } }],
  ['environment', 'SITE', { environment: { SITE: 'Shop' } }],
])('fails when %s sets the same name', (_, name, props) => {
  const variableAliases = VariableAliases.of({ [name]: 'CELERY_BROKER_URL' });
  expect(errorOf(() => told({ ...props, variableAliases }))).toContain(
    `\`variableAliases.${name}\` must not be named like a variable that the process gets already, got "${name}".`,
  );
});

test('fails when a secret of the application has the same name', () => {
  const variableAliases = VariableAliases.of({ SITE: 'CELERY_BROKER_URL' });
  const secrets = (stack: Stack) => ({ SITE: Secret.fromSecretsManager(new StoredSecret(stack, 'Site')) });
  expect(errorOf(() => told((stack) => ({ secrets: secrets(stack), variableAliases })))).toContain(
    '`variableAliases.SITE` must not be named like',
  );
});

function names(host: string): DatabaseVariables {
  return DatabaseVariables.of({ ...DatabaseVariables.DATABASE.names, host });
}
