import { Duration, type Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage, CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import type { CfnListenerRule } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { calculate } from '../../bench/aws/metric-math';
import { Profile } from '../../constructs/core/profile';
import { ContainerHealthCheck } from '../../constructs/processes/container-health-check';
import { WebService, type WebServiceProps } from '../../constructs/processes/web-service';
import { Annotations, errorOf, Match, only, templateOf, testStack } from '../support';
import { loadBalancerFor, processProps } from './support';

function webService(props: Partial<WebServiceProps> = {}) {
  const stack = testStack();
  const common = processProps(stack);
  const loadBalancer = loadBalancerFor(stack, common);
  const web = new WebService(stack, 'Web', { ...common, loadBalancer, ...props });
  return { stack, web, loadBalancer };
}

function containerOf(stack: Stack) {
  return only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[0];
}

function environmentOf(stack: Stack): { [name: string]: unknown } {
  const { Environment } = containerOf(stack);
  return Object.fromEntries(Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [Name, Value]));
}

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
function policiesOf(stack: Stack): any[] {
  return Object.values(templateOf(stack).findResources('AWS::ApplicationAutoScaling::ScalingPolicy')).map(
    ({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration,
  );
}

/** What the policies track, and the value that each holds. */
function trackedBy(stack: Stack): { [metric: string]: number } {
  return Object.fromEntries(
    policiesOf(stack).map(({ PredefinedMetricSpecification, CustomizedMetricSpecification, TargetValue }) => [
      PredefinedMetricSpecification?.PredefinedMetricType ?? CustomizedMetricSpecification.Metrics[2].Expression,
      TargetValue,
    ]),
  );
}

describe('WebService, minimal', () => {
  const { stack, web, loadBalancer } = webService();
  const template = templateOf(stack);

  test('runs gunicorn with threads, kept alive longer than the load balancer keeps a connection', () => {
    expect(containerOf(stack).Command).toEqual([
      'gunicorn',
      'shop.wsgi:application',
      ...['--bind', '0.0.0.0:8000', '--worker-class', 'gthread', '--threads', '24', '--keep-alive', '75'],
      ...['--graceful-timeout', '30', '--timeout', '30', '--max-requests', '10000', '--max-requests-jitter', '1000'],
      ...['--worker-tmp-dir', '/tmp', '--forwarder-headers=', '--access-logfile', '-'],
      ...['--access-logformat', '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)s "%(a)s"'],
    ]);
  });

  test('believes no header of a client, and logs neither query strings nor referring addresses', () => {
    const { Command } = containerOf(stack);
    expect(Command).toContain('--forwarder-headers=');
    const format = Command[Command.indexOf('--access-logformat') + 1];
    expect(format.match(/%\((\w+)\)s/g)).not.toEqual([]);
    expect(format).not.toMatch(/%\([rqf]\)s|\{/);
  });

  test('has the size, processes and stop timeout of the production profile', () => {
    const { Properties } = only(template, 'AWS::ECS::TaskDefinition').resource;
    expect(Properties).toMatchObject({ Cpu: '512', Memory: '1024' });
    expect(containerOf(stack).StopTimeout).toBe(45);
    expect(environmentOf(stack)).toMatchObject({ WEB_CONCURRENCY: '2', PORT: '8000' });
  });

  test('is hardened: read-only root, tmpfs for /tmp, no root user, no capabilities, an init process', () => {
    expect(containerOf(stack)).toMatchObject({
      ReadonlyRootFilesystem: true,
      User: '10001:10001',
      LinuxParameters: {
        InitProcessEnabled: true,
        Capabilities: { Drop: ['ALL'] },
        Tmpfs: [{ ContainerPath: '/tmp', Size: 128, MountOptions: ['rw', 'nosuid', 'nodev', 'noexec'] }],
      },
    });
  });

  test('runs on ARM64', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
    });
  });

  test('never lets a full log buffer stop the application', () => {
    expect(containerOf(stack).LogConfiguration.Options).toMatchObject({
      mode: 'non-blocking',
      'max-buffer-size': '26214400b',
    });
  });

  test('tells Django its host names and whose forwarded headers to believe', () => {
    expect(environmentOf(stack)).toMatchObject({
      DJANGO_SETTINGS_MODULE: 'shop.settings.production',
      DJANGO_ALLOWED_HOSTS: 'shop.example.com',
      DJANGO_CSRF_TRUSTED_ORIGINS: 'https://shop.example.com',
      FORWARDED_ALLOW_IPS: stack.resolve(web.service.cluster.vpc.vpcCidrBlock),
      HOME: '/tmp',
    });
  });

  test('is reached by its host names only, on its own rule', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
      ListenerArn: stack.resolve(loadBalancer.listener.listenerArn),
      Priority: 200,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['shop.example.com'] } }],
      Actions: [{ Type: 'forward', TargetGroupArn: stack.resolve(web.targetGroup.targetGroupArn) }],
    });
  });

  test('is healthy when /healthz answers 200, and drains for 15 seconds', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      HealthCheckPath: '/healthz',
      Matcher: { HttpCode: '200' },
      TargetGroupAttributes: Match.arrayWith([{ Key: 'deregistration_delay.timeout_seconds', Value: '15' }]),
    });
    const { Command } = containerOf(stack).HealthCheck;
    expect(Command.slice(0, 3)).toEqual(['CMD', 'python', '-c']);
    expect(Command.slice(4)).toEqual(['http://127.0.0.1:8000/healthz']);
  });

  test('rolls a deployment back on failed tasks and on its alarm', () => {
    const alarm = only(template, 'AWS::CloudWatch::Alarm');
    template.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: {
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        Alarms: { AlarmNames: [{ Ref: alarm.id }], Enable: true, Rollback: true },
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
      },
    });
  });

  test('leaves the number of tasks to scaling, from two to four', () => {
    expect(only(template, 'AWS::ECS::Service').resource.Properties.DesiredCount).toBeUndefined();
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 2, MaxCapacity: 4 });
  });

  test('holds 60 % of CPU and 1,000 requests a task and minute, and gives a new task a minute to become healthy', () => {
    expect(trackedBy(stack)).toMatchObject({
      ECSServiceAverageCPUUtilization: 60,
      ALBRequestCountPerTarget: 1000,
    });
    template.hasResourceProperties('AWS::ECS::Service', { HealthCheckGracePeriodSeconds: 60 });
  });

  test('holds half of its threads busy: requests of a target times the seconds of each, for 2 × 24 threads', () => {
    expect(trackedBy(stack)).toEqual({
      ECSServiceAverageCPUUtilization: 60,
      ALBRequestCountPerTarget: 1000,
      '100 * FILL(FILL(requests, REPEAT), 0) * FILL(FILL(seconds, REPEAT), 0) / 60 / (2 * 24)': 50,
    });
    const metrics = policiesOf(stack).flatMap(
      ({ CustomizedMetricSpecification: custom }) => custom?.Metrics.slice(0, 2) ?? [],
    );
    const dimensions = [
      { Name: 'TargetGroup', Value: stack.resolve(web.targetGroup.targetGroupFullName) },
      { Name: 'LoadBalancer', Value: stack.resolve(loadBalancer.metricRequestCount().dimensions?.LoadBalancer) },
    ];
    expect(metrics.map(({ Id, MetricStat: { Metric, Stat } }) => [Id, Metric.MetricName, Stat])).toEqual([
      ['requests', 'RequestCountPerTarget', 'Sum'],
      ['seconds', 'TargetResponseTime', 'Average'],
    ]);
    for (const { MetricStat } of metrics) {
      expect(MetricStat.Metric.Dimensions).toEqual(expect.arrayContaining(dimensions));
      expect(MetricStat.Metric.Namespace).toBe('AWS/ApplicationELB');
    }
  });

  test.each([
    // 48 threads a task: requests of a target and minute, seconds of each, percent worked out by hand.
    ['24 requests that wait for 30 seconds, on two tasks', 24, 30, 25],
    ['pages of 50 ms at the 1,000 a minute that scaling holds', 1000, 0.05, 1.7361],
    ['every thread busy for half a minute, twice a minute', 96, 30, 100],
    ['as many that wait for a thread: a minute each', 96, 60, 200],
    ['nobody, for as long as CloudWatch repeats the last value', undefined, undefined, 0],
  ])('counts threads that are busy: %s', (_, requests, seconds, percent) => {
    const [expression] = Object.keys(trackedBy(stack)).filter((metric) => metric.includes('seconds'));
    expect(calculate(expression, (id) => (id === 'requests' ? requests : seconds))).toBeCloseTo(percent, 3);
  });

  test('tells busy from dead: eight looks of the load balancer in a row, every 5 seconds, and ten of ECS every 15', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      HealthCheckIntervalSeconds: 5,
      HealthCheckTimeoutSeconds: 4,
      UnhealthyThresholdCount: 8,
    });
    expect(containerOf(stack).HealthCheck).toMatchObject({ Interval: 15, Timeout: 5, Retries: 10, StartPeriod: 60 });
  });

  test('has no public address in private subnets', () => {
    template.hasResourceProperties('AWS::ECS::Service', {
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    });
  });

  test('counts four connections a process, and tells it so', () => {
    expect(web.connectionsPerTask).toBe(8);
    expect(environmentOf(stack)).toMatchObject({ DJANGO_FARGATE_CONNECTIONS: '4' });
    expect([web.minCapacity, web.maxCapacity]).toEqual([2, 4]);
  });

  test('waits for its permissions, its routes and its listener rule', () => {
    const { DependsOn } = only(template, 'AWS::ECS::Service').resource;
    const ids = (type: string) => Object.keys(template.findResources(type));
    expect(DependsOn).toContain(stack.getLogicalId(web.node.findChild('Rule').node.defaultChild as CfnListenerRule));
    expect(DependsOn).toEqual(expect.arrayContaining(ids('AWS::IAM::ManagedPolicy')));
    expect(DependsOn.some((id: string) => /PrivateSubnet\dDefaultRoute/.test(id))).toBe(true);
  });

  test('measures requests, response time and errors of its own target group', () => {
    const TargetGroup = stack.resolve(web.targetGroup.targetGroupFullName);
    for (const metric of [web.metricRequests(), web.metricResponseTime(), web.metricServerErrors()]) {
      expect(stack.resolve(metric.dimensions)).toMatchObject({ TargetGroup });
    }
  });
});

