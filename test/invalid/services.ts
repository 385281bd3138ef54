import { Duration, Size, type Stack } from 'aws-cdk-lib';
import { Peer, Port } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-ecs';
import { Secret as StoredSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { AsgiService, type AsgiServiceProps } from '../../constructs/processes/asgi-service';
import { Egress } from '../../constructs/processes/egress';
import { WebService, type WebServiceProps } from '../../constructs/processes/web-service';
import { loadBalancerFor, processProps } from '../processes/support';
import type { InvalidCase } from './case';

const web = (name: string, prop: string, props: Partial<WebServiceProps>): InvalidCase => ({
  name: `WebService: ${name}`,
  prop,
  make: (stack) => {
    const common = processProps(stack);
    new WebService(stack, 'Web', { ...common, loadBalancer: loadBalancerFor(stack, common), ...props });
  },
});

const asgi = (name: string, prop: string, props: Partial<AsgiServiceProps>): InvalidCase => ({
  name: `AsgiService: ${name}`,
  prop,
  make: (stack) => {
    const common = processProps(stack);
    new AsgiService(stack, 'Asgi', { ...common, loadBalancer: loadBalancerFor(stack, common), ...props });
  },
});

export const cases: InvalidCase[] = [
  web('CPU that Fargate does not sell', 'cpu', { cpu: 300 }),
  web('CPU that is no number', 'cpu', { cpu: Number.NaN }),
  web('memory that does not go with the CPU', 'memoryLimitMiB', { cpu: 256, memoryLimitMiB: 4096 }),
  web('memory between two steps', 'memoryLimitMiB', { cpu: 256, memoryLimitMiB: 1536 }),
  web('memory that is no number', 'memoryLimitMiB', { memoryLimitMiB: Number.NaN }),
  web('no temporary storage', 'temporaryStorage', { temporaryStorage: Size.gibibytes(0) }),
  web('more temporary storage than Fargate gives beside the image', 'temporaryStorage', {
    temporaryStorage: Size.gibibytes(196),
  }),
  web('a gibibyte and a half of temporary storage', 'temporaryStorage', { temporaryStorage: Size.mebibytes(1536) }),
  web('temporary storage of a few bytes', 'temporaryStorage', { temporaryStorage: Size.bytes(1) }),
  asgi('half a gibibyte of temporary storage', 'temporaryStorage', { temporaryStorage: Size.gibibytes(0.5) }),
  web('no task', 'minCapacity', { minCapacity: 0 }),
  web('a negative number of tasks', 'minCapacity', { minCapacity: -1 }),
  web('half a task', 'maxCapacity', { maxCapacity: 2.5 }),
  web('fewer tasks at most than at least', 'maxCapacity', { minCapacity: 3, maxCapacity: 2 }),
  web('more processes than the memory holds', 'processes', { processes: 9 }),
  web('no process', 'processes', { processes: 0 }),
  web('no thread', 'threads', { threads: 0 }),
  web('no connection', 'connectionsPerProcess', { connectionsPerProcess: 0 }),
  web('more connections than threads', 'connectionsPerProcess', { threads: 8, connectionsPerProcess: 9 }),
  web('a stop timeout above two minutes', 'stopTimeout', { stopTimeout: Duration.seconds(121) }),
  web('a stop timeout of five minutes', 'stopTimeout', { stopTimeout: Duration.minutes(5) }),
  web('a stop timeout below the graceful timeout', 'stopTimeout', { stopTimeout: Duration.seconds(20) }),
  web('a graceful timeout as long as the stop timeout', 'gracefulTimeout', { gracefulTimeout: Duration.seconds(45) }),
  web('a keep-alive as long as the idle timeout', 'keepAlive', { keepAlive: Duration.seconds(60) }),
  web('a keep-alive of gunicorn’s own default', 'keepAlive', { keepAlive: Duration.seconds(2) }),
  web('a health path without a slash', 'healthCheckPath', { healthCheckPath: 'healthz' }),
  web('an empty health path', 'healthCheckPath', { healthCheckPath: '' }),
  web('a health path that is code', 'healthCheckPath', { healthCheckPath: `/x');__import__("os").system("id");('` }),
  web('a health path with a backslash', 'healthCheckPath', { healthCheckPath: '/up\\x' }),
  web('a health path with a line break', 'healthCheckPath', { healthCheckPath: '/up\n' }),
  web('a health path with a broken escape', 'healthCheckPath', { healthCheckPath: '/up%2' }),
  web('a priority of zero', 'priority', { priority: 0 }),
  web('a priority above the limit', 'priority', { priority: 50001 }),
  web('no host name', 'hostNames', { hostNames: [] }),
  web('a host name that is given twice', 'hostNames', { hostNames: ['a.example.com', 'a.example.com'] }),
  web('a wildcard inside a host name', 'hostNames', { hostNames: ['shop-*.example.com'] }),
  web('a host name with a scheme', 'hostNames', { hostNames: ['https://shop.example.com'] }),
  web('a deregistration delay above an hour', 'deregistrationDelay', { deregistrationDelay: Duration.hours(2) }),
  web('more draining than Spot gives time for', 'deregistrationDelay', {
    spot: true,
    deregistrationDelay: Duration.seconds(90),
  }),
  web('scaling at all of the CPU', 'targetCpuPercent', { targetCpuPercent: 100 }),
  web('scaling at no request', 'requestsPerTarget', { requestsPerTarget: 0 }),
  web('no way out at all', 'egress', { egress: [] }),
  web('a way out that is not HTTPS', 'egress', { egress: [Egress.tcp(587, 'SMTP')] }),
  web('HTTPS over UDP alone', 'egress', { egress: [Egress.to(Peer.anyIpv4(), Port.udp(443), 'QUIC')] }),
  web('every port', 'egress', { egress: [Egress.https(), Egress.to(Peer.anyIpv4(), Port.allTraffic(), 'All')] }),
  web('a way out with an apostrophe', 'egress', { egress: [Egress.https(), Egress.tcp(587, "the provider's SMTP")] }),
  web('a settings module with a slash', 'settingsModule', { settingsModule: 'config/settings.py' }),
  web('a callable without a module', 'application', { application: 'application' }),
  web('an empty command', 'command', { command: [] }),
  web('a command with an empty word', 'command', { command: ['gunicorn', ''] }),
  web('an environment value that is not defined', 'environment.SENTRY_DSN', {
    environment: { SENTRY_DSN: process.env.A_VARIABLE_THAT_NOBODY_SETS as string },
  }),
  web('an environment name with a dash', 'environment.SENTRY-DSN', { environment: { 'SENTRY-DSN': 'x' } }),
  {
    name: 'WebService: a name in both environment and secrets',
    prop: 'environment.TOKEN',
    make: (stack: Stack) => {
      const common = processProps(stack);
      new WebService(stack, 'Web', {
        ...common,
        loadBalancer: loadBalancerFor(stack, common),
        environment: { TOKEN: 'x' },
        secrets: { TOKEN: Secret.fromSecretsManager(new StoredSecret(stack, 'Token')) },
      });
    },
  },
  asgi('six path patterns', 'paths', { paths: ['/a', '/b', '/c', '/d', '/e', '/f'] }),
  asgi('five path patterns beside a host name', 'paths', { paths: ['/a', '/b', '/c', '/d', '/e'] }),
  asgi('a path without a slash', 'paths', { paths: ['ws/*'] }),
  asgi('no path', 'paths', { paths: [] }),
  asgi('no connection', 'connectionsPerProcess', { connectionsPerProcess: 0 }),
  asgi('messages of no size', 'webSocketMaxSize', { webSocketMaxSize: Size.bytes(0) }),
  asgi('messages of half a byte', 'webSocketMaxSize', { webSocketMaxSize: Size.bytes(1000.5) }),
  asgi('messages that fill the memory', 'webSocketMaxSize', { webSocketMaxSize: Size.mebibytes(2) }),
  asgi('messages for more memory than there is', 'webSocketMaxSize', {
    memoryLimitMiB: 2048,
    webSocketMaxSize: Size.mebibytes(3),
  }),
];
