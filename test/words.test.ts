import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(__dirname, '..');
const FOLDERS = ['bin', 'cli', 'lib', 'constructs', 'rehearsal', 'scripts', 'bench'];
const LONGEST = 110;

/** Phrases that a reader has to read twice, see CONTRIBUTING.md. */
const RIDDLES = /who hears of|what is left out|knows no |made elsewhere|what can be wrong with|ends TLS/i;

/** Comment lines by `file:line`. Examples are code, and an address cannot be broken. */
function comments(text: string, file: string): { place: string; line: string }[] {
  let example = false;
  return text.split('\n').flatMap((line, index) => {
    const [, tag] = /^\s*(?:\/\*)?\* @(\w+)/.exec(line) ?? [];
    example = tag === undefined ? example && !line.includes('*/') : tag === 'example';
    const comment = /^\s*(\*|\/\*\*|\/\/)/.test(line) && !example && !/:\/\/|biome-ignore/.test(line);
    return comment ? [{ place: `${file}:${index + 1}`, line }] : [];
  });
}

const SOURCES = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() &&
        /\.[cm]?[jt]s$/.test(entry.name) &&
        !/node_modules|\.cache|rehearsal\/dist/.test(entry.parentPath),
    )
    .map((entry) => join(entry.parentPath, entry.name)),
);
const ALL = SOURCES.flatMap((file) => comments(readFileSync(file, 'utf8'), relative(ROOT, file)));

/** A `@see` whose address goes on in the next line, where nobody can follow it. */
const BROKEN = /@see https?:\/\/\S+\n\s*\* [^@\s]/;

const tooLong = (found: typeof ALL) => found.filter(({ line }) => line.length > LONGEST).map(({ place }) => place);
const riddles = (found: typeof ALL) => found.filter(({ line }) => RIDDLES.test(line)).map(({ place }) => place);

test(`no line of a comment is longer than ${LONGEST} columns`, () => {
  expect(ALL.length).toBeGreaterThan(1000);
  expect(tooLong(ALL)).toEqual([]);
});

test('no comment is a riddle', () => {
  expect(riddles(ALL)).toEqual([]);
});

test('no address is broken by the end of a line', () => {
  const broken = SOURCES.filter((file) => BROKEN.test(readFileSync(file, 'utf8')));
  expect(broken).toEqual([]);
  expect(BROKEN.test(' * @see https://example.com/Alarms_S\n * ervices.html\n */')).toBe(true);
  expect(BROKEN.test(' * @see https://example.com/Alarms\n */')).toBe(false);
});

test('both are noticed', () => {
  const planted = comments(`/** Who hears of the alarm. */\n// ${'x'.repeat(LONGEST)}\nconst a = 1; // fine`, 'a.ts');
  expect(riddles(planted)).toEqual(['a.ts:1']);
  expect(tooLong(planted)).toEqual(['a.ts:2']);
});