describe('WebService, with everything changed', () => {
  test('may stop sooner with its own command: its graceful timeout is not ours to judge', () => {
    const props = { command: ['granian', 'shop.wsgi:application'], stopTimeout: Duration.seconds(20) };
    expect(() => webService(props)).not.toThrow();
  });

  test('takes its own command, size, processes, paths of health and number of tasks', () => {
    const { stack } = webService({
      command: ['granian', 'shop.wsgi:application'],
      cpu: 1024,
      memoryLimitMiB: 4096,
      processes: 5,
      threads: 2,
      minCapacity: 3,
      maxCapacity: 9,
      healthCheckPath: '/up',
      healthCheck: ContainerHealthCheck.none(),
      priority: 7,
      cpuArchitecture: CpuArchitecture.X86_64,
      environment: { SENTRY_ENVIRONMENT: 'production' },
    });
    const container = containerOf(stack);
    expect(container.Command).toEqual(['granian', 'shop.wsgi:application']);
    expect(container.HealthCheck).toBeUndefined();
    expect(environmentOf(stack)).toMatchObject({ WEB_CONCURRENCY: '5', SENTRY_ENVIRONMENT: 'production' });
    const template = templateOf(stack);
    template.hasResourceProperties('AWS::ECS::TaskDefinition', { RuntimePlatform: { CpuArchitecture: 'X86_64' } });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', { HealthCheckPath: '/up' });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', { Priority: 7 });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 3, MaxCapacity: 9 });
  });

  test('knows how many requests its own command works on only if it is told', () => {
    const policies = (props: Partial<WebServiceProps>) =>
      Object.keys(trackedBy(webService({ command: ['granian', 'shop.wsgi:application'], ...props }).stack));
    expect(policies({})).toHaveLength(2);
    expect(policies({ processes: 1, threads: 8 })).toContainEqual(expect.stringMatching(/ \/ 60 \/ \(1 \* 8\)$/));
    expect(policies({ connectionsPerProcess: 48 })).toHaveLength(2); // more than gunicorn has threads
  });

  test('counts the connections that it is told, and never more than there are threads', () => {
    const counted = (props: Partial<WebServiceProps>) => webService({ processes: 1, ...props }).web.connectionsPerTask;
    expect(counted({ connectionsPerProcess: 16 })).toBe(16);
    expect(counted({ threads: 2 })).toBe(2);
    expect(counted({ threads: 64 })).toBe(4);
    expect(errorOf(() => counted({ threads: 8, connectionsPerProcess: 9 }))).toMatch(
      /^Shop\/Web: `connectionsPerProcess` must be .* from 1 to 8 as the requests that one process works on at once, got 9\. Leave it out for 4, .*, or raise `threads`\.$/,
    );
  });

  test('follows the development profile', () => {
    const { stack, web } = webService({ profile: Profile.development() });
    templateOf(stack).hasResourceProperties('AWS::ECS::TaskDefinition', { Cpu: '256', Memory: '512' });
    expect([web.minCapacity, web.maxCapacity]).toEqual([1, 1]);
  });

  test.each<[string, Partial<WebServiceProps>, boolean]>([
    ['on Spot', {}, true],
    ['on demand where it is told to', { spot: false }, false],
    ['on demand where requests take longer than the notice', { longestRequest: Duration.seconds(90) }, false],
  ])('runs in development %s', (_, props, onSpot) => {
    const { stack } = webService({ profile: Profile.development(), ...props });
    const { CapacityProviderStrategy, LaunchType } = only(templateOf(stack), 'AWS::ECS::Service').resource.Properties;
    const providers = [CapacityProviderStrategy?.[0].CapacityProvider, LaunchType];
    expect(providers).toEqual(onSpot ? ['FARGATE_SPOT', undefined] : [undefined, 'FARGATE']);
  });

  test('has no policies, each of which has two alarms, where the number of tasks cannot change', () => {
    expect(policiesOf(webService({ minCapacity: 2, maxCapacity: 2 }).stack)).toEqual([]);
    expect(policiesOf(webService({ minCapacity: 2, maxCapacity: 3 }).stack)).toHaveLength(3);
  });

  test('runs the same health check whatever the path: it is an argument of the program', () => {
    const programs = ['/healthz', "/a'b?c=(d)", '/%27;id'].map((healthCheckPath) => {
      const { Command } = containerOf(webService({ healthCheckPath }).stack).HealthCheck;
      expect(Command[4]).toBe(`http://127.0.0.1:8000${healthCheckPath}`);
      return Command[3];
    });
    expect(new Set(programs).size).toBe(1);
  });

  test('on Spot, waits for the association of the cluster with the capacity provider', () => {
    const { stack } = webService({ spot: true, deregistrationDelay: Duration.seconds(20) });
    const template = templateOf(stack);
    const service = only(template, 'AWS::ECS::Service').resource;
    expect(service.Properties.CapacityProviderStrategy).toEqual([{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }]);
    expect(service.DependsOn).toContain(only(template, 'AWS::ECS::ClusterCapacityProviderAssociations').id);
  });

  test('with ECS Exec, gives up the read-only root and says so', () => {
    const { stack } = webService({ enableExecuteCommand: true });
    expect(containerOf(stack).ReadonlyRootFilesystem).toBe(false);
    Annotations.fromStack(stack).hasWarning('/Shop/Web', Match.stringLikeRegexp('read-only root.* is root in the'));
  });

  test('in a VPC without NAT, runs in public subnets with a public address and no inbound rule but the load balancer’s', () => {
    const stack = testStack();
    const vpc = new Vpc(stack, 'Vpc', { natGateways: 0, maxAzs: 2, restrictDefaultSecurityGroup: false });
    const common = {
      cluster: new Cluster(stack, 'Cluster', { vpc }),
      image: ContainerImage.fromRegistry('example/shop'),
      settingsModule: 'shop.settings',
    };
    new WebService(stack, 'Web', { ...common, loadBalancer: loadBalancerFor(stack, common) });
    const template = templateOf(stack);
    template.hasResourceProperties('AWS::ECS::Service', {
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          AssignPublicIp: 'ENABLED',
          Subnets: stack.resolve(vpc.publicSubnets.map(({ subnetId }) => subnetId)),
        },
      },
    });
    for (const { Properties } of Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))) {
      expect(Properties.SourceSecurityGroupId).toBeDefined();
    }
  });

  test('two services cannot take the same priority of one load balancer', () => {
    const stack = testStack();
    const common = processProps(stack);
    const loadBalancer = loadBalancerFor(stack, common);
    new WebService(stack, 'Web', { ...common, loadBalancer });
    expect(errorOf(() => new WebService(stack, 'Second', { ...common, loadBalancer }))).toMatch(
      /^Shop\/Second: `priority` must be used once on a load balancer, got 200\. Give/,
    );
    expect(() => new WebService(stack, 'Third', { ...common, loadBalancer, priority: 201 })).not.toThrow();
  });

  test('keep-alive follows the idle timeout of the load balancer', () => {
    const stack = testStack();
    const common = processProps(stack);
    const loadBalancer = loadBalancerFor(stack, common, { idleTimeout: Duration.seconds(120) });
    new WebService(stack, 'Web', { ...common, loadBalancer });
    const { Command } = containerOf(stack);
    expect(Command[Command.indexOf('--keep-alive') + 1]).toBe('135');
  });
});
