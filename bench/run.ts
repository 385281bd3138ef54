import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * What every file of this folder exports.
 *
 * It prints its figures, and throws or sets the exit code when they miss their limit.
 */
interface Benchmark {
  run(): void | Promise<void>;
}

/** The benchmarks there are: a file each, beside this one. */
function benchmarks(): string[] {
  return readdirSync(__dirname)
    .filter((file) => file.endsWith('.ts') && file !== basename(__filename))
    .map((file) => basename(file, '.ts'))
    .sort();
}

async function main(name: string | undefined): Promise<void> {
  const names = benchmarks();
  if (name === undefined || !names.includes(name)) {
    console.error(`Usage: npm run bench -- NAME, where NAME is one of: ${names.join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const benchmark: Benchmark = await import(join(__dirname, `${name}.ts`));
  await benchmark.run();
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
