import { parseArgs } from 'node:util';
import { readAssembly } from './assembly';
import { cacheFolder, checkRun, summary } from './check-run';
const { values } = parseArgs({ options: { assembly: { type: 'string' }, app: { type: 'string' }, stack: { type: 'string' }, check: { type: 'boolean' }, verbose: { type: 'boolean' }, only: { type: 'string' } } });
(async () => {
  const outcomes = await checkRun({ assembly: readAssembly(values.assembly ?? (await (await import('./synth')).synthesizeExample(process.cwd(), cacheFolder() + '/assembly')), values.stack), cache: cacheFolder(), app: values.app, verbose: !!values.verbose, write: (l) => process.stdout.write(l + '\n'),
    choose: (c) => !values.only || new RegExp(values.only).test(c.name) });
  const { text, passed } = summary(outcomes);
  console.log(text); process.exit(passed ? 0 : 1);
})();
