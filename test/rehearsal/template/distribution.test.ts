import { chooseAction, forwardsTo, hostPatterns } from '../../../rehearsal/edge/listener-rules';
import type { Template } from '../../../rehearsal/template/assembly';
import {
  readDistribution,
  registerDistribution,
  unreachableFor,
  viewerListeners,
} from '../../../rehearsal/template/distribution';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { readListeners, readLoadBalancer } from '../../../rehearsal/template/listeners';
import { templateOf, testStack } from '../../support';
import { wholeApplication } from '../../wiring/whole-application';

const NAME = 'rehearsal.cloudfront.net';

function read(options: Parameters<typeof wholeApplication>[1]) {
  const stack = testStack();
  wholeApplication(stack, options);
  const template = templateOf(stack).toJSON() as Template;
  const intrinsics = new Intrinsics({ template, stackName: 'Shop', region: 'eu-central-1', account: '123456789012' });
  for (const id of Object.keys(template.Resources)) {
    intrinsics.register(id, { ref: id });
  }
  return { template, intrinsics };
}

test('a stack without a distribution has none', () => {
  const { template, intrinsics } = read({});
  expect(registerDistribution(intrinsics)).toBeUndefined();
  expect(readDistribution(intrinsics, template)).toBeUndefined();
  expect(readLoadBalancer(intrinsics)).not.toHaveProperty('preservesForwardedFor');
});

test.each([
  ['without a distribution', {}, false, undefined],
  ['with one', { cdn: {} }, false, undefined],
  ['behind one of another stack', { cdn: {} }, true, 'X-Origin-Key'],
])('a stack %s says which secret it cannot be reached without', (_, options, isElsewhere, header) => {
  const { template, intrinsics } = read(options);
  for (const [id, { Type }] of Object.entries(template.Resources)) {
    if (isElsewhere && Type === 'AWS::CloudFront::Distribution') {
      delete template.Resources[id];
    }
  }
  expect(unreachableFor(intrinsics)).toBe(header);
});

describe('a distribution before a load balancer', () => {
  const { template, intrinsics } = read({ cdn: {} });
  const registered = registerDistribution(intrinsics);
  const found = readDistribution(intrinsics, template);
  const origin = readListeners(intrinsics)[0];

  test('has a name of this machine', () => {
    const [id] =
      Object.entries(template.Resources).find(([, { Type }]) => Type === 'AWS::CloudFront::Distribution') ?? [];
    expect(registered).toBe(NAME);
    expect(intrinsics.resolve({ 'Fn::GetAtt': [id, 'DomainName'] })).toBe(NAME);
    expect(found?.names).toEqual([NAME]);
  });

  test('has the header that the rules ask for, and its behaviors', () => {
    expect(Object.keys(found?.originHeaders ?? {})).toEqual(['X-Origin-Key']);
    expect(found?.originHeaders['X-Origin-Key']).toMatch(/^\{\{resolve:secretsmanager:\w+:SecretString:::\}\}$/);
    expect(found?.readTimeout).toBe(60);
    expect(found?.behaviors.map(({ pathPattern }) => pathPattern)).toEqual(['/static/*', '*']);
    expect(found?.behaviors[0].allowedMethods).toEqual(['GET', 'HEAD', 'OPTIONS']);
    expect(found?.behaviors[1]).toMatchObject({ viewerProtocolPolicy: 'redirect-to-https', tellsProtocol: true });
    expect(found?.behaviors[1].viewerFunction).toContain('event.viewer.ip');
    expect(found?.behaviors[1].responseHeaders).toEqual([
      { name: 'strict-transport-security', value: 'max-age=31536000', override: true },
      { name: 'x-content-type-options', value: 'nosniff', override: true },
      { name: 'x-frame-options', value: 'DENY', override: true },
    ]);
  });

  test('says who the visitor is: its load balancer adds nobody', () => {
    expect(readLoadBalancer(intrinsics)).toMatchObject({ preservesForwardedFor: true });
  });

  test('meets visitors on two ports, and its load balancer nobody without the secret', () => {
    const [https, plain] = viewerListeners(found as NonNullable<typeof found>, origin);
    const asked = { host: NAME, path: '/', method: 'GET', headers: {} };
    expect(forwardsTo(chooseAction(origin.rules, origin.defaultActions, asked))).toBeUndefined();
    expect(forwardsTo(chooseAction(https.rules, https.defaultActions, asked))).toBeDefined();
    expect(https.rules.flatMap(hostPatterns)).toEqual([NAME, NAME]);
    expect([https.port, https.secure, plain.port, plain.secure]).toEqual([443, true, 80, false]);
    expect(plain.defaultActions[0].Type).toBe('redirect');
  });
});

describe('a distribution with media files', () => {
  const { template, intrinsics } = read({
    cdn: { publicMediaPaths: ['/public/*'], signedMediaPaths: ['/media/*'] },
    media: {},
  });
  const [keys] = Object.entries(template.Resources).find(([, { Type }]) => Type === 'Custom::UrlSigningKeys') ?? [''];
  const [media] = Object.entries(template.Resources).find(
    ([id, { Type }]) => Type === 'AWS::S3::Bucket' && /Media/.test(id),
  ) ?? [''];
  intrinsics.register(keys, { attributes: { KeyGroupId: 'group' } });
  const found = readDistribution(intrinsics, template);

  test('takes them from their bucket, on its own behalf, and sends nothing on', () => {
    const bucket = { name: media, path: '', signs: true, forwarded: { headers: [], query: [] } };
    expect(found?.behaviors.map(({ pathPattern, bucket: from }) => [pathPattern, from])).toEqual([
      ['/media/*', bucket],
      ['/public/*', bucket],
      ['/static/*', undefined],
      ['*', undefined],
    ]);
    expect(found?.arn).toMatch(/^arn:aws:cloudfront::123456789012:distribution\/\w+$/);
    expect(found?.behaviors[1].responseHeaders.map(({ name }) => name)).toContain('content-security-policy');
  });

  test('asks for a signature where the template has a key group', () => {
    expect(found?.behaviors.map(({ trustedKeyGroups }) => trustedKeyGroups)).toEqual([['group'], [], [], []]);
  });

  test('does not sign without access control, and knows no origin that is elsewhere', () => {
    const changed = structuredClone(template);
    const distribution = Object.values(changed.Resources).find(({ Type }) => Type === 'AWS::CloudFront::Distribution');
    const [, origin] = distribution?.Properties?.DistributionConfig.Origins ?? [];
    delete origin.OriginAccessControlId;
    origin.OriginPath = '/folder';
    expect(readDistribution(intrinsics, changed)?.behaviors[1].bucket).toMatchObject({ signs: false, path: '/folder' });
    origin.DomainName = 'files.example.org';
    expect(readDistribution(intrinsics, changed)?.behaviors[1]).toMatchObject({ elsewhere: 'files.example.org' });
  });
});
