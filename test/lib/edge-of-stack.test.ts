import { join } from 'node:path';
import { App, DefaultStackSynthesizer, Fn, PermissionsBoundary, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Profile } from '../../constructs/core/profile';
import { DjangoStack, type DjangoStackProps } from '../../lib/django-stack';
import { DjangoStage } from '../../lib/django-stage';
import { edgeFor } from '../../lib/edge-for';
import { PipelineStack } from '../../lib/pipeline-stack';
import { complianceOf } from '../../scripts/compliance';
import { errorOf, only, templateOf } from '../support';

const FRANKFURT = { account: '111122223333', region: 'eu-central-1' };
const VIRGINIA = { account: '111122223333', region: 'us-east-1' };
const DOMAIN = { domainName: 'shop.example.com', hostedZoneId: 'Z0123456789ABCDEFGHIJ' };
const WEB_ACL_ARN = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/11111111-2222-3333-4444-555555555555';

const common = () => ({
  image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
  settingsModule: 'config.settings',
  firewallOptions: { uploadPaths: ['/admin/*'], rateLimit: 500 },
  cdn: {},
});

function shop(props: Partial<DjangoStackProps>, app = new App()): DjangoStack {
  return new DjangoStack(app, 'Shop', { ...common(), ...props });
}

function production(props: Partial<DjangoStackProps> = {}): DjangoStack {
  return shop({ env: FRANKFURT, ...DOMAIN, ...props });
}

/** What the distribution of a stack is told of certificate and firewall. */
function viewerOf(stack: DjangoStack) {
  const { DistributionConfig } = only(templateOf(stack), 'AWS::CloudFront::Distribution').resource.Properties;
  const { ViewerCertificate, WebACLId, Aliases } = DistributionConfig;
  return { certificate: ViewerCertificate?.AcmCertificateArn, webAcl: WebACLId, aliases: Aliases };
}

const read = (OutputName: string, StackName = 'Shop-Edge-eu-central-1') => ({
  'Fn::GetStackOutput': { StackName, Region: 'us-east-1', OutputName },
});

/** A certificate of us-east-1 that is there already. */
function brought(
  certificateArn = 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
) {
  return Certificate.fromCertificateArn(new Stack(new App(), 'Elsewhere', { env: VIRGINIA }), 'Cert', certificateArn);
}

describe('in production, with account and region', () => {
  const stack = production();

  test('certificate and firewall are in a stack of us-east-1, which is deployed before', () => {
    expect(stack.edge?.stackName).toBe('Shop-Edge-eu-central-1');
    expect(stack.edge?.environment).toBe('aws://111122223333/us-east-1');
    expect(stack.dependencies).toEqual([stack.edge]);
    expect(stack.edge?.dependencies).toEqual([]);
  });

  test('the distribution reads both, and the load balancer has a certificate of its own Region', () => {
    expect(viewerOf(stack)).toEqual({
      certificate: read('CertificateArn'),
      webAcl: read('WebAclArn'),
      aliases: ['shop.example.com'],
    });
    templateOf(stack).resourceCountIs('AWS::CertificateManager::Certificate', 1);
    templateOf(stack).resourceCountIs('AWS::WAFv2::WebACL', 0);
    expect(stack.application.webFirewall).toBeUndefined();
  });

  test('the firewall there has the options of the application', () => {
    const { Scope, Rules } = only(templateOf(stack.edge as Stack), 'AWS::WAFv2::WebACL').resource.Properties;
    expect([Scope, Rules[0].Statement.RateBasedStatement.Limit]).toEqual(['CLOUDFRONT', 500]);
  });

  test('neither stack uses what a flat-rate plan leaves out', () => {
    const text = JSON.stringify([stack, stack.edge as Stack].map((each) => templateOf(each).toJSON()));
    const leftOut = [
      'LambdaFunctionAssociations',
      'RealtimeLogConfigArn',
      'FieldLevelEncryptionId',
      'ContinuousDeploymentPolicyId',
      'ForwardedValues',
      'OriginAccessIdentity',
      'Captcha',
    ];
    expect(leftOut.filter((name) => text.includes(`"${name}"`))).toEqual([]);
    const vendors = [...text.matchAll(/"VendorName":"([^"]*)"/g)].map(([, vendor]) => vendor);
    expect(new Set(vendors)).toEqual(new Set(['AWS']));
    expect(text).not.toMatch(/AWSManagedRules(BotControl|ATP|ACFP)RuleSet/);
  });

  test('the stack with data alone is protected against termination: AWS refuses to delete what is in use', () => {
    expect([stack.terminationProtection, stack.edge?.terminationProtection]).toEqual([true, false]);
  });
});

