/**
 * `npm run changes`: 500 random pairs of configurations, before and after a change, deployed one over the
 * other in a model of CloudFormation. From a new seed unless one is given:
 * `npm run changes -- --seed 42 --pairs 100`.
 */
import { parseArgs } from 'node:util';
import { tryPairs } from './pairs';

const { values } = parseArgs({ options: { seed: { type: 'string' }, pairs: { type: 'string', default: '500' } } });
const pairs = Number(values.pairs);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const start = Date.now();
console.log(`seed ${seed}`);
const { deployed, refused, invalid, faults } = tryPairs(pairs, seed);
for (const { pair, problems } of faults) {
  console.log(`FAILED ${pair.changed.join(', ')}: ${problems.join('; ')}`);
  console.log(`       ${JSON.stringify(pair.before)}\n       ${JSON.stringify(pair.after)}`);
}
console.log(`${deployed} deployed, ${refused} refused by the guard, ${invalid} refused at synth`);
console.log(`${((Date.now() - start) / 1000).toFixed(0)} s\n${pairs - faults.length} passed, ${faults.length} failed`);
process.exitCode = faults.length === 0 ? 0 : 1;
