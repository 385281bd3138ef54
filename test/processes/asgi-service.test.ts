import { Size } from 'aws-cdk-lib';
import { AsgiService, type AsgiServiceProps } from '../../constructs/processes/asgi-service';
import { only, templateOf, testStack } from '../support';
import { loadBalancerFor, processProps } from './support';

function asgiService(props: Partial<AsgiServiceProps> = {}) {
  const stack = testStack();
  const common = processProps(stack);
  const asgi = new AsgiService(stack, 'Asgi', { ...common, loadBalancer: loadBalancerFor(stack, common), ...props });
  return { stack, asgi, template: templateOf(stack) };
}

function metricNames(metrics: { MetricStat?: { Metric: { MetricName: string } } }[]) {
  return metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []).sort();
}

describe('AsgiService', () => {
  test('runs uvicorn, which ends its WebSockets in time and hides its name', () => {
    const { template } = asgiService();
    expect(only(template, 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[0]).toMatchObject({
      Command: [
        'uvicorn',
        'shop.asgi:application',
        ...['--host', '0.0.0.0', '--port', '8000', '--timeout-keep-alive', '75', '--timeout-graceful-shutdown', '30'],
        ...['--ws-max-size', '65536', '--ws-max-queue', '4', '--ws-per-message-deflate', 'false'],
        ...['--no-access-log', '--log-level', 'warning', '--no-server-header'],
      ],
      StopTimeout: 45,
    });
  });

  test('takes /ws/* of its host names before the web service does', () => {
    const { template } = asgiService();
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
      Priority: 100,
      Conditions: [
        { Field: 'host-header', HostHeaderConfig: { Values: ['shop.example.com'] } },
        { Field: 'path-pattern', PathPatternConfig: { Values: ['/ws/*'] } },
      ],
    });
  });

  test('with every path it is the only service, and needs no condition on the path', () => {
    const { template } = asgiService({ paths: ['/*'] });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
      Priority: 100,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['shop.example.com'] } }],
    });
  });

  test('is rolled back when its tasks are unhealthy or refuse connections, not when strangers get errors', () => {
    const { Metrics } = only(asgiService().template, 'AWS::CloudWatch::Alarm').resource.Properties;
    expect(metricNames(Metrics)).toEqual([
      'HealthyHostCount',
      'RequestCount',
      'TargetConnectionErrorCount',
      'UnHealthyHostCount',
    ]);
  });

  test('as the only service is rolled back on errors, like a web service', () => {
    const { Metrics } = only(asgiService({ paths: ['/*'] }).template, 'AWS::CloudWatch::Alarm').resource.Properties;
    expect(metricNames(Metrics)).toEqual([
      'HTTPCode_ELB_502_Count',
      'HTTPCode_ELB_504_Count',
      'HTTPCode_Target_5XX_Count',
      'RequestCount',
    ]);
  });

  test('takes another callable, and counts five connections a process unless told', () => {
    const { template, asgi } = asgiService({ application: 'shop.realtime:app', cpu: 2048, memoryLimitMiB: 4096 });
    expect(only(template, 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[0].Command[1]).toBe(
      'shop.realtime:app',
    );
    expect(asgi.connectionsPerTask).toBe(10);
    expect(asgiService({ connectionsPerProcess: 3 }).asgi.connectionsPerTask).toBe(3);
  });

  test('takes larger messages, as far as the memory of a task goes', () => {
    const { template } = asgiService({ webSocketMaxSize: Size.mebibytes(1) });
    const { Command } = only(template, 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[0];
    expect(Command[Command.indexOf('--ws-max-size') + 1]).toBe('1048576');
    expect(() => asgiService({ webSocketMaxSize: Size.mebibytes(2), memoryLimitMiB: 2048 })).not.toThrow();
  });

  test('takes four path patterns beside one host name', () => {
    expect(() => asgiService({ paths: ['/a', '/b', '/c', '/d'] })).not.toThrow();
  });
});
