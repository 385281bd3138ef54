import { BLOCKS, blocksOf, guidePage, problemsOf } from '../../scripts/emulated/guide-blocks';

describe('docs/first-deployment.md', () => {
  test('has no block of commands that nobody types, and no block is listed that is not there', () => {
    expect(problemsOf(guidePage())).toEqual([]);
    expect(blocksOf(guidePage()).length).toBe(BLOCKS.length);
  });

  test('has at most nine lines that are not typed, each with a reason', () => {
    const exceptions = BLOCKS.flatMap(({ except = [] }) => except);
    expect(exceptions.length).toBeLessThanOrEqual(9);
    expect(exceptions.filter(({ because }) => because.length < 20)).toEqual([]);
  });
});

describe('a page', () => {
  const listed = [{ has: 'one' }, { has: 'one', except: [{ line: 'dig', because: 'nobody owns the name' }] }];
  const block = (commands: string) => `text\n\n\`\`\`sh\n${commands}\n\`\`\`\n\n`;

  test('that fits the list has no problem, and blocks of other languages are not counted', () => {
    expect(problemsOf(`${block('one')}\`\`\`ts\nx\n\`\`\`\n${block('one\ndig name')}`, listed)).toEqual([]);
  });

  test.each([
    ['a new block', `${block('one')}${block('one\ndig')}${block('two\nthree')}`, 'line 17: "two" is not listed'],
    ['a block too few', block('one'), 'no block has "one"'],
    [
      'an exception without a line',
      `${block('one')}${block('one')}`,
      'no line of the block with "one" begins with "dig"',
    ],
  ])('with %s has a problem', (_, page, problem) => {
    expect(problemsOf(page, listed)).toEqual([problem]);
  });
});
