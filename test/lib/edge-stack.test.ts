import { App, Fn, Stack } from 'aws-cdk-lib';
import { CfnDistribution } from 'aws-cdk-lib/aws-cloudfront';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { HostedZone, PrivateHostedZone, PublicHostedZone } from 'aws-cdk-lib/aws-route53';
import { Profile } from '../../constructs/core/profile';
import { EdgeStack, type EdgeStackProps } from '../../lib/edge-stack';
import { complianceOf } from '../../scripts/compliance';
import { Annotations, errorOf, Match, only, templateOf } from '../support';
import { edgeIn } from './edge-in';

const EDGE = { account: '111122223333', region: 'us-east-1' };
const FRANKFURT = { account: '111122223333', region: 'eu-central-1' };

function zone(stack: Stack, zoneName = 'example.com') {
  return HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789', zoneName });
}

function edgeStack(props: Partial<EdgeStackProps> & { readonly named?: boolean } = {}) {
  const { named = true, ...given } = props;
  const app = new App();
  const consumer = new Stack(app, 'Shop', { env: FRANKFURT });
  const names = named ? { domainNames: ['shop.example.com', 'www.example.com'], hostedZone: zone(consumer) } : {};
  return { app, consumer, edge: new EdgeStack(app, 'Edge', { env: EDGE, ...names, ...given }) };
}

