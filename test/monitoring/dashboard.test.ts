import type { Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AuroraPostgresDatabase } from '../../constructs/database/aurora-postgres-database';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { ApplicationAlarms, type ApplicationAlarmsProps } from '../../constructs/monitoring/application-alarms';
import { only, templateOf, testStack, testVpc } from '../support';

/** Titles of the widgets of a dashboard, and what they draw. */
function drawn(watched: (stack: Stack) => Partial<ApplicationAlarmsProps>) {
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
  new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), ...watched(stack) });
  const body = JSON.stringify(only(templateOf(stack), 'AWS::CloudWatch::Dashboard').resource.Properties.DashboardBody);
  const titles = [...body.matchAll(/\\"title\\":\\"([^\\]+)\\"/g)].map(([, title]) => title);
  return { titles, body };
}

/** The label of a line. */
const STORAGE = /label[\\"]+:[\\"]+storage/;

describe('the graphs of a database', () => {
  const cluster = (props: object) =>
    drawn((stack) => ({ database: new AuroraPostgresDatabase(stack, 'Database', { vpc: testVpc(stack), ...props }) }));

  test('of a serverless cluster show its capacity, and no storage that could fill up', () => {
    const { titles, body } = cluster({ serverless: { minCapacity: 0.5, maxCapacity: 4 }, readers: 0 });
    expect(titles).toContain('Database: capacity, ACUs');
    expect(titles).not.toContain('Readers: milliseconds behind');
    expect(body).toContain('FreeableMemory');
    expect(body).not.toMatch(STORAGE);
  });

  test('of a cluster with readers show how far they are behind', () => {
    const { titles } = cluster({ instanceType: new InstanceType('r7g.large'), readers: 1 });
    expect(titles).toContain('Readers: milliseconds behind');
    expect(titles).not.toContain('Database: capacity, ACUs');
  });

  test('of an instance show its free storage', () => {
    const { titles, body } = drawn((stack) => ({
      database: new PostgresDatabase(stack, 'Database', { vpc: testVpc(stack) }),
    }));
    expect(body).toMatch(STORAGE);
    expect(titles).not.toContain('Database: capacity, ACUs');
  });
});

describe('the graphs of traffic', () => {
  const balancer = (stack: Stack) =>
    new HttpsLoadBalancer(stack, 'LoadBalancer', {
      vpc: testVpc(stack),
      domainNames: ['shop.example.com'],
      certificate: Certificate.fromCertificateArn(
        stack,
        'Certificate',
        'arn:aws:acm:eu-central-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
      ),
    });

  test('of a load balancer without services of ours show all of its requests', () => {
    const { titles, body } = drawn((stack) => ({ loadBalancer: balancer(stack) }));
    expect(titles).toContain('Requests a minute');
    expect(body).toContain('RequestCount');
    expect(body).not.toContain('TargetGroup');
  });

  test('are none without a load balancer, but for errors that are logged', () => {
    const database = (stack: Stack) => new PostgresDatabase(stack, 'Database', { vpc: testVpc(stack) });
    expect(drawn((stack) => ({ database: database(stack) })).titles).not.toContain('Errors a minute');
    const { titles } = drawn((stack) => ({ database: database(stack), logGroup: new LogGroup(stack, 'Logs') }));
    expect(titles).toContain('Errors a minute');
    expect(titles).not.toContain('Requests a minute');
  });
});
