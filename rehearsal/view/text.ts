import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

const segmenter = new Intl.Segmenter();

/** What a terminal can be given: no colours, no control characters, nothing that turns a line around. */
export function clean(text: string): string {
  const plain = stripVTControlCharacters(text).replaceAll('\t', '  ');
  return plain.replace(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, '');
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  return isPlain(text) ? text.length : stringWidth(text);
}

/** Breaks a text into pieces of at most as many columns. */
export function fold(text: string, columns: number): string[] {
  if (widthOf(text) <= columns) {
    return [text];
  }
  const lines: string[] = [];
  let line = '';
  let width = 0;
  for (const character of isPlain(text) ? text : charactersOf(text)) {
    const own = widthOf(character);
    if (width + own > columns) {
      lines.push(line);
      [line, width] = ['', 0];
    }
    line += character;
    width += own;
  }
  return [...lines, line];
}

/** As much of a text as fits; an ellipsis stands for the rest. */
export function clip(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : `${fold(text, Math.max(columns - 1, 1))[0]}…`;
}

/** A text with blanks up to a column. */
export function column(text: string, columns: number): string {
  const clipped = clip(text, columns);
  return clipped + ' '.repeat(Math.max(columns - widthOf(clipped), 0));
}

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function charactersOf(text: string): string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}
