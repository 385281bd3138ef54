import { Duration, Fn, Token } from 'aws-cdk-lib';
import { CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Profile } from '../../constructs/core/profile';
import { ContainerHealthCheck } from '../../constructs/processes/container-health-check';
import { WorkerService, type WorkerServiceOptions } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { errorOf, Match, only, type Template, templateOf, testStack } from '../support';
import { broughtProps, celeryProps, containerOf, statementsOf, variable } from './background';

function workerWith(options: WorkerServiceOptions & { profile?: Profile } = {}) {
  const stack = testStack();
  const worker = new WorkerService(stack, 'Worker', { ...celeryProps(stack), ...options });
  return { stack, worker, template: templateOf(stack) };
}

function deploymentAlarmOf(template: Template) {
  const [[id, resource]] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([name]) =>
    name.includes('DeploymentAlarm'),
  );
  return { id, resource };
}

function commandOf(options: WorkerServiceOptions): string {
  const { template } = workerWith(options);
  return containerOf(only(template, 'AWS::ECS::TaskDefinition').resource).Command.join(' ');
}

/** Messages for each task, as the alarm divides by them. */
function targetOf(options: WorkerServiceOptions): number {
  const { template } = workerWith(options);
  const wanted = expressionsOf(alarmOf(template, 'TooFew')).find((each) => each.includes('FLOOR'));
  return Number(/FLOOR\(waiting \/ ([\d.]+)\)/.exec(wanted ?? '')?.[1]);
}

function alarmOf(template: Template, name: string) {
  const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
  return alarms.filter(([id]) => id.includes(name))[0][1].Properties;
}

function expressionsOf(alarm: { Metrics: { Expression?: string }[] }): string[] {
  return alarm.Metrics.flatMap(({ Expression }) => Expression ?? []);
}

test('a worker whose tasks all end before it is killed may not protect anything, and does not try', () => {
  const stack = testStack();
  const broker = new CeleryBroker(stack, 'Short', { queues: { default: { taskTimeLimit: Duration.seconds(60) } } });
  new WorkerService(stack, 'Worker', { ...celeryProps(stack), broker });
  const template = templateOf(stack);
  expect(
    variable(only(template, 'AWS::ECS::TaskDefinition').resource, 'DJANGO_FARGATE_TASK_PROTECTION'),
  ).toBeUndefined();
  expect(JSON.stringify(template.toJSON())).not.toContain('UpdateTaskProtection');
});

describe('with nothing but what is required', () => {
  const { stack, worker, template } = workerWith();
  const definition = only(template, 'AWS::ECS::TaskDefinition').resource;

  test('Celery works on the default queue, sized by the profile and limited by the queue', () => {
    expect(containerOf(definition).Command).toEqual([
      ...['celery', '--app', 'config', 'worker', '--queues', 'default', '--concurrency', '1'],
      ...['--prefetch-multiplier', '1', '--time-limit', '1500', '--max-tasks-per-child', '1000'],
      ...['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel', 'INFO'],
    ]);
    expect(definition.Properties).toMatchObject({ Cpu: '512', Memory: '1024' });
    expect(worker.queueNames).toEqual(['default']);
    expect(worker.concurrency).toBe(1);
    expect(worker.connectionsPerTask).toBe(1);
  });

  test('it has two minutes to finish and is alive while it touches its file', () => {
    expect(containerOf(definition).StopTimeout).toBe(120);
    expect(variable(definition, 'CELERY_LIVENESS_FILE')).toBe('/tmp/celery-liveness');
    expect(containerOf(definition).HealthCheck.Command[3]).toContain('CELERY_LIVENESS_FILE');
  });

  test('runtime/ knows when the task is killed, and which process it is', () => {
    expect(variable(definition, 'DJANGO_FARGATE_PROCESS')).toBe('worker');
    expect(variable(definition, 'DJANGO_FARGATE_STOP_TIMEOUT')).toBe('120');
  });

  test('a Celery task that outlives that protects its ECS task from scale-in, in this cluster alone', () => {
    expect(variable(definition, 'DJANGO_FARGATE_TASK_PROTECTION')).toBe('1500');
    const protects = statementsOf(template, 'Worker').filter(({ Action }) =>
      [Action].flat().includes('ecs:UpdateTaskProtection'),
    );
    expect(protects).toHaveLength(1);
    const cluster = stack.resolve(worker.service.cluster.clusterName).Ref;
    expect(JSON.stringify(protects[0].Resource)).toContain(`:task/",{"Ref":"${cluster}"},"/*"`);
  });

  test('production runs one to fifty tasks, not on Spot, and rolls back what fails', () => {
    expect([worker.minCapacity, worker.maxCapacity]).toEqual([1, 50]);
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 1, MaxCapacity: 50 });
    template.hasResourceProperties('AWS::ECS::Service', {
      LaunchType: 'FARGATE',
      DesiredCount: Match.absent(),
      DeploymentConfiguration: {
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      AvailabilityZoneRebalancing: 'DISABLED',
    });
  });

  test('a minute of waiting at five seconds a task is twelve messages for each process', () => {
    expect(targetOf({})).toBe(12);
    expect(targetOf({ concurrency: 3 })).toBe(36);
  });

  test('the observers can read it', () => {
    const running = worker.metricRunningTasks();
    expect(running).toMatchObject({ namespace: 'AWS/ECS', metricName: 'CPUUtilization', statistic: 'SampleCount' });
    expect(running.period.toSeconds()).toBe(60);
    expect(worker.metricRunningTasks({ label: 'running' }).label).toBe('running');
    expect(stack.resolve(running.dimensions)).toEqual({
      ClusterName: stack.resolve(worker.service.cluster.clusterName),
      ServiceName: stack.resolve(worker.service.serviceName),
    });
    expect(worker.metricCpuUtilization().metricName).toBe('CPUUtilization');
    expect(worker.metricMemoryUtilization({ period: Duration.minutes(1) }).period.toSeconds()).toBe(60);
    expect(worker.metricBacklogPerTask({ label: 'backlog' }).label).toBe('backlog');
    expect(worker.connections.securityGroups).toHaveLength(1);
  });
});

