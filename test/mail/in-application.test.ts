import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { Cluster, ContainerImage, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { ConfigurationSet, EmailIdentity } from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { Mail } from '../../constructs/mail/mail';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { BeatService } from '../../constructs/processes/beat-service';
import { Egress } from '../../constructs/processes/egress';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { errorOf, only, templateOf, testStack, testVpc } from '../support';
import { Graph } from '../wiring/graph';
import { unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles, sendersOf } from '../wiring/senders';
import { PROCESSES, told, wholeApplication } from '../wiring/whole-application';

const BALANCER = 'arn:aws:elasticloadbalancing:eu-central-1:111122223333';
const VARIABLES = ['DEFAULT_FROM_EMAIL', 'AWS_SES_REGION_NAME', 'AWS_SES_CONFIGURATION_SET'];
const POLICY = 'AWS::IAM::ManagedPolicy';

function named(stack: Stack, ...domainNames: string[]): Partial<DjangoApplicationProps> {
  const hostedZone = HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });
  return { domainNames, hostedZone };
}

/** The reports on mail, by the sentence that each ends with. */
function rulesOnMail(stack: Stack) {
  return Object.values(templateOf(stack).findResources('AWS::Events::Rule'))
    .map(({ Properties }) => Properties)
    .filter(({ EventPattern }) => EventPattern.source[0] === 'aws.ses');
}

function alarmsOnMail(stack: Stack) {
  return Object.values(templateOf(stack).findResources('AWS::CloudWatch::Alarm'))
    .map(({ Properties }) => Properties)
    .filter(({ Namespace }) => Namespace === 'AWS/SES');
}

/** Whether there is a resource, an action or a metric of SES. */
function usesSes(stack: Stack): boolean {
  return /AWS::SES|"ses:|AWS\/SES|aws\.ses/.test(JSON.stringify(templateOf(stack).toJSON()));
}

describe('`mail: {}`', () => {
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
  const made = wholeApplication(stack, { ...named(stack, 'shop.example.com', 'www.example.com'), mail: {} });
  const template = templateOf(stack);
  const set = stack.resolve(made.outgoingMail?.configurationSet?.configurationSetName);

  test('verifies the main name of the application', () => {
    expect(only(template, 'AWS::SES::EmailIdentity').resource.Properties.EmailIdentity).toBe('shop.example.com');
  });

  test('has ids that never change: SES takes no second identity of the name beside the first', () => {
    expect(only(template, 'AWS::SES::EmailIdentity').id).toBe('AppMailIdentity30DDC4E1');
    expect(only(template, 'AWS::SES::ConfigurationSet').id).toBe('AppMailConfigurationSet108425AC');
  });

  test('tells every process the sender, the region and the configuration set', () => {
    const each = {
      DEFAULT_FROM_EMAIL: 'no-reply@shop.example.com',
      AWS_SES_REGION_NAME: 'eu-central-1',
      AWS_SES_CONFIGURATION_SET: set,
    };
    const found = told(stack, VARIABLES);
    expect(Object.keys(found).sort()).toEqual(PROCESSES);
    expect(Object.values(found)).toEqual(PROCESSES.map(() => each));
  });

  test('lets every process send, by one policy', () => {
    const resources: { [id: string]: { Type: string; Properties: object } } = template.toJSON().Resources;
    const policies = Object.entries(resources).filter(
      ([, { Type, Properties }]) => Type === POLICY && JSON.stringify(Properties).includes('ses:SendRawEmail'),
    );
    expect(policies.map(([id]) => id)).toEqual([expect.stringMatching(/^AppMailAccess/)]);
    const roles = Object.values(resources).filter(({ Type, Properties }) => {
      const { ManagedPolicyArns = [] } = Properties as { ManagedPolicyArns?: { Ref?: string }[] };
      return Type === 'AWS::IAM::Role' && ManagedPolicyArns.some(({ Ref }) => Ref === policies[0][0]);
    });
    expect(roles).toHaveLength(PROCESSES.length);
  });

  test('lets nobody manage SES, and nothing send without a condition on the sender', () => {
    const statements = [...new Graph(template.toJSON().Resources).ofType('AWS::IAM::Policy', POLICY)].flatMap(
      (id) => template.toJSON().Resources[id].Properties.PolicyDocument.Statement,
    );
    const onSes = statements.filter(({ Action }) => JSON.stringify(Action).includes('ses:'));
    expect(onSes.map(({ Action }) => Action)).toEqual([['ses:SendEmail', 'ses:SendRawEmail']]);
    expect(onSes[0].Condition).toEqual({ StringLike: { 'ses:FromAddress': ['no-reply@shop.example.com'] } });
  });

  test('watches bounces and complaints at the rates from which SES reviews an account', () => {
    const topic = stack.resolve(made.notifications.topic.topicArn);
    const common = {
      Dimensions: [{ Name: 'ses:configuration-set', Value: set }],
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'ignore',
      AlarmActions: [topic],
      OKActions: [topic],
    };
    expect(alarmsOnMail(stack)).toEqual([
      expect.objectContaining({ ...common, MetricName: 'Reputation.BounceRate', Threshold: 0.05 }),
      expect.objectContaining({ ...common, MetricName: 'Reputation.ComplaintRate', Threshold: 0.001 }),
    ]);
  });

  test('reports what its own configuration set publishes, and no address', () => {
    const [rule, ...others] = rulesOnMail(stack);
    expect(others).toEqual([]);
    expect(rule.EventPattern).toEqual({
      source: ['aws.ses'],
      'detail-type': ['Email Bounced', 'Email Complaint Received', 'Email Rejected'],
      detail: { mail: { tags: { 'ses:configuration-set': [set] } } },
    });
    expect(rule.Targets).toEqual([expect.objectContaining({ Arn: stack.resolve(made.notifications.topic.topicArn) })]);
    expect(JSON.stringify(rule.Targets)).not.toMatch(/destination|emailAddress|Recipients|source|headers/);
    expect(JSON.stringify(rule.Targets)).toContain('#mail-returned');
  });

  test('is reached over HTTPS, which the security group of the processes lets out', () => {
    const groups = Object.values(template.findResources('AWS::EC2::SecurityGroup')).filter(({ Properties }) =>
      Properties.GroupDescription.startsWith('Every process'),
    );
    expect(groups).toHaveLength(1);
    expect(groups[0].Properties.SecurityGroupEgress).toContainEqual(
      expect.objectContaining({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, CidrIp: '0.0.0.0/0' }),
    );
    expect(Egress.https().port.toString()).toBe('443');
  });
});

