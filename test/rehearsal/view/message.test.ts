import { readable } from '../../../rehearsal/view/message';

test('of JSON the message comes first, and whose it is last', () => {
  expect(
    readable('{"time": "09:00", "logger": "web", "levelname": "INFO", "message": "GET /", "status": 200}'),
  ).toEqual(['GET /  levelname=INFO  status=200  logger=web  time=09:00']);
});

test('values with blanks are quoted, objects are JSON, and null is left out', () => {
  expect(readable('{"msg": "m", "path": "a b", "tags": ["x"], "user": null}')).toEqual(['m  path="a b"  tags=["x"]']);
});

test('a traceback follows in lines of its own', () => {
  expect(readable('{"message": "broken", "exception": "Traceback\\n  File x\\nValueError: y\\n"}')).toEqual([
    'broken',
    '  Traceback',
    '    File x',
    '  ValueError: y',
  ]);
});

test.each(['plain text', '{"no": "message"}', '{not JSON', '{"message": 5}', '[1]', ''])(
  '%j stays as it is',
  (line) => {
    expect(readable(line)).toEqual([line]);
  },
);

test('nothing of a line reaches the terminal but text', () => {
  const evil = '\x1b[2J\x1b]0;title\x07red \x1b[31mtext\x1b[0m\tand\r\u202e\u0085end';
  expect(readable(evil)).toEqual(['red text  andend']);
  expect(readable(JSON.stringify({ message: evil, field: evil }))).toEqual([
    expect.stringMatching(/^red text {2}andend {2}field=[\x20-\x7e]+$/),
  ]);
});
