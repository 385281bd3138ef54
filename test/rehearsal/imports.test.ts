import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { dependencies } from '../../rehearsal/package.json';

const ROOT = path.join(__dirname, '..', '..', 'rehearsal');

/** What a file imports, by the name that is written there. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:(?<![\w'.])from\s+|import\(\s*|require\(\s*)'([^'\n]+)'/g)].map(([, name]) => name);
}

test('the rehearsal imports its own files, its own dependencies and Node, and nothing of the library', () => {
  const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.(ts|cjs|mjs)$/.test(file) && !/node_modules|^dist\//.test(file),
  );
  const allowed = new Set([...Object.keys(dependencies), ...builtinModules.map((name) => `node:${name}`)]);
  const foreign = files.flatMap((file) =>
    importsOf(file)
      .filter((name) =>
        name.startsWith('.')
          ? path.relative(ROOT, path.resolve(ROOT, path.dirname(file), name)).startsWith('..')
          : !allowed.has(name),
      )
      .map((name) => `${file}: ${name}`),
  );
  expect(files.length).toBeGreaterThan(50);
  expect(foreign).toEqual([]);
});
