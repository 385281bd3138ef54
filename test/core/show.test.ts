import { App, Duration, Lazy, Size, Stack, Token } from 'aws-cdk-lib';
import { PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { show } from '../../constructs/core/private/show';

const app = new App();
const stack = new Stack(app, 'Shop');
const topic = new Topic(stack, 'Topic');
const circular: { [key: string]: unknown } = { name: 'circular' };
circular.self = circular;
const circularList: unknown[] = [1];
circularList.push(circularList);
const throwing = {
  get name(): string {
    throw new Error('must not be read');
  },
};
const hostile = new Proxy(
  {},
  {
    getPrototypeOf: () => {
      throw new Error('nobody may look');
    },
    ownKeys: () => {
      throw new Error('nobody may look');
    },
  },
);

test.each<[string, unknown, string]>([
  ['a text', 'web', '"web"'],
  ['a text with a line break', 'a\nb', '"a\\nb"'],
  ['an empty text', '', '""'],
  ['a number', 0.5, '0.5'],
  ['not a number', Number.NaN, 'NaN'],
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['false', false, 'false'],
  ['a bigint', 12n, '12n'],
  ['a symbol', Symbol('x'), 'Symbol(x)'],
  ['a named function', errorFor, 'the function errorFor'],
  [
    'a function without a name',
    (
      () => () =>
        1
    )(),
    'a function',
  ],
  ['days', Duration.days(7), '7 days'],
  ['minutes', Duration.minutes(25), '25 minutes'],
  ['seconds stay seconds', Duration.seconds(300), '300 seconds'],
  ['one hour', Duration.hours(1), '1 hour'],
  ['a fraction', Duration.minutes(0.51), '0.51 minutes'],
  ['milliseconds', Duration.millis(1500), '1500 milliseconds'],
  ['a duration of a token', Duration.seconds(Token.asNumber({ Ref: 'X' })), 'a duration known only at deployment'],
  ['a size', Size.gibibytes(2), '2048 MiB'],
  ['a token', Lazy.string({ produce: () => 'x' }), 'a value known only at deployment'],
  ['a construct', topic, 'Shop/Topic'],
  ['the root', app, 'App'],
  ['options that hold a construct', { eventTopic: topic, port: 1, left: undefined }, '{eventTopic, port}'],
  ['options that hold a duration', { backupRetention: Duration.days(7) }, '{backupRetention}'],
  ['many keys', Object.fromEntries([...'abcdefghijk'].map((key) => [key, 1])), '{a, b, c, d, e, f, g, h, …}'],
  ['no keys', {}, '{}'],
  ['a circular object', circular, '{name, self}'],
  ['a circular list', circularList, '[1, […]]'],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{a}'],
  ['an instance of a class', PostgresEngineVersion.VER_17, 'a PostgresEngineVersion'],
  ['a map', new Map(), 'a Map'],
  ['a list', ['web', 1, Duration.days(1), topic, []], '["web", 1, 1 day, Shop/Topic, []]'],
  ['a getter that throws', throwing, 'an object'],
  ['a proxy that throws', hostile, 'an object'],
])('%s', (_, value, shown) => {
  expect(show(value)).toBe(shown);
});

test('a long text is cut', () => {
  expect(show('x'.repeat(1000))).toHaveLength(201);
  expect(show(Array.from({ length: 1000 }, () => topic))).toHaveLength(201);
});

function errorFor(): void {}