test('without it no process is told anything, and SES is not used', () => {
  const stack = testStack();
  expect(wholeApplication(stack).outgoingMail).toBeUndefined();
  expect(Object.values(told(stack, VARIABLES))).toEqual(PROCESSES.map(() => ({})));
  expect(usesSes(stack)).toBe(false);
});

test('the main name of a load balancer that is brought is taken, in a zone of the options', () => {
  const stack = testStack();
  const vpc = testVpc(stack);
  const loadBalancer = HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(stack, 'Shared', {
    loadBalancerArn: `${BALANCER}:loadbalancer/app/company/1234567890abcdef`,
    loadBalancerDnsName: 'company-1234567890.eu-central-1.elb.amazonaws.com',
    listenerArn: `${BALANCER}:listener/app/company/1234567890abcdef/1234567890abcdef`,
    securityGroupId: 'sg-0123456789abcdef0',
    vpc,
    domainNames: ['shop.example.com'],
  });
  const { hostedZone } = named(stack);
  const web = { priority: 10, hostNames: ['shop.example.com'] };
  wholeApplication(stack, { vpc, loadBalancer, web, asgi: undefined, mail: { hostedZone } });
  expect(only(templateOf(stack), 'AWS::SES::EmailIdentity').resource.Properties.EmailIdentity).toBe('shop.example.com');
});

test('another domain of the zone may send', () => {
  const stack = testStack();
  wholeApplication(stack, { ...named(stack, 'shop.example.com'), mail: { domain: 'example.com' } });
  expect(only(templateOf(stack), 'AWS::SES::EmailIdentity').resource.Properties.EmailIdentity).toBe('example.com');
});

test('an identity that is brought serves an application without a name, with a configuration set of its own', () => {
  const stack = testStack();
  const emailIdentity = EmailIdentity.fromEmailIdentityName(stack, 'Company', 'example.com');
  wholeApplication(stack, { mail: { emailIdentity } });
  const template = templateOf(stack);
  template.resourceCountIs('AWS::SES::EmailIdentity', 0);
  template.resourceCountIs('AWS::SES::ConfigurationSet', 1);
  expect(told(stack, VARIABLES).web.DEFAULT_FROM_EMAIL).toBe('no-reply@example.com');
});

