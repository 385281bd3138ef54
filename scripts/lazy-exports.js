/**
 * Makes every export of the built package load its file when it is first read, as those of aws-cdk-lib do.
 *
 * An app then pays for the parts that it uses alone: without pipelines, for instance, nothing of CodePipeline
 * is loaded.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const INDEX = join(__dirname, '..', 'dist', 'lib', 'index.js');
const REQUIRED = /^var (\w+) = (require\("[^"]+"\));\n/gm;
const GETTER = /^Object\.defineProperty\(exports, ("\w+"), (.* return )(\w+)(\.\w+; .*)$/gm;

const source = readFileSync(INDEX, 'utf8');
if (!source.includes('var name;')) {
  const files = new Map(Array.from(source.matchAll(REQUIRED), ([, variable, call]) => [variable, call]));
  // Node reads the names for `import { … }` off the text, and passes over a literal name with a getter that
  // it does not know.
  const lazy = source
    .replace(REQUIRED, '')
    .replace(GETTER, (...match) => {
      const [, name, start, variable, end] = match;
      return `Object.defineProperty(exports, name = ${name}, ${start}${files.get(variable)}${end}`;
    })
    .replace('\nObject.', '\nvar name;\nObject.');
  writeFileSync(INDEX, lazy);
}
