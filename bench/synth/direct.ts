import { App, type AppProps, Stack } from 'aws-cdk-lib';
import { backups } from './direct-backup';
import { database } from './direct-database';
import { edge } from './direct-edge';
import { foundation } from './direct-foundation';
import { processes } from './direct-processes';
import { queues } from './direct-queues';
import { refresh } from './direct-refresh';
import { rotations } from './direct-rotation';
import { watch } from './direct-watch';

/**
 * The resources of the production example, written with plain aws-cdk-lib and none of our constructs: what `npm run bench -- synth`
 * compares the library with. test/bench.test.ts holds the two templates against each other, resource by resource.
 */
export function directExample(props: AppProps = {}): { app: App; stack: Stack } {
  const app = new App(props);
  const stack = new Stack(app, 'Shop', { terminationProtection: true, suppressTemplateIndentation: true });
  const base = foundation(stack);
  const data = database(stack, base);
  const broker = queues(stack, base);
  const door = edge(stack, base);
  const running = processes(stack, base, data, broker, door);
  const rotating = rotations(stack, base, data, running.secretKey);
  const services = [running.web, running.asgi, ...running.workers, running.beat].map(({ service }) => service);
  const refreshing = refresh(stack, base, [running.secretKey, data.applicationSecret], services);
  const vault = backups(stack, base, data);
  watch(stack, { base, data, broker, door, running, rotating, refreshing, vault });
  return { app, stack };
}
