import { Duration, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { templateOf, testStack } from '../support';

/** Names of its containers, in order. */
export const PROCESSES = ['asgi', 'beat', 'release', 'scheduled', 'web', 'worker'];

/** An application with every kind of process, in development unless told otherwise. */
export function wholeApplication(stack: Stack, props: Partial<DjangoApplicationProps> = {}): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    asgi: { paths: ['/ws/*'] },
    queues: { default: {} },
    beat: {},
    scheduledCommands: {
      nightly: { command: ['python', 'manage.py', 'prune'], schedule: ScheduleExpression.rate(Duration.days(1)) },
    },
    ...props,
  });
}

/**
 * The whole application in production, in a stack with account and region, and with Container Insights, which
 * rule packs ask for. `appProps` are those of the app.
 */
export function wholeProduction(props: Partial<DjangoApplicationProps>, appProps: object = {}): Stack {
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } }, appProps);
  const certificate = 'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';
  wholeApplication(stack, {
    profile: Profile.production({ containerInsights: ContainerInsights.ENHANCED }),
    domainNames: ['shop.example.com'],
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', certificate),
    ...props,
  });
  return stack;
}

interface Container {
  readonly Name: string;
  readonly Environment: { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets: { readonly Name: string; readonly ValueFrom: unknown }[];
}

/** Those of these variables that each process is told, by process: values, and where secrets come from. */
export function told(stack: Stack, variables: readonly string[]): { [process: string]: { [name: string]: unknown } } {
  const tasks = Object.values(templateOf(stack).findResources('AWS::ECS::TaskDefinition'));
  const containers: Container[] = tasks.map(({ Properties }) => Properties.ContainerDefinitions[0]);
  return Object.fromEntries(
    containers.map(({ Name: process, Environment, Secrets }) => {
      const all = [
        ...Environment.map(({ Name, Value }) => [Name, Value] as const),
        ...Secrets.map(({ Name, ValueFrom }) => [Name, ValueFrom] as const),
      ];
      return [process, Object.fromEntries(all.filter(([name]) => variables.includes(name)))];
    }),
  );
}