describe('mail that is set up elsewhere', () => {
  const brought = (stack: Stack, withSet: boolean) =>
    Mail.fromMailAttributes(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Company', 'example.com'),
      configurationSet: withSet ? ConfigurationSet.fromConfigurationSetName(stack, 'Set', 'company') : undefined,
    });

  test('is used by every process, and nothing of SES is made', () => {
    const stack = testStack();
    const outgoingMail = brought(stack, true);
    expect(wholeApplication(stack, { outgoingMail }).outgoingMail).toBe(outgoingMail);
    expect(Object.values(told(stack, VARIABLES)).map((each) => each.AWS_SES_CONFIGURATION_SET)).toEqual(
      PROCESSES.map(() => 'company'),
    );
    templateOf(stack).resourceCountIs('AWS::SES::EmailIdentity', 0);
    templateOf(stack).resourceCountIs('AWS::SES::ConfigurationSet', 0);
    expect(rulesOnMail(stack)).toHaveLength(1);
  });

  test('without a configuration set is watched by the rates of the account, and no event is reported', () => {
    const stack = testStack();
    wholeApplication(stack, { outgoingMail: brought(stack, false) });
    expect(told(stack, VARIABLES).web).not.toHaveProperty('AWS_SES_CONFIGURATION_SET');
    expect(alarmsOnMail(stack).map(({ Dimensions }) => Dimensions)).toEqual([undefined, undefined]);
    expect(rulesOnMail(stack)).toEqual([]);
  });
});

test('mail that SES sends in another region is not watched, and a warning says so', () => {
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
  const arn = 'arn:aws:ses:eu-west-1:111122223333:identity/example.com';
  const outgoingMail = Mail.fromMailAttributes(stack, 'Mail', {
    emailIdentity: EmailIdentity.fromEmailIdentityArn(stack, 'Company', arn),
    configurationSet: ConfigurationSet.fromConfigurationSetName(stack, 'Set', 'company'),
  });
  wholeApplication(stack, { outgoingMail });
  expect(told(stack, VARIABLES).web.AWS_SES_REGION_NAME).toBe('eu-west-1');
  expect(alarmsOnMail(stack)).toEqual([]);
  expect(rulesOnMail(stack)).toEqual([]);
  Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('SES sends the mail in eu-west-1'));
});

test('a process in a nested stack uses the policy of the stack that holds the mail', () => {
  const stack = testStack();
  const nested = new NestedStack(stack, 'Nested');
  const outgoingMail = Mail.fromMailAttributes(stack, 'Mail', {
    emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Company', 'example.com'),
  });
  new BeatService(nested, 'Beat', {
    cluster: new Cluster(stack, 'Cluster', { vpc: testVpc(stack) }),
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    broker: new CeleryBroker(stack, 'Broker'),
    outgoingMail,
  });
  expect(JSON.stringify(templateOf(nested).toJSON())).toMatch(
    /"ManagedPolicyArns":\[\{"Ref":"referencetoShopMailAccess/,
  );
  templateOf(stack).resourcePropertiesCountIs(POLICY, { Description: 'Outgoing mail of Shop/Mail' }, 1);
});

test('without a domain it is refused, and the message says how to do without', () => {
  expect(errorOf(() => wholeApplication(testStack(), { mail: {} }))).toMatch(
    /Shop\/App\/Mail: `hostedZone` must be given, unless `emailIdentity` is, got undefined\. .* or leave `mail` out\./,
  );
});

test('in a stack of its own it is watched by alarms there', () => {
  const stack = new Stack(new App(), 'Post');
  const { hostedZone } = named(stack);
  const outgoingMail = new Mail(stack, 'Mail', { hostedZone });
  new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), outgoingMail });
  expect(alarmsOnMail(stack).map(({ AlarmDescription }) => AlarmDescription)).toEqual([
    expect.stringMatching(/^Post\/Mail: .*#bounce-rate$/),
    expect.stringMatching(/^Post\/Mail: .*#complaint-rate$/),
  ]);
  expect(rulesOnMail(stack)).toHaveLength(1);
});

describe('production with it', () => {
  const production = (props: object, mail: boolean) => {
    const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } }, props);
    const profile = Profile.production({ containerInsights: ContainerInsights.ENHANCED }); // Rule packs ask for them.
    const own = { ...named(stack, 'shop.example.com'), profile };
    wholeApplication(stack, { ...own, ...(mail ? { mail: {} } : {}) });
    return stack;
  };
  const packs = complianceOf((props) => production(props, true).node.root as App);
  const graph = new Graph(templateOf(production({}, true)).toJSON().Resources);

  test.each(packs)('has no finding of $pack that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges no pair more', () => {
    const pairs = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements));
    expect(pairs.filter((pair) => pair.includes('/Mail'))).toEqual([]);
  });

  test('takes 12 resources more', () => {
    const count = (stack: Stack) => Object.keys(templateOf(stack).toJSON().Resources).length;
    expect(count(production({}, true)) - count(production({}, false))).toBe(12);
  });

  test('waits for what it needs, may send where it sends, and use the keys of what it uses', () => {
    expect([...unmet(graph), ...refused(graph), ...refusedRoles(graph), ...unkeyed(graph)]).toEqual([]);
    expect(sendersOf(graph).filter(({ from }) => /Mail/.test(from))).toHaveLength(3);
  });
});
