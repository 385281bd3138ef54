import { FrontDoor } from '../../../rehearsal/checks/front-door';
import type { ListenerRule } from '../../../rehearsal/edge/listener-rules';
import type { Rehearsal } from '../../../rehearsal/rehearsal';

function rule(priority: number, host: string, action: ListenerRule['actions'][number]): ListenerRule {
  return {
    priority,
    conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: [host] } }],
    actions: [action],
  };
}

test('a visitor uses a name that a service has, not one that is redirected to it', () => {
  const rules = [
    rule(1, 'www.example.com', { Type: 'redirect', RedirectConfig: { StatusCode: 'HTTP_301', Host: 'example.com' } }),
    rule(200, 'example.com', { Type: 'forward', TargetGroupArn: 'web' }),
  ];
  // A rule that asks for more than a name and a path, as an address, is chosen for no request of the search.
  const narrow = rules.map((each) => ({ ...each, conditions: [...each.conditions, { Field: 'source-ip' }] }));
  for (const some of [rules, narrow]) {
    const listeners = [{ port: 443, secure: true, rules: some, defaultActions: [], attributes: {} }];
    expect(new FrontDoor({ listeners } as unknown as Rehearsal, 'test').host).toBe('example.com');
  }
});
