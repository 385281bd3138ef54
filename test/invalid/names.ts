import { Size } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoApplication } from '../../constructs/application/django-application';
import { Profile } from '../../constructs/core/profile';
import { AsgiServer } from '../../constructs/processes/servers/asgi-server';
import { WebServer } from '../../constructs/processes/servers/web-server';
import { DjangoStack } from '../../lib/django-stack';
import { DjangoStage } from '../../lib/django-stage';
import type { InvalidCase } from './case';
import { row } from './second-hundred';

/** What no compiler has checked. */
type Untyped = { readonly [name: string]: unknown };
const given = (own: Untyped) => ({
  image: ContainerImage.fromRegistry('shop'),
  settingsModule: 'shop.settings',
  ...own,
});
const site = (name: string, prop: string, own: Untyped) =>
  row(`names of a stack: ${name}`, prop, ({ node }) => new DjangoStack(node.root, 'Site', given(own)));
const whole = (name: string, prop: string, own: Untyped) =>
  row(`names of a whole: ${name}`, prop, (stack) => new DjangoApplication(stack, 'App', given(own)));
const inOptions = (options: string) =>
  whole(`in ${options}`, `${options}.vatRate`, {
    queues: { default: {} },
    [options.split('.')[0]]: options.includes('.') ? { [options.split('.')[1]]: { vatRate: 7 } } : { vatRate: 7 },
  });

/** Names that no prop has: they would have no effect, and only a compiler would say so. */
export const cases: InvalidCase[] = [
  site('a server that belongs to web', 'server', { server: WebServer.gunicorn() }),
  site('storage that belongs to a process', 'temporaryStorage', { temporaryStorage: Size.gibibytes(20) }),
  site('a letter too few', 'databse', { databse: {} }),
  site('null', 'vatRate', { vatRate: null }),
  whole('the name of a domain', 'domainName', { domainName: 'shop.example.com' }),
  whole('a size that belongs to a process', 'cpu', { cpu: 512 }),
  ...['web', 'asgi', 'beat', 'workers.all', 'queues.all', 'scheduledCommands.all'].map(inOptions),
  ...['databaseOptions', 'backupOptions', 'loadBalancerOptions', 'firewallOptions', 'networkOptions'].map(inOptions),
  ...['releaseOptions', 'secretKeyOptions', 'alarmThresholds'].map(inOptions),
  row('names of a stage: a prop of its stack', 'profile', ({ node }) => {
    const props = { application: given({}), profile: Profile.development() };
    new DjangoStage(node.root, 'Stage', props);
  }),
  row('names of a profile: no prop of it', 'wbeCpu', () => Profile.production({ wbeCpu: 512 } as never)),
  row('names of a server: no option of gunicorn', 'thread', () => WebServer.gunicorn({ thread: 4 } as never)),
  row('names of a server: no option with ASGI', 'threads', () => AsgiServer.gunicorn({ threads: 4 } as never)),
];
