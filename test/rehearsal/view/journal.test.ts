import { ALL, Journal } from '../../../rehearsal/view/journal';

const texts = (journal: Journal, name: string) => journal.of(name).map(({ text }) => text);

test('the log of a service is that of its tasks, in the order of time', () => {
  const journal = new Journal();
  for (const [process, text] of [
    ['web/1', 'a'],
    ['webhooks/1', 'b'],
    ['web/2', 'c'],
    ['web/1', 'd'],
  ]) {
    journal.add(process, text);
  }
  expect(texts(journal, 'web')).toEqual(['a', 'c', 'd']);
  expect(texts(journal, 'web/1')).toEqual(['a', 'd']);
  expect(texts(journal, ALL)).toEqual(['a', 'b', 'c', 'd']);
  expect(texts(journal, 'asgi')).toEqual([]);
});

test('a talkative process takes no lines from a silent one, and memory is bounded', () => {
  const journal = new Journal();
  journal.add('beat/1', 'quiet');
  for (let count = 0; count < 6000; count++) {
    journal.add('web/1', `${count}`);
  }
  expect(texts(journal, 'beat/1')).toEqual(['quiet']);
  expect(texts(journal, 'web/1')).toHaveLength(2000);
  expect(texts(journal, 'web/1').at(-1)).toBe('5999');
  expect(texts(journal, ALL)).toHaveLength(5000);
});

test('of many processes those stay that wrote last', () => {
  const journal = new Journal();
  for (let count = 0; count < 100; count++) {
    journal.add(`one-off/${count}`, 'x');
    journal.add('web/1', 'y');
  }
  expect(journal.processes).toHaveLength(40);
  expect(journal.processes).toContain('web/1');
  expect(journal.processes).toContain('one-off/99');
  expect(journal.processes).not.toContain('one-off/0');
});
