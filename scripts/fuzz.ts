import { parseArgs } from 'node:util';
import { checkConfigurations } from './properties';

/**
 * `npm run fuzz`: 2,000 random valid configurations, from a new seed unless one is given:
 * `npm run fuzz -- --seed 42 --configurations 100`.
 */
const { values } = parseArgs({
  options: { seed: { type: 'string' }, configurations: { type: 'string', default: '2000' } },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const start = Date.now();
process.stdout.write(`seed ${seed}\n`);
try {
  const passed = checkConfigurations(Number(values.configurations), seed);
  process.stdout.write(`${((Date.now() - start) / 1000).toFixed(0)} s\n${passed} passed, 0 failed\n`);
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n0 passed, 1 failed\n`);
  process.exitCode = 1;
}
