import { App, CfnParameter, Stack, Token } from 'aws-cdk-lib';
import { ManagedPolicy, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { HostedZone, type IHostedZone } from 'aws-cdk-lib/aws-route53';
import { ConfigurationSet, EmailIdentity, Identity } from 'aws-cdk-lib/aws-ses';
import { CONTRACT } from '../../constructs/core/contract';
import { WorkloadRole } from '../../constructs/core/workload-role';
import { DmarcPolicy, type IMail, Mail, type MailProps } from '../../constructs/mail/mail';
import { WITHOUT_SES } from '../../constructs/mail/private/regions';
import { Annotations, errorOf, Match, only, templateOf, testStack } from '../support';

const ENV = { account: '111122223333', region: 'eu-central-1' };
const IDENTITY = 'AWS::SES::EmailIdentity';
const SET = 'AWS::SES::ConfigurationSet';
const DESTINATION = 'AWS::SES::ConfigurationSetEventDestination';

const inGermany = () => testStack({ env: ENV });

function zone(stack: Stack, zoneName = 'example.com'): IHostedZone {
  return HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName });
}

function made(props: MailProps = {}, stack: Stack = inGermany()) {
  return { stack, mail: new Mail(stack, 'Mail', { hostedZone: zone(stack), ...props }) };
}

/** Every record by name and type. */
function records(stack: Stack): { [record: string]: unknown[] } {
  return Object.fromEntries(
    Object.values(templateOf(stack).findResources('AWS::Route53::RecordSet')).map(({ Properties }) => [
      `${JSON.stringify(Properties.Name)} ${Properties.Type}`,
      Properties.ResourceRecords,
    ]),
  );
}

/** The statement that a role gets, with every reference resolved. */
function granted(stack: Stack, mail: IMail) {
  const role = new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  mail.grantSend(role);
  const { resource } = only(templateOf(stack), 'AWS::IAM::ManagedPolicy');
  const { Statement } = resource.Properties.PolicyDocument;
  expect(Statement).toHaveLength(1);
  return Statement[0];
}

