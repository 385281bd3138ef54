import { Duration, type Stack, TimeZone } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import type { Template } from '../support';
import { testVpc } from '../support';

/** A resource of a template. */
export type Resource = ReturnType<Template['findResources']>[string];

/** What every background process is given at least. */
export function processProps(stack: Stack) {
  const cluster = new Cluster(stack, 'Cluster', { vpc: testVpc(stack), enableFargateCapacityProviders: true });
  return { cluster, image: ContainerImage.fromRegistry('shop'), settingsModule: 'config.settings' };
}

/** The same with a broker of three queues, `default` with 25 minutes, `reports` with an hour, `express` with 4 seconds. */
export function celeryProps(stack: Stack) {
  return {
    ...processProps(stack),
    broker: new CeleryBroker(stack, 'Broker', {
      queues: {
        default: {},
        reports: { taskTimeLimit: Duration.hours(1) },
        express: { taskTimeLimit: Duration.seconds(4) },
      },
    }),
  };
}

/** What a user may bring to any process. */
export function broughtProps(stack: Stack, props: { cluster: Cluster }) {
  return {
    encryptionKey: new Key(stack, 'Key'),
    securityGroup: new SecurityGroup(stack, 'Tasks', { vpc: props.cluster.vpc }),
    environment: { SENTRY_ENVIRONMENT: 'test' },
  };
}

/** Half past three at night in Vienna. */
export const nightly = ScheduleExpression.cron({ minute: '30', hour: '3', timeZone: TimeZone.EUROPE_VIENNA });

/** The only container of the only task definition. */
export function containerOf(definition: Resource) {
  return definition.Properties.ContainerDefinitions[0];
}

/** The value of a container's variable. */
export function variable(definition: Resource, name: string) {
  return containerOf(definition).Environment.find((entry: { Name: string }) => entry.Name === name)?.Value;
}

/** Statements of the managed policies of a construct's role. */
export function statementsOf(template: Template, role: string) {
  return Object.entries(template.findResources('AWS::IAM::ManagedPolicy'))
    .filter(([id]) => id.startsWith(role))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
}
