import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expand } from '../../../../rehearsal/image/dockerfile/lexer';
import { parseDockerfile } from '../../../../rehearsal/image/dockerfile/parse';
import { FORMS } from './forms';

/** A case and what BuildKit 0.17.3 answered, by the program beside the file. */
interface Answer {
  readonly text?: string;
  readonly word?: string;
  readonly refused?: boolean;
  readonly instructions?: { name: string; line: number; flags: string[]; heredocs: string[] }[];
  readonly result?: string;
}

const ANSWERS = readFileSync(path.join(__dirname, 'buildkit', 'answers.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line): Answer => JSON.parse(line));

/** Instructions that only the next part of either reader looks into: we split them, and it refuses them here. */
const LATER = /^\s*(?:ENV|LABEL|HEALTHCHECK|ONBUILD)\b/im;

function ours(text: string) {
  return parseDockerfile(text).instructions.map(({ name, line, flags, heredocs }) => {
    return { name, line, flags, heredocs: heredocs.map(({ content }) => content) };
  });
}

test('every form was shown to BuildKit', () => {
  const texts = new Set(ANSWERS.map(({ text }) => text));
  expect(FORMS.filter(({ text }) => !texts.has(text))).toEqual([]);
});

test('Dockerfiles are split as BuildKit splits them', () => {
  const cases = ANSWERS.filter(({ text, refused }) => text !== undefined && !refused);
  expect(cases.length).toBeGreaterThan(300);
  for (const { text = '', instructions } of cases) {
    expect({ text, instructions: ours(text) }).toEqual({ text, instructions });
  }
});

test('what BuildKit refuses to split is refused', () => {
  const cases = ANSWERS.flatMap(({ text, refused }) => (refused && text && !LATER.test(text) ? [text] : []));
  expect(cases.length).toBeGreaterThan(3);
  expect(cases.filter((text) => !throws(() => parseDockerfile(text)))).toEqual([]);
});

test('words are expanded, or refused, as by BuildKit', () => {
  const values: Record<string, string> = { A: 'a/b.c.d', P: 'abcabc*b', E: '' };
  const cases = ANSWERS.filter(({ word }) => word !== undefined);
  expect(cases.length).toBeGreaterThan(300);
  for (const { word = '', refused = false, result = '' } of cases) {
    const own = throws(() => expand(word, (name) => values[name]));
    expect({ word, refused: own }).toEqual({ word, refused });
    expect({ word, result: own ? '' : expand(word, (name) => values[name]) }).toEqual({ word, result });
  }
});

function throws(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}