describe('mail without anything chosen but a zone', () => {
  const { stack, mail } = made();
  const identity = only(templateOf(stack), IDENTITY);
  const set = only(templateOf(stack), SET);

  test('comes from the domain of the zone, signed with a key of 2,048 bits', () => {
    expect(identity.resource.Properties).toEqual({
      EmailIdentity: 'example.com',
      ConfigurationSetAttributes: { ConfigurationSetName: { Ref: set.id } },
      DkimSigningAttributes: { NextSigningKeyLength: 'RSA_2048_BIT' },
      FeedbackAttributes: { EmailForwardingEnabled: false },
      MailFromAttributes: { MailFromDomain: 'bounces.example.com', BehaviorOnMxFailure: 'USE_DEFAULT_VALUE' },
    });
  });

  test('has the records that SES asks for, and no DMARC record', () => {
    const token = (kind: string, index: number) => ({ 'Fn::GetAtt': [identity.id, `DkimDNSToken${kind}${index}`] });
    const dkim = [1, 2, 3].map((index) => [
      `${JSON.stringify({ 'Fn::Join': ['', [token('Name', index), '.']] })} CNAME`,
      [token('Value', index)],
    ]);
    expect(records(stack)).toEqual({
      ...Object.fromEntries(dkim),
      '"bounces.example.com." MX': ['10 feedback-smtp.eu-central-1.amazonses.com'],
      '"bounces.example.com." TXT': ['"v=spf1 include:amazonses.com ~all"'],
    });
  });

  test('requires TLS, measures reputation, and keeps who bounced or complained on the suppression list', () => {
    expect(set.resource.Properties).toEqual({
      DeliveryOptions: { TlsPolicy: 'REQUIRE' },
      ReputationOptions: { ReputationMetricsEnabled: true },
      SuppressionOptions: { SuppressedReasons: ['BOUNCE', 'COMPLAINT'] },
    });
  });

  test('publishes bounces, complaints and rejects to the default event bus', () => {
    expect(only(templateOf(stack), DESTINATION).resource.Properties).toEqual({
      ConfigurationSetName: { Ref: set.id },
      EventDestination: {
        Enabled: true,
        EventBridgeDestination: {
          EventBusArn: {
            'Fn::Join': [
              '',
              ['arn:', { Ref: 'AWS::Partition' }, ':events:eu-central-1:111122223333:event-bus/default'],
            ],
          },
        },
        MatchingEventTypes: ['bounce', 'complaint', 'reject'],
      },
    });
  });

  test('tells processes sender, region and configuration set in the words of the contract', () => {
    expect(stack.resolve(mail.containerEnvironment)).toEqual({
      DEFAULT_FROM_EMAIL: 'no-reply@example.com',
      AWS_SES_REGION_NAME: 'eu-central-1',
      AWS_SES_CONFIGURATION_SET: { Ref: set.id },
    });
    expect(Object.keys(CONTRACT)).toEqual(expect.arrayContaining(Object.keys(mail.containerEnvironment)));
  });

  test('measures bounces and complaints of its own configuration set', () => {
    const of = (metricName: string) => ({
      namespace: 'AWS/SES',
      metricName,
      dimensions: { 'ses:configuration-set': { Ref: set.id } },
      statistic: 'Maximum',
    });
    const facts = ({ namespace, metricName, dimensions, statistic }: ReturnType<IMail['metricBounceRate']>) =>
      stack.resolve({ namespace, metricName, dimensions, statistic });
    expect(facts(mail.metricBounceRate())).toEqual(of('Reputation.BounceRate'));
    expect(facts(mail.metricComplaintRate())).toEqual(of('Reputation.ComplaintRate'));
  });

  test('lets a process send from that address alone, through that identity and configuration set', () => {
    const arn = (kind: string, Ref: string) => ({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:ses:eu-central-1:111122223333:${kind}/`, { Ref }]],
    });
    const fresh = made();
    expect(granted(fresh.stack, fresh.mail)).toEqual({
      Effect: 'Allow',
      Action: ['ses:SendEmail', 'ses:SendRawEmail'],
      Resource: [arn('identity', identity.id), arn('configuration-set', set.id)],
      Condition: { StringLike: { 'ses:FromAddress': ['no-reply@example.com'] } },
    });
  });
});

describe('what is chosen', () => {
  test('a domain below the zone has its records below that domain', () => {
    const { stack, mail } = made({ domain: 'Shop.example.com', mailFromDomain: 'return.shop.example.com' });
    expect(only(templateOf(stack), IDENTITY).resource.Properties).toMatchObject({
      EmailIdentity: 'shop.example.com',
      MailFromAttributes: { MailFromDomain: 'return.shop.example.com' },
    });
    expect(Object.keys(records(stack))).toEqual(
      expect.arrayContaining(['"return.shop.example.com." MX', '"return.shop.example.com." TXT']),
    );
    expect(mail.containerEnvironment.DEFAULT_FROM_EMAIL).toBe('no-reply@shop.example.com');
  });

  test('further addresses are allowed, and the first of them is the default', () => {
    const fromAddresses = ['shop@example.com', 'reply+*@mail.example.com', '*@news.example.com'];
    const { stack, mail } = made({ fromAddresses });
    expect(mail.containerEnvironment.DEFAULT_FROM_EMAIL).toBe('shop@example.com');
    expect(granted(stack, mail).Condition).toEqual({ StringLike: { 'ses:FromAddress': fromAddresses } });
  });

  test.each([
    [{ dmarcPolicy: DmarcPolicy.NONE }, 'v=DMARC1; p=none'],
    [
      { dmarcPolicy: DmarcPolicy.REJECT, dmarcReportAddress: 'dmarc@example.com' },
      'v=DMARC1; p=reject; rua=mailto:dmarc@example.com',
    ],
  ])('%j makes a DMARC record', (props, value) => {
    const { stack } = made({ domain: 'shop.example.com', ...props });
    expect(records(stack)['"_dmarc.shop.example.com." TXT']).toEqual([`"${value}"`]);
  });
});

describe('an identity that exists', () => {
  const NAMED = 'arn:aws:ses:eu-central-1:111122223333:identity/example.com';

  test('gets a configuration set of this stack, and no record', () => {
    const stack = inGermany();
    const mail = new Mail(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityArn(stack, 'Company', NAMED),
    });
    expect(mail.containerEnvironment.DEFAULT_FROM_EMAIL).toBe('no-reply@example.com');
    expect(granted(stack, mail).Resource).toEqual([NAMED, expect.anything()]);
    templateOf(stack).resourceCountIs(IDENTITY, 0);
    templateOf(stack).resourceCountIs('AWS::Route53::RecordSet', 0);
    templateOf(stack).resourceCountIs(SET, 1);
  });

  test('may be one address', () => {
    const stack = inGermany();
    const emailIdentity = EmailIdentity.fromEmailIdentityName(stack, 'Company', 'shop@example.com');
    const mail = new Mail(stack, 'Mail', { emailIdentity });
    expect(mail.containerEnvironment.DEFAULT_FROM_EMAIL).toBe('shop@example.com');
  });

  test('of another stack serves two applications, each with a configuration set of its own', () => {
    const app = new App();
    const shared = new EmailIdentity(new Stack(app, 'Company'), 'Identity', {
      identity: Identity.domain('example.com'),
    });
    const sites = ['Shop', 'Blog'].map((id) => new Stack(app, id));
    for (const stack of sites) {
      const policy = new ManagedPolicy(stack, 'Policy');
      new Mail(stack, 'Mail', { emailIdentity: shared }).grantSend(policy);
    }
    for (const stack of sites) {
      templateOf(stack).resourceCountIs(SET, 1);
      templateOf(stack).resourceCountIs(IDENTITY, 0);
      const { resource } = only(templateOf(stack), 'AWS::IAM::ManagedPolicy');
      expect(JSON.stringify(resource.Properties.PolicyDocument)).toContain('Fn::ImportValue');
    }
  });

  test('is used as it is with a configuration set of its own, also of another region', () => {
    const stack = inGermany();
    const mail = Mail.fromMailAttributes(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityArn(stack, 'Company', NAMED.replace('eu-central-1', 'eu-west-1')),
      configurationSet: ConfigurationSet.fromConfigurationSetName(stack, 'Set', 'company'),
      fromAddresses: ['shop@example.com'],
    });
    expect(mail.containerEnvironment).toEqual({
      DEFAULT_FROM_EMAIL: 'shop@example.com',
      AWS_SES_REGION_NAME: 'eu-west-1',
      AWS_SES_CONFIGURATION_SET: 'company',
    });
    expect(granted(stack, mail).Resource[1]).toEqual({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ses:eu-west-1:111122223333:configuration-set/company']],
    });
  });

  test('without a configuration set is measured by the account', () => {
    const stack = inGermany();
    const mail = Mail.fromMailAttributes(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Company', 'example.com'),
    });
    expect(mail.metricBounceRate().dimensions).toBeUndefined();
    expect(mail.containerEnvironment).toEqual({
      DEFAULT_FROM_EMAIL: 'no-reply@example.com',
      AWS_SES_REGION_NAME: 'eu-central-1',
    });
    expect(granted(stack, mail).Resource).not.toEqual(expect.any(Array));
  });
});

describe('where CloudFormation has no resources of Amazon SES', () => {
  const warningsIn = (region: string) => {
    const { stack } = made({}, testStack({ env: { ...ENV, region } }));
    return Annotations.fromStack(stack).findWarning(
      '*',
      Match.stringLikeRegexp(`no resources of Amazon SES in ${region}`),
    );
  };

  test.each(WITHOUT_SES)('%s: a warning says what to do', (region) => {
    const [{ id, entry }] = warningsIn(region);
    expect(id).toBe('/Shop/Mail');
    expect(entry.data).toContain('`Mail.fromMailAttributes()` as `outgoingMail`');
  });

  test('other Regions have it', () => {
    expect(warningsIn('eu-central-1')).toEqual([]);
  });

  test('mail that is brought needs none', () => {
    const stack = testStack({ env: { ...ENV, region: 'ap-east-1' } });
    Mail.fromMailAttributes(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Company', 'example.com'),
    });
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });
});

describe('what only the deployment knows', () => {
  test('is no list of addresses: DEFAULT_FROM_EMAIL is the first of them', () => {
    const fromAddresses = Token.asList({ Ref: 'Addresses' });
    expect(errorOf(() => made({ fromAddresses }))).toContain('Shop/Mail: `fromAddresses`');
    const stack = inGermany();
    const emailIdentity = EmailIdentity.fromEmailIdentityName(stack, 'Company', 'example.com');
    const act = () => Mail.fromMailAttributes(stack, 'Mail', { emailIdentity, fromAddresses });
    expect(errorOf(act)).toContain('Shop/Mail: `fromAddresses`');
  });

  test('may be the identity: then every address is taken, and what is no address is refused all the same', () => {
    const of = (...fromAddresses: string[]) => {
      const stack = inGermany();
      const name = new CfnParameter(stack, 'Identity').valueAsString;
      const emailIdentity = EmailIdentity.fromEmailIdentityName(stack, 'Company', name);
      return Mail.fromMailAttributes(stack, 'Mail', { emailIdentity, fromAddresses });
    };
    expect(of('shop@example.org').containerEnvironment.DEFAULT_FROM_EMAIL).toBe('shop@example.org');
    expect(errorOf(() => of('shop'))).toContain('`fromAddresses[0]` must be an e-mail address in ASCII');
  });
});