describe('with names and in production', () => {
  const { consumer, edge } = edgeStack({ firewallOptions: { rateLimit: 500, uploadPaths: ['/files/*'] } });
  const certificate = edge.certificateFor(consumer);
  const webAclArn = edge.webAclArnFor(consumer);
  new CfnDistribution(consumer, 'Distribution', {
    distributionConfig: {
      enabled: true,
      defaultCacheBehavior: { targetOriginId: 'app', viewerProtocolPolicy: 'https-only' },
      viewerCertificate: { acmCertificateArn: certificate.certificateArn },
      webAclId: webAclArn,
    },
  });
  const template = templateOf(edge);

  test('has a certificate for all names, validated in the zone', () => {
    template.hasResourceProperties('AWS::CertificateManager::Certificate', {
      DomainName: 'shop.example.com',
      SubjectAlternativeNames: ['www.example.com'],
      ValidationMethod: 'DNS',
      DomainValidationOptions: [
        { DomainName: 'shop.example.com', HostedZoneId: 'Z0123456789' },
        { DomainName: 'www.example.com', HostedZoneId: 'Z0123456789' },
      ],
    });
  });

  test('keeps the certificate that a change replaces, and deletes the last one with itself', () => {
    const { resource } = only(template, 'AWS::CertificateManager::Certificate');
    expect(resource.UpdateReplacePolicy).toBe('Retain');
    expect(resource.DeletionPolicy).toBe('Delete');
  });

  test('has a firewall for CloudFront as it is told, whose logs its own key encrypts', () => {
    const { Scope, Rules } = only(template, 'AWS::WAFv2::WebACL').resource.Properties;
    expect(Scope).toBe('CLOUDFRONT');
    expect(Rules[0].Statement.RateBasedStatement.Limit).toBe(500);
    const { id } = only(template, 'AWS::KMS::Key');
    template.hasResourceProperties('AWS::Logs::LogGroup', { KmsKeyId: { 'Fn::GetAtt': [id, 'Arn'] } });
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  test('is read by stacks of other Regions by the names of its outputs, without exports and functions', () => {
    const read = (OutputName: string) => ({
      'Fn::GetStackOutput': { StackName: 'Edge', Region: 'us-east-1', OutputName },
    });
    expect(consumer.resolve(certificate.certificateArn)).toEqual(read('CertificateArn'));
    expect(consumer.resolve(webAclArn)).toEqual(read('WebAclArn'));
    const { CertificateArn, WebAclArn } = template.toJSON().Outputs;
    expect(CertificateArn.Value).toEqual({ Ref: only(template, 'AWS::CertificateManager::Certificate').id });
    expect(WebAclArn.Value).toEqual({ 'Fn::GetAtt': [only(template, 'AWS::WAFv2::WebACL').id, 'Arn'] });
    expect([CertificateArn.Export, WebAclArn.Export]).toEqual([undefined, undefined]);
    expect(consumer.dependencies).toEqual([edge]);
    expect(Stack.of(certificate).region).toBe('us-east-1');
    expect(edge.certificateFor(consumer)).toBe(certificate);
    template.resourceCountIs('AWS::Lambda::Function', 0);
  });

  test('says nothing of references, which the CDK would warn of', () => {
    templateOf(consumer);
    Annotations.fromStack(consumer).hasNoWarning('*', Match.anyValue());
    Annotations.fromStack(edge).hasNoWarning('*', Match.anyValue());
  });
});

test('in development it is a certificate and nothing that is paid', () => {
  const { edge } = edgeStack({ profile: Profile.development() });
  expect(Object.values(templateOf(edge).toJSON().Resources).map((each) => (each as { Type: string }).Type)).toEqual([
    'AWS::CertificateManager::Certificate',
  ]);
  expect(edge.webFirewall).toBeUndefined();
});

test('without names there is a firewall, and asking for a certificate is an error', () => {
  const { consumer, edge } = edgeStack({ named: false });
  templateOf(edge).resourceCountIs('AWS::CertificateManager::Certificate', 0);
  expect(edge.certificate).toBeUndefined();
  expect(errorOf(() => edge.certificateFor(consumer))).toBe(
    'Edge: `domainNames` must be given for `certificateFor()`, got undefined. A certificate is made for them: without them the distribution answers under its own name, and needs none.',
  );
});

test('without a firewall, asking for its web ACL is an error', () => {
  const { consumer, edge } = edgeStack({ profile: Profile.development() });
  expect(errorOf(() => edge.webAclArnFor(consumer))).toBe(
    'Edge: `webFirewall` must be true for `webAclArnFor()`, got false. Set it, or take Profile.production(): this stack has no firewall.',
  );
});

test('options of a firewall that the profile leaves out are warned of', () => {
  const warned = (props: Partial<EdgeStackProps>) =>
    Annotations.fromStack(edgeStack({ firewallOptions: { rateLimit: 500, uploadPaths: ['/files/*'] }, ...props }).edge)
      .findWarning('*', Match.anyValue())
      .map(({ id, entry }) => `${id}: ${entry.data}`);
  expect(warned({ profile: Profile.development() })).toEqual([
    expect.stringMatching(
      /^\/Edge: `firewallOptions` has no effect: `webFirewall` of Profile\.development\(\) is false\./,
    ),
  ]);
  expect(warned({})).toEqual([]);
  expect(warned({ profile: Profile.development(), webFirewall: true })).toEqual([]);
});

test('a firewall is there in development where it is asked for, and not in production where it is brought', () => {
  const firewalls = (props: Partial<EdgeStackProps>) =>
    Object.keys(templateOf(edgeStack(props).edge).findResources('AWS::WAFv2::WebACL')).length;
  expect(firewalls({ profile: Profile.development(), webFirewall: true })).toBe(1);
  expect(firewalls({ webFirewall: false })).toBe(0);
});

test('is in us-east-1 where it is not told', () => {
  expect(edgeStack({ env: undefined }).edge.region).toBe('us-east-1');
});

test('names are compared as DNS does', () => {
  const { edge } = edgeStack({ domainNames: ['Shop.Example.com'] });
  templateOf(edge).hasResourceProperties('AWS::CertificateManager::Certificate', { DomainName: 'shop.example.com' });
});

describe('a zone that another stack makes', () => {
  const made = (env?: typeof FRANKFURT) => {
    const app = new App({ context: { '@aws-cdk/core:defaultCrossStackReferences': 'strong' } });
    const dns = new Stack(app, 'Dns', { env });
    const hostedZone = new PublicHostedZone(dns, 'Zone', { zoneName: 'example.com' });
    return {
      dns,
      hostedZone,
      make: () => new EdgeStack(app, 'Edge', { domainNames: ['shop.example.com'], hostedZone }),
    };
  };

  test('is read by a weak reference, whatever the app says', () => {
    const { dns, make } = made(FRANKFURT);
    const edge = make();
    const [{ HostedZoneId }] = only(templateOf(edge), 'AWS::CertificateManager::Certificate').resource.Properties
      .DomainValidationOptions;
    expect(HostedZoneId['Fn::GetStackOutput']).toMatchObject({ StackName: 'Dns', Region: 'eu-central-1' });
    expect(Object.keys(templateOf(dns).toJSON().Outputs)).toContain(HostedZoneId['Fn::GetStackOutput'].OutputName);
    templateOf(edge).resourceCountIs('AWS::Lambda::Function', 0);
  });

  test('is refused where the Region of that stack is not known', () => {
    const { make } = made();
    expect(errorOf(make)).toContain('Edge: `hostedZone` must have an id that is known at synthesis, or be made in');
  });
});

describe('refuses', () => {
  const refusal = (props: (stack: Stack) => Partial<EdgeStackProps>) =>
    errorOf(() => edgeStack(props(new Stack(new App(), 'Elsewhere', { env: FRANKFURT }))));

  test.each<[string, string, (stack: Stack) => Partial<EdgeStackProps>]>([
    ['another Region', 'env.region', () => ({ env: FRANKFURT })],
    ['names without a zone', 'hostedZone', () => ({ hostedZone: undefined })],
    ['a zone without names', 'hostedZone', () => ({ domainNames: undefined })],
    ['a name of another zone', 'domainNames[0]', () => ({ domainNames: ['shop.example.org'] })],
    ['a wildcard', 'domainNames[0]', () => ({ domainNames: ['*.example.com'] })],
    ['a name twice', 'domainNames', () => ({ domainNames: ['a.example.com', 'A.example.com'] })],
    ['eleven names', 'domainNames', () => ({ domainNames: [...'abcdefghijk'].map((name) => `${name}.example.com`) })],
    ['a long first name', 'domainNames[0]', () => ({ domainNames: [`${'s'.repeat(60)}.example.com`] })],
    ['a name that is not known', 'domainNames', () => ({ domainNames: [Fn.importValue('Name')] })],
    [
      'a private zone',
      'hostedZone',
      (stack) => ({
        hostedZone: new PrivateHostedZone(stack, 'Private', { zoneName: 'example.com', vpc: new Vpc(stack, 'Vpc') }),
      }),
    ],
    [
      'a zone without a name',
      'hostedZone',
      (stack) => ({ hostedZone: HostedZone.fromHostedZoneId(stack, 'Id', 'Z1') }),
    ],
    [
      'a zone of another app',
      'hostedZone',
      (stack) => ({
        hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Other', {
          hostedZoneId: Fn.importValue('ZoneId'),
          zoneName: 'example.com',
        }),
      }),
    ],
    ['a string for the names', 'domainNames', () => ({ domainNames: 'shop.example.com' as unknown as string[] })],
  ])('%s', (_, prop, props) => {
    expect(refusal(props)).toMatch(new RegExp(`^Edge: \`${prop.replace(/[[\].]/g, '\\$&')}\` must `));
  });
});

test('four rule packs find nothing in it, and nothing is acknowledged', () => {
  const found = complianceOf((props) => edgeIn(props, false));
  expect(found.map(({ findings, acknowledgements }) => [findings, acknowledgements])).toEqual([
    [[], []],
    [[], []],
    [[], []],
    [[], []],
  ]);
});
