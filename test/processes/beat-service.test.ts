import { Duration } from 'aws-cdk-lib';
import { Profile } from '../../constructs/core/profile';
import { BeatService, type BeatServiceOptions } from '../../constructs/processes/beat-service';
import { ContainerHealthCheck } from '../../constructs/processes/container-health-check';
import { errorOf, only, templateOf, testStack } from '../support';
import { broughtProps, celeryProps, containerOf, statementsOf, variable } from './background';

function beatWith(options: BeatServiceOptions & { profile?: Profile } = {}) {
  const stack = testStack();
  const beat = new BeatService(stack, 'Beat', { ...celeryProps(stack), ...options });
  return { stack, beat, template: templateOf(stack) };
}

describe('with nothing but what is required', () => {
  const { stack, beat, template } = beatWith();
  const definition = only(template, 'AWS::ECS::TaskDefinition').resource;

  test('Celery beat keeps its schedule where it can write', () => {
    expect(containerOf(definition).Command).toEqual([
      ...['celery', '--app', 'config', 'beat', '--schedule', '/tmp/celerybeat-schedule', '--loglevel', 'INFO'],
    ]);
    expect(containerOf(definition).ReadonlyRootFilesystem).toBe(true);
  });

  test('the task is the smallest there is, ends in 30 seconds and shows that it is alive', () => {
    expect(definition.Properties).toMatchObject({ Cpu: '256', Memory: '512' });
    expect(containerOf(definition).StopTimeout).toBe(30);
    expect(variable(definition, 'CELERY_LIVENESS_FILE')).toBe('/tmp/celery-liveness');
    expect(containerOf(definition).HealthCheck.Command[3]).toContain('CELERY_LIVENESS_FILE');
  });

  test('there are never two', () => {
    const { Properties } = only(template, 'AWS::ECS::Service').resource;
    expect(Properties).toMatchObject({
      DesiredCount: 1,
      AvailabilityZoneRebalancing: 'DISABLED',
      DeploymentConfiguration: { MinimumHealthyPercent: 0, MaximumPercent: 100 },
    });
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
    expect([beat.minCapacity, beat.maxCapacity, beat.connectionsPerTask]).toEqual([1, 1, 1]);
  });

  test('a deployment that does not come up is rolled back', () => {
    template.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: true, Rollback: true } },
    });
  });

  test('the observers can read it', () => {
    const running = beat.metricRunningTasks();
    expect(running).toMatchObject({ namespace: 'AWS/ECS', statistic: 'SampleCount' });
    expect(stack.resolve(running.dimensions)).toMatchObject({
      ServiceName: stack.resolve(beat.service.serviceName),
    });
    expect(beat.metricCpuUtilization().metricName).toBe('CPUUtilization');
    expect(beat.metricMemoryUtilization().metricName).toBe('MemoryUtilization');
  });
});

describe('with everything given', () => {
  const stack = testStack();
  const props = celeryProps(stack);
  const brought = broughtProps(stack, props);
  const beat = new BeatService(stack, 'Beat', {
    ...props,
    ...brought,
    application: 'shop.tasks',
    scheduler: 'django_celery_beat.schedulers:DatabaseScheduler',
    healthCheck: ContainerHealthCheck.none(),
    cpu: 512,
    memoryLimitMiB: 1024,
    stopTimeout: Duration.seconds(10),
  });
  const definition = only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource;

  test('beat is as said', () => {
    expect(containerOf(definition).Command).toEqual([
      ...['celery', '--app', 'shop.tasks', 'beat'],
      ...['--scheduler', 'django_celery_beat.schedulers:DatabaseScheduler', '--loglevel', 'INFO'],
    ]);
    expect(definition.Properties).toMatchObject({ Cpu: '512', Memory: '1024' });
    expect(containerOf(definition)).toMatchObject({ StopTimeout: 10 });
    expect(containerOf(definition).HealthCheck).toBeUndefined();
    expect(beat.connections.securityGroups).toEqual([brought.securityGroup]);
  });
});

describe('wiring', () => {
  const { template } = beatWith();

  test('it sends to the queues and receives from none', () => {
    const actions = statementsOf(template, 'BeatTaskTaskRole').flatMap(({ Action }) => Action);
    expect(actions).toContain('sqs:SendMessage');
    expect(actions).not.toContain('sqs:ReceiveMessage');
  });

  test('the service waits for its permissions', () => {
    const policies = Object.keys(template.findResources('AWS::IAM::ManagedPolicy'));
    expect(only(template, 'AWS::ECS::Service').resource.DependsOn).toEqual(expect.arrayContaining(policies));
  });
});

test('development does not put it on Spot', () => {
  const { template } = beatWith({ profile: Profile.development() });
  template.hasResourceProperties('AWS::ECS::Service', { LaunchType: 'FARGATE' });
});

test('fails when it is to run on Spot', () => {
  expect(errorOf(() => beatWith({ spot: true }))).toContain('Shop/Beat: `spot` must not be true, got true.');
});
