import { join } from 'node:path';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { DatabaseAccess } from '../../constructs/database/database-access';
import { templateOf, testStack } from '../support';

const SCHEDULE = { schedule: ScheduleExpression.expression('rate(1 day)'), command: ['python', 'manage.py', 'x'] };

/** Which secret each process logs in with, and which changes replace the tasks of services. */
function made(props: Partial<DjangoApplicationProps>) {
  const stack = testStack();
  const { database } = new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    queues: { default: {} },
    ...props,
  });
  const template = templateOf(stack);
  const names = {
    [JSON.stringify(stack.resolve(database.applicationSecret.secretArn))]: 'application',
    [JSON.stringify(stack.resolve(database.ownerSecret.secretArn))]: 'owner',
  };
  const nameIn = (value: unknown) => {
    const text = JSON.stringify(value);
    return Object.keys(names)
      .filter((arn) => text.includes(arn))
      .map((arn) => names[arn]);
  };
  const logins = Object.values(template.findResources('AWS::ECS::TaskDefinition')).map(({ Properties }) => {
    const [{ Name, Secrets }] = Properties.ContainerDefinitions;
    const ofDatabase = Secrets.filter((secret: { Name: string }) => secret.Name.startsWith('DATABASE_'));
    expect(ofDatabase).toHaveLength(5);
    return [Name, [...new Set(ofDatabase.flatMap(nameIn))]];
  });
  const [rule] = Object.values(template.findResources('AWS::Events::Rule')).filter(({ Properties }) =>
    JSON.stringify(Properties.EventPattern).includes('Secret Label Updated'),
  );
  return { logins: Object.fromEntries(logins), heard: nameIn(rule.Properties.EventPattern) };
}

test('releases alone own the tables', () => {
  const { logins, heard } = made({ asgi: {}, beat: {}, scheduledCommands: { nightly: SCHEDULE } });
  expect(logins).toEqual({
    release: ['owner'],
    web: ['application'],
    asgi: ['application'],
    worker: ['application'],
    beat: ['application'],
    scheduled: ['application'],
  });
  expect(heard).toEqual(['application']);
});

test('what makes tables at run time can own them, too, and is replaced when the password of the owner changes', () => {
  const access = { databaseAccess: DatabaseAccess.OWNER };
  const { logins, heard } = made({
    web: {},
    asgi: access,
    beat: access,
    workers: { worker: { queueNames: ['default'], ...access } },
    scheduledCommands: { nightly: { ...SCHEDULE, ...access } },
  });
  expect(logins).toEqual({
    release: ['owner'],
    web: ['application'],
    asgi: ['owner'],
    worker: ['owner'],
    beat: ['owner'],
    scheduled: ['owner'],
  });
  expect(heard).toEqual(['application', 'owner']);
});
