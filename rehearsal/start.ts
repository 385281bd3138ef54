import './supported-node';

import { command } from './cli';
import { CDN, cacheFolder, type Example, HOSTS, ROOT, SHOP, synthesize } from './synth';

/** `npm start`: the rehearsal from a clone of the repository, which has an example. */
command(process.argv.slice(2), {
  typed: 'npm start --',
  cache: cacheFolder(),
  mode: 'processes',
  otherwise: "the example's",
  assembly: () => exampleAssembly(SHOP),
  others: { hosts: () => exampleAssembly(HOSTS), cdn: () => exampleAssembly(CDN) },
});

function exampleAssembly(example: Example): Promise<string> {
  process.stdout.write('synthesizing the example\n');
  return synthesize(example, ROOT, cacheFolder());
}