describe('scaling', () => {
  const { stack, template } = workerWith({ queueNames: ['default', 'reports'], backlogPerTask: 7 });
  const policy = only(template, 'AWS::ApplicationAutoScaling::ScalingPolicy');
  const [tooFew, tooMany] = ['TooFew', 'TooMany'].map((name) => alarmOf(template, name));

  test('reads the messages, waiting and held, of every queue, and the number of CPU samples of the service', () => {
    const { reports } = (stack.node.findChild('Broker') as CeleryBroker).queues;
    const read = tooFew.Metrics.flatMap(({ MetricStat }: { MetricStat?: object }) => MetricStat ?? []);
    expect(read).toHaveLength(5);
    expect(read).toContainEqual({
      Stat: 'Maximum',
      Period: 60,
      Metric: {
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateNumberOfMessagesNotVisible',
        Dimensions: [{ Name: 'QueueName', Value: stack.resolve(reports.queue.queueName) }],
      },
    });
    expect(read).toContainEqual(
      expect.objectContaining({
        Stat: 'SampleCount',
        Metric: expect.objectContaining({ Namespace: 'AWS/ECS', MetricName: 'CPUUtilization' }),
      }),
    );
  });

  test('one policy sets the number of tasks, and both alarms call it', () => {
    expect(policy.resource.Properties).toMatchObject({
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ExactCapacity',
        MetricAggregationType: 'Maximum',
        Cooldown: 60,
      },
    });
    const arn = { 'Fn::GetAtt': [policy.id, 'Arn'] };
    expect([tooFew.AlarmActions, tooMany.AlarmActions]).toEqual([[arn], [arn]]);
  });

  test('adds tasks after a minute and takes them away after five', () => {
    expect([tooFew.EvaluationPeriods, tooMany.EvaluationPeriods]).toEqual([1, 5]);
    expect([tooFew.Threshold, tooMany.Threshold]).toEqual([0, 0]);
  });

  test.each([
    [{}, 20, 50],
    [{ minCapacity: 0 }, 20, 50],
    [{ maxCapacity: 6 }, 6, 6],
    [{ minCapacity: 7, maxCapacity: 600 }, 20, 600],
  ])('with %j the steps cover every number of tasks, upwards', (options, steps, most) => {
    const { resource } = only(workerWith(options).template, 'AWS::ApplicationAutoScaling::ScalingPolicy');
    const { StepAdjustments } = resource.Properties.StepScalingPolicyConfiguration;
    expect(StepAdjustments).toHaveLength(steps);
    const least = (options as WorkerServiceOptions).minCapacity ?? 1;
    const numberFor = (wanted: number) =>
      StepAdjustments.filter(
        (step: { MetricIntervalLowerBound: number; MetricIntervalUpperBound?: number }) =>
          step.MetricIntervalLowerBound < wanted && wanted < (step.MetricIntervalUpperBound ?? Infinity),
      ).map(({ ScalingAdjustment }: { ScalingAdjustment: number }) => ScalingAdjustment);
    for (let wanted = Math.max(1, least); wanted <= most; wanted++) {
      const [set, ...others] = numberFor(wanted);
      expect(others).toEqual([]);
      expect(set).toBeGreaterThanOrEqual(wanted);
      expect(set).toBeLessThanOrEqual(most);
      expect(numberFor(set)).toEqual([set]);
    }
  });

  test('the target follows from the acceptable latency and the duration of a task', () => {
    expect(
      targetOf({ acceptableLatency: Duration.minutes(5), taskDuration: Duration.seconds(30), concurrency: 2 }),
    ).toBe(20);
  });

  test('there is no policy where the number of tasks is fixed', () => {
    const fixed = workerWith({ minCapacity: 3, maxCapacity: 3 }).template;
    fixed.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 0);
    fixed.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 3, MaxCapacity: 3 });
  });
});