describe('as the stack of the application is deployed, so is the other one', () => {
  const stack = production({
    synthesizer: new DefaultStackSynthesizer({ qualifier: 'shops' }),
    tags: { team: 'shop' },
    permissionsBoundary: PermissionsBoundary.fromName('Shops'),
    notificationArns: ['arn:aws:sns:eu-central-1:111122223333:deployments'],
  });
  const edge = stack.edge as Stack;
  new Role(edge, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const assembly = (stack.node.root as App).synth();
  const artifacts = [stack, edge].map(({ artifactId }) => assembly.getStackArtifact(artifactId));

  test('with its qualifier', () => {
    expect(artifacts.map(({ assumeRoleArn }) => assumeRoleArn)).toEqual([
      expect.stringContaining('/cdk-shops-deploy-role-111122223333-eu-central-1'),
      expect.stringContaining('/cdk-shops-deploy-role-111122223333-us-east-1'),
    ]);
  });

  test('with its tags', () => {
    expect(artifacts.map(({ tags }) => tags)).toEqual([{ team: 'shop' }, { team: 'shop' }]);
  });

  test('with its boundary of permissions', () => {
    const { PermissionsBoundary: boundary } = only(templateOf(edge), 'AWS::IAM::Role').resource.Properties;
    expect(JSON.stringify(boundary)).toContain(':policy/Shops');
  });

  test('without its topics of notifications, which are of one Region', () => {
    expect(artifacts.map(({ notificationArns }) => notificationArns?.length ?? 0)).toEqual([1, 0]);
  });

  test('a synthesizer for one stack alone is refused, unless there is no other', () => {
    const once = () => Object.assign(new DefaultStackSynthesizer(), { reusableBind: undefined });
    expect(errorOf(() => production({ synthesizer: once() }))).toMatch(
      /^Shop: `synthesizer` must be one that several stacks can share, /,
    );
    const cdn = { certificate: brought(), webAclArn: WEB_ACL_ARN };
    expect(production({ synthesizer: once(), cdn, firewallOptions: undefined }).edge).toBeUndefined();
  });
});

test('what makes a new certificate changes the template of the application, which the CDK would skip otherwise', () => {
  const before = production();
  const changes: Partial<DjangoStackProps>[] = [
    { domainName: undefined, domainNames: ['shop.example.com', 'www.example.com'] },
    { domainName: 'store.example.com' },
    { hostedZoneId: 'Z9876543210ABCDEFGHIJ' },
  ];
  const certificateOf = (stack: DjangoStack) =>
    only(templateOf(stack.edge as Stack), 'AWS::CertificateManager::Certificate').resource.Properties;
  for (const change of changes) {
    const after = production(change);
    expect(certificateOf(after)).not.toEqual(certificateOf(before));
    expect(templateOf(after).toJSON()).not.toEqual(templateOf(before).toJSON());
  }
});

test('in development there is a certificate, and without a domain no second stack at all', () => {
  const profile = Profile.development();
  const named = production({ profile, firewallOptions: undefined });
  expect(viewerOf(named)).toMatchObject({ certificate: read('CertificateArn'), webAcl: undefined });
  const nameless = shop({ env: FRANKFURT, profile, firewallOptions: undefined });
  expect(nameless.edge).toBeUndefined();
  expect(viewerOf(nameless)).toEqual({ certificate: undefined, webAcl: undefined, aliases: undefined });
});

test('in us-east-1 there is no second stack: the firewall is before the distribution, and one certificate does', () => {
  const stack = production({ env: VIRGINIA });
  expect(stack.edge).toBeUndefined();
  const template = templateOf(stack);
  const { id, resource } = only(template, 'AWS::WAFv2::WebACL');
  expect(resource.Properties.Scope).toBe('CLOUDFRONT');
  template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
  expect(viewerOf(stack)).toMatchObject({
    certificate: { Ref: only(template, 'AWS::CertificateManager::Certificate').id },
    webAcl: { 'Fn::GetAtt': [id, 'Arn'] },
  });
});

describe('without account or region there is no second stack', () => {
  test.each<[string, DjangoStackProps['env']]>([
    ['neither', undefined],
    ['no account', { region: 'eu-central-1' }],
    ['no region', { account: '111122223333' }],
  ])('with %s: a domain without a certificate from us-east-1 is refused', (_, env) => {
    expect(errorOf(() => production({ env }))).toMatch(
      /^Shop\/App: `cdn\.certificate` must be given beside `domainNames?`/,
    );
  });

  test('with a certificate the firewall stays at the load balancer, and counts by what the distribution says', () => {
    const stack = production({ env: undefined, cdn: { certificate: brought() } });
    expect(stack.edge).toBeUndefined();
    const { Scope, Rules } = only(templateOf(stack), 'AWS::WAFv2::WebACL').resource.Properties;
    expect(Scope).toBe('REGIONAL');
    expect(Rules[0].Statement.RateBasedStatement.AggregateKeyType).not.toBe('IP');
    templateOf(stack).resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
    expect(viewerOf(stack)).toMatchObject({ certificate: brought().certificateArn, webAcl: undefined });
  });

  test('with both brought there is no firewall of ours', () => {
    const cdn = { certificate: brought(), webAclArn: WEB_ACL_ARN };
    const stack = production({ env: undefined, cdn, firewallOptions: undefined });
    templateOf(stack).resourceCountIs('AWS::WAFv2::WebACL', 0);
    expect(viewerOf(stack)).toMatchObject({ certificate: brought().certificateArn, webAcl: WEB_ACL_ARN });
  });
});

describe('what is brought is not made', () => {
  test('a certificate', () => {
    const stack = production({ cdn: { certificate: brought() } });
    templateOf(stack.edge as Stack).resourceCountIs('AWS::CertificateManager::Certificate', 0);
    expect(viewerOf(stack)).toMatchObject({ certificate: brought().certificateArn, webAcl: read('WebAclArn') });
  });

  test('a web ACL', () => {
    const stack = production({ cdn: { webAclArn: WEB_ACL_ARN }, firewallOptions: undefined });
    templateOf(stack.edge as Stack).resourceCountIs('AWS::WAFv2::WebACL', 0);
    expect(viewerOf(stack)).toMatchObject({ certificate: read('CertificateArn'), webAcl: WEB_ACL_ARN });
  });

  test('both, also as tokens: no second stack', () => {
    const cdn = { certificate: brought(Fn.importValue('Certificate')), webAclArn: Fn.importValue('WebAcl') };
    const stack = production({ cdn, firewallOptions: undefined });
    expect(stack.edge).toBeUndefined();
    expect(viewerOf(stack)).toMatchObject({
      certificate: { 'Fn::ImportValue': 'Certificate' },
      webAcl: { 'Fn::ImportValue': 'WebAcl' },
    });
  });

  test('options of a firewall are refused beside a web ACL', () => {
    expect(errorOf(() => production({ cdn: { webAclArn: WEB_ACL_ARN } }))).toContain(
      'Shop/App: `firewallOptions` must',
    );
  });
});

test('stacks of one name in two Regions have an edge each', () => {
  const names = ['eu-central-1', 'eu-west-1'].map(
    (region) => production({ env: { ...FRANKFURT, region } }).edge?.stackName,
  );
  expect(names).toEqual(['Shop-Edge-eu-central-1', 'Shop-Edge-eu-west-1']);
});

test('without a distribution there is no second stack', () => {
  expect(production({ cdn: undefined }).edge).toBeUndefined();
});

test('a wrong name is called by the prop that it was written in', () => {
  expect(errorOf(() => production({ domainName: 'shop.example.org', hostedZoneName: 'example.com' }))).toMatch(
    /^Shop\/(Edge|App\/LoadBalancer): `domainName` must lie in the hosted zone example\.com, got "shop\.example\.org"/,
  );
});

test.each([
  ['in two Regions', FRANKFURT],
  ['in us-east-1', VIRGINIA],
])('%s four rule packs find nothing in production', (_, env) => {
  const found = complianceOf((props) => {
    const app = new App(props);
    const profile = Profile.production({ containerInsights: ContainerInsights.ENHANCED }); // The packs ask for them.
    shop({ env, ...DOMAIN, profile }, app);
    return app;
  });
  expect(found.flatMap(({ pack, findings }) => findings.map(({ rule, path }) => `${pack} ${rule} ${path}`))).toEqual(
    [],
  );
});

test('a pipeline deploys the stack of us-east-1 before that of the application', () => {
  const app = new App();
  const stage = (id: string) => new DjangoStage(app, id, { env: FRANKFURT, application: { ...common(), ...DOMAIN } });
  const made = new PipelineStack(app, 'Pipeline', {
    env: FRANKFURT,
    repository: 'example/shop',
    connectionArn: 'arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555',
    staging: stage('Staging'),
    production: stage('Production'),
  });
  const { Stages, ArtifactStores } = only(templateOf(made), 'AWS::CodePipeline::Pipeline').resource.Properties;
  const { Actions } = Stages.find(({ Name }: { Name: string }) => Name === 'Staging');
  const order = (name: string, region: string) =>
    Actions.filter((each: { Region?: string; Configuration?: { StackName?: string } }) => {
      return each.Configuration?.StackName === name && (each.Region ?? 'eu-central-1') === region;
    }).map(({ RunOrder }: { RunOrder: number }) => RunOrder);
  const first = order('Staging-Django-Edge-eu-central-1', 'us-east-1');
  const second = order('Staging-Django', 'eu-central-1');
  expect(first).toHaveLength(2);
  expect(second).toHaveLength(2);
  expect(Math.max(...first)).toBeLessThan(Math.min(...second));
  expect(ArtifactStores.map(({ Region }: { Region: string }) => Region).sort()).toEqual(['eu-central-1', 'us-east-1']);
});

test.each([
  ['that the CDK does not know yet is taken for one of the partition that most are in', 'eu-west-9', true],
  ['of another partition has no CloudFront of ours', 'cn-north-1', false],
  ['of CloudFront itself needs no other stack', 'us-east-1', false],
])('a Region %s', (_, region, expected) => {
  const stack = new Stack(new App(), 'Shop', { env: { ...FRANKFURT, region } });
  expect(edgeFor(stack, { cdn: {}, profile: Profile.production() }) !== undefined).toBe(expected);
});
