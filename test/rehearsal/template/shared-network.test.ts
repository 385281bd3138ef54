import { believing, registerNetwork } from '../../../rehearsal/edge/network';
import type { Assembly, Resource, Template } from '../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { readListeners, readLoadBalancer } from '../../../rehearsal/template/listeners';
import { withShared } from '../../../rehearsal/template/shared-network';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

const ELB = 'AWS::ElasticLoadBalancingV2';
const NOT_FOUND = { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } };
const host = (...Values: string[]) => ({ Field: 'host-header', HostHeaderConfig: { Values } });
const exported = (Value: object, name: string) => ({ Value, Export: { Name: name } });

const rule = (ListenerArn: unknown, Actions: object[], name: string): Resource => ({
  Type: `${ELB}::ListenerRule`,
  Properties: { ListenerArn, Actions, Conditions: [host(name)], Priority: 1 },
});
const listener = (Port: number, Protocol: string): Resource => ({
  Type: `${ELB}::Listener`,
  Properties: { LoadBalancerArn: { Ref: 'Balancer' }, Port, Protocol, DefaultActions: [NOT_FOUND] },
});

/** A load balancer with both listeners, whose owner has an application of its own behind it. */
const PLATFORM: Template = {
  Resources: {
    Vpc: { Type: 'AWS::EC2::VPC' },
    Balancer: {
      Type: `${ELB}::LoadBalancer`,
      Properties: { LoadBalancerAttributes: [{ Key: 'idle_timeout.timeout_seconds', Value: '75' }] },
    },
    Another: { Type: `${ELB}::LoadBalancer` },
    Https: listener(443, 'HTTPS'),
    Http: listener(80, 'HTTP'),
    Redirects: rule({ Ref: 'Http' }, [{ Type: 'redirect' }], 'shop.example.com'),
    Own: rule({ Ref: 'Https' }, [{ Type: 'forward', TargetGroupArn: { Ref: 'Targets' } }], 'own.example.com'),
    Bucket: { Type: 'AWS::S3::Bucket' },
  },
  Outputs: {
    Https: exported({ Ref: 'Https' }, 'Platform:Https'),
    Cidr: exported({ 'Fn::GetAtt': ['Vpc', 'CidrBlock'] }, 'Platform:Cidr'),
    Bucket: exported({ Ref: 'Bucket' }, 'Platform:Bucket'),
  },
};

const importing = (name: string) => ({ 'Fn::ImportValue': name });
const forward = [{ Type: 'forward', TargetGroupArn: { Ref: 'Targets' } }];
const shop = (arn: unknown, more: Record<string, Resource> = {}): Template => ({
  Resources: { Rule: rule(arn, forward, 'shop.example.com'), ...more },
});
const OURS = shop(importing('Platform:Https'), {
  Web: {
    Type: 'Some::Thing',
    Properties: { cidr: importing('Platform:Cidr'), bucket: importing('Platform:Bucket'), zone: importing('Zone') },
  },
});

async function read(template: Template) {
  const said: string[] = [];
  const announce = {
    progress: () => undefined,
    substitution: (text: string) => said.push(text),
    event: () => undefined,
  };
  const intrinsics = new Intrinsics({ template, stackName: 'Shop', region: 'eu-central-1', account: '1' });
  await registerNetwork({ template, region: 'eu-central-1' } as Assembly, intrinsics, announce);
  return { intrinsics, listeners: readListeners(intrinsics), balancer: readLoadBalancer(intrinsics) };
}

const others = [{ stackName: 'Platform', template: PLATFORM }];

test('a load balancer of another stack comes with its listeners and redirects, and without its owner’s applications', async () => {
  const { template, owners } = withShared(OURS, others);
  expect(owners).toEqual(['Platform']);
  const { listeners, balancer } = await read(template);
  expect(balancer?.idleTimeout).toBe(75);
  expect(listeners.map(({ port, secure, isUndescribed }) => [port, secure, isUndescribed])).toEqual([
    [443, true, undefined],
    [80, false, undefined],
  ]);
  const names = listeners.map(({ rules }) => rules.map(({ conditions }) => conditions[0].HostHeaderConfig?.Values));
  expect(names).toEqual([[['shop.example.com']], [['shop.example.com']]]);
  expect(listeners[0].rules[0].actions[0].TargetGroupArn).toContain('Targets');
  expect(Object.keys(template.Resources)).not.toContain('PlatformAnother');
});

test('the network of another stack is loopback, and everything else that is imported stays paper', async () => {
  const { template } = withShared(OURS, others);
  const { intrinsics } = await read(template);
  const { cidr, bucket, zone } = intrinsics.properties(template.Resources.Web);
  expect(cidr).toMatch(/^127\.0\.0\.\d\/32$/);
  expect([bucket, zone]).toEqual(['paper://import/Platform:Bucket', 'paper://import/Zone']);
});

test('a stack that imports nothing of another one stays as it is', () => {
  const own = shop({ Ref: 'Https' }, { Https: listener(443, 'HTTPS') });
  expect(withShared(own, others)).toEqual({ template: own, owners: [] });
});

test.each([
  ['an ARN', 'arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/a/b/c'],
  ['a parameter', { Ref: 'ListenerArn' }],
  ['an export of another app', importing('Elsewhere')],
])('a listener by %s has the rules of the stack, HTTPS for their host names, and 404 for others', async (_, arn) => {
  const { listeners, balancer } = await read(shop(arn));
  expect(balancer).toEqual({ idleTimeout: 60, dropInvalidHeaders: false });
  expect(listeners).toHaveLength(1);
  const [{ port, secure, isUndescribed, rules, defaultActions }] = listeners;
  expect([port, secure, isUndescribed, rules.length]).toEqual([443, true, true, 1]);
  expect(defaultActions[0]).toMatchObject({ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } });
});

test('without a host name it has HTTP, and a stack without rules has no load balancer', async () => {
  const plain = shop('arn');
  (plain.Resources.Rule.Properties as { Conditions: object[] }).Conditions = [
    { Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } },
  ];
  const { listeners } = await read(plain);
  expect(listeners.map(({ port, secure }) => [port, secure])).toEqual([[80, false]]);
  expect((await read({ Resources: {} })).balancer).toBeUndefined();
});

test('a listener of the stack at a load balancer that is none of it has the settings of AWS', async () => {
  const { balancer, listeners } = await read({ Resources: { Https: listener(8443, 'HTTPS') } });
  expect(balancer?.idleTimeout).toBe(60);
  expect(listeners.map(({ port }) => port)).toEqual([8443]);
});

test('a server believes the load balancer where no stack has the VPC, and otherwise what its template says', () => {
  const definition = (value?: string) =>
    ({ environment: value === undefined ? {} : { FORWARDED_ALLOW_IPS: value } }) as unknown as TaskDefinition;
  const trusted = (value: string | undefined, template: Template) =>
    believing(definition(value), template, '127.0.0.2').environment.FORWARDED_ALLOW_IPS;
  expect(trusted('10.20.0.0/16', { Resources: {} })).toBe('127.0.0.2/32');
  expect(trusted('paper://import/Elsewhere', { Resources: {} })).toBe('127.0.0.2/32');
  expect(trusted('*', { Resources: {} })).toBe('*');
  expect(trusted(undefined, { Resources: {} })).toBeUndefined();
  expect(trusted('10.20.0.0/16', PLATFORM)).toBe('10.20.0.0/16');
});