describe('a deployment', () => {
  test('is rolled back by more than five new letters in a minute, however many are there', () => {
    const { stack, template } = workerWith();
    const alarm = deploymentAlarmOf(template);
    const { deadLetterQueue } = (stack.node.findChild('Broker') as CeleryBroker).queues.default;
    const { Metrics, ...properties } = alarm.resource.Properties;
    expect(properties).toMatchObject({
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 5,
      TreatMissingData: 'notBreaching',
    });
    const [growth, letters] = Metrics;
    expect(growth.Expression).toBe('DIFF(FILL(FILL(letters0, REPEAT), 0))');
    expect(letters.MetricStat.Metric).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: stack.resolve(deadLetterQueue?.queueName) }],
    });
    template.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: { Alarms: { AlarmNames: [{ Ref: alarm.id }], Enable: true, Rollback: true } },
    });
  });

  test('is watched by one alarm however many queues there are', () => {
    const { template } = workerWith({ queueNames: ['default', 'reports', 'express'] });
    const [sum] = deploymentAlarmOf(template).resource.Properties.Metrics;
    expect(sum.Expression).toBe(
      'DIFF(FILL(FILL(letters0, REPEAT), 0) + FILL(FILL(letters1, REPEAT), 0) + FILL(FILL(letters2, REPEAT), 0))',
    );
  });

  test('is watched by none where no dead-letter queue is known', () => {
    const stack = testStack();
    const { broker: _, ...props } = celeryProps(stack);
    const theirs = TaskQueue.fromTaskQueueAttributes(stack, 'Theirs', {
      queue: Queue.fromQueueArn(stack, 'TheirQueue', 'arn:aws:sqs:eu-west-1:111122223333:theirs'),
      visibilityTimeout: Duration.hours(1),
    });
    const broker = new CeleryBroker(stack, 'OtherBroker', { existingQueues: { theirs } });
    new WorkerService(stack, 'Worker', { ...props, broker });
    const template = templateOf(stack);
    expect(Object.keys(template.findResources('AWS::CloudWatch::Alarm')).join()).not.toContain('DeploymentAlarm');
    template.hasResourceProperties('AWS::ECS::Service', { DeploymentConfiguration: { Alarms: { Enable: false } } });
  });
});

describe('with everything given', () => {
  const stack = testStack();
  const props = celeryProps(stack);
  const brought = broughtProps(stack, props);
  const worker = new WorkerService(stack, 'Worker', {
    ...props,
    ...brought,
    queueNames: ['reports', 'express'],
    application: 'shop.tasks:celery',
    concurrency: 4,
    healthCheck: ContainerHealthCheck.none(),
    minCapacity: 2,
    maxCapacity: 3,
    cpu: 1024,
    memoryLimitMiB: 2048,
    stopTimeout: Duration.seconds(60),
    spot: true,
    cpuArchitecture: CpuArchitecture.X86_64,
  });
  const template = templateOf(stack);
  const definition = only(template, 'AWS::ECS::TaskDefinition').resource;

  test('the worker is as said', () => {
    const command = containerOf(definition).Command.join(' ');
    expect(command).toContain('celery --app shop.tasks:celery worker --queues reports,express --concurrency 4 ');
    expect(containerOf(definition)).toMatchObject({ StopTimeout: 60 });
    expect(containerOf(definition).HealthCheck).toBeUndefined();
    expect(variable(definition, 'SENTRY_ENVIRONMENT')).toBe('test');
    expect(worker.connectionsPerTask).toBe(4);
    expect(definition.Properties.RuntimePlatform.CpuArchitecture).toBe('X86_64');
  });

  test('the shortest time limit of its queues holds for all tasks', () => {
    expect(containerOf(definition).Command.join(' ')).toContain('--time-limit 4 ');
  });

  test('it runs on Spot, once the cluster knows Spot', () => {
    const { resource } = only(template, 'AWS::ECS::Service');
    expect(resource.Properties.CapacityProviderStrategy).toEqual([{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }]);
    expect(resource.DependsOn).toContain(only(template, 'AWS::ECS::ClusterCapacityProviderAssociations').id);
  });

  test('it uses the security group that it is given', () => {
    expect(worker.connections.securityGroups).toEqual([brought.securityGroup]);
  });
});

