import { Duration, Size, type Stack } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { AlarmThresholds } from '../../constructs/monitoring/alarm-thresholds';
import { ApplicationAlarms, type ApplicationAlarmsProps } from '../../constructs/monitoring/application-alarms';
import type { IDjangoService, ILoadBalancedService } from '../../constructs/processes/django-service';
import type { ScheduledCommand } from '../../constructs/processes/scheduled-command';
import type { InvalidCase } from './case';

const alarms = (
  name: string,
  prop: string,
  props: (stack: Stack) => Omit<ApplicationAlarmsProps, 'topic'>,
): InvalidCase => ({
  name: `ApplicationAlarms: ${name}`,
  prop,
  make: (stack) => new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), ...props(stack) }),
});

const threshold = (name: string, thresholds: AlarmThresholds): InvalidCase =>
  alarms(name, `thresholds.${Object.keys(thresholds)[0]}`, () => ({ thresholds }));

/** Of what is watched, ids and the names of members are all that is looked at before anything is made. */
const called = <T>(stack: Stack, scope: string, id: string) =>
  Object.assign(new Construct(new Construct(stack, scope), id), {
    schedule: '',
    service: {},
    taskDefinition: {},
    targetGroup: {},
  }) as unknown as T;

export const cases: InvalidCase[] = [
  threshold('a share of errors that no minute can exceed', { serverErrorPercent: 100 }),
  threshold('a share of errors that is always exceeded', { serverErrorPercent: 0 }),
  threshold('a negative share of errors', { serverErrorPercent: -2 }),
  threshold('no time at all for an answer', { responseTime: Duration.seconds(0) }),
  threshold('an answer slower than the load balancer waits', { responseTime: Duration.hours(2) }),
  threshold('CPU as a fraction', { cpuPercent: 0.85 }),
  threshold('CPU that is not a number', { cpuPercent: Number.NaN }),
  threshold('memory above what there is', { memoryPercent: 120 }),
  threshold('infinite memory', { memoryPercent: Number.POSITIVE_INFINITY }),
  threshold('waiting shorter than CloudWatch looks', { waitingTime: Duration.seconds(10) }),
  threshold('waiting longer than a message stays hidden', { waitingTime: Duration.days(1) }),
  threshold('CPU of the database at nothing', { databaseCpuPercent: 0 }),
  threshold('all connections in use', { databaseConnectionsPercent: 100 }),
  threshold('storage when it is gone', { databaseFreeStorage: Size.bytes(0) }),
  threshold('storage in bytes that make no MiB', { databaseFreeStorage: Size.bytes(2 ** 21 + 1) }),
  threshold('memory when it is gone', { databaseFreeableMemory: Size.mebibytes(0) }),
  threshold('a lag that a replica of an idle instance has', { databaseReplicaLag: Duration.minutes(5) }),
  threshold('a lag that is no whole second', { databaseReplicaLag: Duration.millis(600_500) }),
  threshold('CPU of the cache at nothing', { cacheCpuPercent: 0 }),
  threshold('memory of the cache above what there is', { cacheMemoryPercent: 101 }),
  threshold('fewer keys than none', { cacheEvictions: -1 }),
  threshold('no connection to the cache', { cacheConnections: 0 }),
  threshold('more connections than a node takes', { cacheConnections: 65_001 }),
  threshold('no errors at all', { applicationErrors: 0 }),
  threshold('half an error', { applicationErrors: 0.5 }),
  threshold('days before ACM has renewed', { certificateDays: 60 }),
  threshold('a certificate that has expired', { certificateDays: 0 }),
  alarms('two services of one name', 'services', (stack) => ({
    services: ['Shop', 'Blog'].map((scope) => called<IDjangoService>(stack, scope, 'Worker')),
  })),
  alarms('a service behind the load balancer named twice', 'services', (stack) => {
    const web = called<ILoadBalancedService>(stack, 'Shop', 'Web');
    return { loadBalancedServices: [web, web] };
  }),
  alarms('two scheduled commands of one name', 'scheduledCommands', (stack) => ({
    scheduledCommands: ['Shop', 'Blog'].map((scope) => called<ScheduledCommand>(stack, scope, 'Nightly')),
  })),
];
