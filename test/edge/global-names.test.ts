import { App, Stack } from 'aws-cdk-lib';
import { Profile } from '../../constructs/core/profile';
import { Cdn } from '../../constructs/edge/cdn';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { UrlSigningKeys } from '../../constructs/storage/url-signing-keys';
import { templateOf, testVpc } from '../support';

const END = '0123456789ab';
const STACK_ID = `arn:aws:cloudformation:eu-west-1:111122223333:stack/Shop/51af3dc0-da77-11e4-872e-${END}`;
/** What CloudFront takes as the name of each, in characters. */
const LONGEST: { readonly [type: string]: number } = {
  CachePolicy: 128,
  Function: 64,
  OriginAccessControl: 64,
  OriginRequestPolicy: 128,
  ResponseHeadersPolicy: 128,
  VpcOrigin: 64,
};

/** The names of everything of CloudFront that has one, by type. */
function namesIn(id: string): [type: string, name: string][] {
  const stack = new Stack(new App(), id);
  const profile = Profile.development();
  new Cdn(stack, 'Cdn', {
    profile,
    loadBalancer: new HttpsLoadBalancer(stack, 'Balancer', { vpc: testVpc(stack), behindDistribution: true, profile }),
    mediaStorage: new MediaStorage(stack, 'Media', { profile }),
    urlSigningKeys: new UrlSigningKeys(stack, 'Keys', { profile }),
    staticFiles: new StaticFiles(stack, 'StaticFiles', { profile }),
    publicMediaPaths: ['/public/*'],
    signedMediaPaths: ['/media/*'],
    cachedPaths: ['/news/*'],
  });
  return Object.values(templateOf(stack).toJSON().Resources as object).flatMap(({ Type, Properties }) => {
    const type = Type.replace('AWS::CloudFront::', '');
    const { Name } = type === 'Function' ? Properties : (Object.values(Properties ?? {})[0] ?? {});
    return type in LONGEST ? [[type, nameFor(Name)]] : [];
  });
}

/** A name as a stack of a given id has it. */
function nameFor(given: unknown): string {
  const uuid = JSON.stringify({ 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] });
  const end = `{"Fn::Select":[4,{"Fn::Split":["-",${uuid}]}]}`;
  const text = JSON.stringify(given).replaceAll(end, JSON.stringify(STACK_ID.split('-').pop()));
  const { 'Fn::Join': join } = JSON.parse(text);
  return join === undefined ? JSON.parse(text) : join[1].join(join[0]);
}

describe.each(['Shop', `Shop${'-of-a-company-with-a-long-name'.repeat(4)}`])('of the stack %s', (id) => {
  const names = namesIn(id);

  test('everything of CloudFront has a name of the stack alone: an account has it once for all Regions', () => {
    expect(new Set(names.map(([type]) => type))).toEqual(new Set(Object.keys(LONGEST)));
    for (const [, name] of names) {
      expect(name).toMatch(new RegExp(`^[\\w-]+-${END}$`));
    }
    expect(new Set(names.map(([, name]) => name)).size).toBe(names.length);
  });

  test.each(names)('the name of a %s fits: %s', (type, name) => {
    expect(name.length).toBeLessThanOrEqual(LONGEST[type]);
  });
});
