import {
  chooseAction,
  concrete,
  forwardsTo,
  hostPatterns,
  matchesPattern,
  pathPatterns,
  type RuleAction,
} from '../../../rehearsal/edge/listener-rules';

const forward = (group: string): RuleAction => ({ Type: 'forward', TargetGroupArn: group });
const host = (...Values: string[]) => ({ Field: 'host-header', HostHeaderConfig: { Values } });
const path = (...Values: string[]) => ({ Field: 'path-pattern', PathPatternConfig: { Values } });
const request = (name: string, url: string) => ({ host: name, path: url, method: 'GET', headers: {} });
const NOT_FOUND: RuleAction = { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } };

const RULES = [
  { priority: 200, conditions: [host('shop.example.com')], actions: [forward('web')] },
  { priority: 100, conditions: [host('shop.example.com'), path('/ws/*')], actions: [forward('asgi')] },
];

test('the lowest priority whose conditions all hold wins', () => {
  expect(chooseAction(RULES, [NOT_FOUND], request('shop.example.com', '/ws/echo'))).toEqual(forward('asgi'));
  expect(chooseAction(RULES, [NOT_FOUND], request('shop.example.com', '/'))).toEqual(forward('web'));
});

test('what no rule wants gets the default action', () => {
  expect(chooseAction(RULES, [NOT_FOUND], request('attacker.example', '/ws/echo'))).toBe(NOT_FOUND);
});

test('host names match whatever their case and port', () => {
  expect(chooseAction(RULES, [NOT_FOUND], request('SHOP.example.com:8443', '/'))).toEqual(forward('web'));
});

test('a dot is a dot, an asterisk any run and a question mark one character', () => {
  expect(matchesPattern('*.example.com', 'a.b.example.com')).toBe(true);
  expect(matchesPattern('*.example.com', 'shopxexample.com')).toBe(false);
  expect(matchesPattern('/img/?.png', '/img/a.png')).toBe(true);
  expect(matchesPattern('/img/?.png', '/img/ab.png')).toBe(false);
});

test('paths differ by case', () => {
  expect(chooseAction(RULES, [NOT_FOUND], request('shop.example.com', '/WS/echo'))).toEqual(forward('web'));
});

test('a rule says its hosts, its paths and where it leads', () => {
  const [web, asgi] = RULES;
  expect([hostPatterns(asgi), pathPatterns(asgi), forwardsTo(asgi.actions[0])]).toEqual([
    ['shop.example.com'],
    ['/ws/*'],
    'asgi',
  ]);
  expect([pathPatterns(web), forwardsTo(NOT_FOUND)]).toEqual([['/'], undefined]);
});

test('a concrete name matches its pattern', () => {
  expect(concrete('*.shops.example.com')).toBe('rehearsal.shops.example.com');
  expect(matchesPattern('/img/?.*', concrete('/img/?.*'))).toBe(true);
});