describe('wiring', () => {
  const { stack, template } = workerWith({ queueNames: ['reports'] });
  const { queues } = stack.node.findChild('Broker') as CeleryBroker;
  const statements = statementsOf(template, 'WorkerTaskTaskRole');

  function resourcesOf(action: string) {
    return statements.filter(({ Action }) => [Action].flat().includes(action)).map(({ Resource }) => Resource);
  }

  test('it receives from its own queues and sends to all', () => {
    expect(resourcesOf('sqs:ReceiveMessage')).toEqual([stack.resolve(queues.reports.queue.queueArn)]);
    for (const { queue } of Object.values(queues)) {
      expect(resourcesOf('sqs:SendMessage')).toContainEqual(stack.resolve(queue.queueArn));
    }
  });

  test('the service waits for its permissions and routes', () => {
    const { DependsOn } = only(template, 'AWS::ECS::Service').resource;
    const policies = Object.keys(template.findResources('AWS::IAM::ManagedPolicy'));
    const routes = Object.keys(template.findResources('AWS::EC2::Route')).filter((id) => id.includes('Private'));
    expect(DependsOn).toEqual(expect.arrayContaining([...policies, ...routes]));
  });

  test('the alarm does not read what the service itself reports', () => {
    const alarm = JSON.stringify(deploymentAlarmOf(template).resource);
    expect(alarm).not.toContain(only(template, 'AWS::ECS::Service').id);
  });
});

test('development runs one on Spot', () => {
  const { template, worker } = workerWith({ profile: Profile.development() });
  template.hasResourceProperties('AWS::ECS::Service', {
    CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }],
  });
  expect([worker.minCapacity, worker.maxCapacity]).toEqual([1, 1]);
  template.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 0);
});

test('a command of the user replaces Celery', () => {
  expect(commandOf({ command: ['python', 'consume.py'] })).toBe('python consume.py');
});

test('a base on demand comes before what runs on Spot', () => {
  const { template } = workerWith({ spot: true, spotBase: 1 });
  template.hasResourceProperties('AWS::ECS::Service', {
    CapacityProviderStrategy: [
      { CapacityProvider: 'FARGATE', Base: 1, Weight: 1 },
      { CapacityProvider: 'FARGATE_SPOT', Weight: 1000 },
    ],
  });
});

test('fails when a negative number of tasks is asked for, and says all other problems too', () => {
  const message = errorOf(() =>
    workerWith({ minCapacity: -1, queueNames: ['defualt'], taskDuration: Duration.minutes(2) }),
  );
  expect(message.split('\n')).toEqual([
    expect.stringContaining('Shop/Worker: `minCapacity` must be a whole number from 0 to 5000, got -1.'),
    expect.stringContaining('`queueNames` must be queues of the broker: default, reports, express, got "defualt".'),
    expect.stringContaining('`taskDuration` must be at most `acceptableLatency`, 60 seconds, got 2 minutes.'),
  ]);
});

test.each(['minCapacity', 'maxCapacity'] as const)('fails when only the deployment knows `%s`', (prop) => {
  // The steps of the policy and the count of connections follow from it.
  const message = errorOf(() => workerWith({ [prop]: Token.asNumber(Fn.importValue('Tasks')) }));
  expect(message).toContain(`Shop/Worker: \`${prop}\` must be known at synthesis`);
  expect(message).toContain('write it out, or read it from the context or the environment.');
});

test('fails when only the deployment knows the most tasks of a profile', () => {
  const message = errorOf(() => Profile.production({ workerMaxCapacity: Token.asNumber(Fn.importValue('Tasks')) }));
  expect(message).toContain('`workerMaxCapacity` must be known at synthesis');
});
