import { join } from 'node:path';
import { App, Aws, Stack, Fn, Lazy, Duration } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { KeyGroup } from 'aws-cdk-lib/aws-cloudfront';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import * as L from '../lib';
const { DjangoApplication, DjangoStack, Profile, StaticFiles, MediaStorage, UrlSigningKeys, HttpsLoadBalancer, Cdn, EdgeStack, ReleaseCommand, Network } = L;
const dev = Profile.development();
const FRA = { account: '111122223333', region: 'eu-central-1' };
const VIR = { account: '111122223333', region: 'us-east-1' };
const GLOBAL = 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';
const image = ContainerImage.fromRegistry('shop');
const zone = (s: Stack) => HostedZone.fromHostedZoneAttributes(s, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' });
const base = { image, settingsModule: 'config.settings', profile: dev } as const;
const app = (props: (s: Stack) => object, env?: object) => () => { const a = new App(); const s = new Stack(a, 'Shop', { env: env as never }); new DjangoApplication(s, 'App', { ...base, ...props(s) } as never); return a; };
const named = (s: Stack) => ({ domainNames: ['example.com'], hostedZone: zone(s) });
const cases: Record<string, () => App> = {
  'static no domain agnostic': app(() => ({ cdn: {}, staticFiles: {} })),
  'static no domain FRA': app(() => ({ cdn: {}, staticFiles: {} }), FRA),
  'static domain VIR': app((s) => ({ cdn: {}, staticFiles: {}, media: {}, ...named(s) }), VIR),
  'static domain VIR no media': app((s) => ({ cdn: {}, staticFiles: {}, ...named(s) }), VIR),
  'static domain FRA no cert': app((s) => ({ cdn: {}, staticFiles: {}, ...named(s) }), FRA),
  'static domain agnostic': app((s) => ({ cdn: {}, staticFiles: {}, ...named(s) })),
  'static without cdn': app(() => ({ staticFiles: {} })),
  'staticStorage without cdn': app((s) => ({ staticFilesStorage: new StaticFiles(s, 'SF', { profile: dev }) })),
  'both static': app((s) => ({ cdn: {}, staticFiles: {}, staticFilesStorage: new StaticFiles(s, 'SF', { profile: dev }) })),
  'staticStorage other stack': () => { const a = new App(); const o = new Stack(a, 'Other', { env: FRA }); const s = new Stack(a, 'Shop', { env: FRA }); new DjangoApplication(s, 'App', { ...base, cdn: {}, staticFilesStorage: new StaticFiles(o, 'SF', { profile: dev }) }); return a; },
  'mediaStorage other stack with paths': () => { const a = new App(); const o = new Stack(a, 'Other', { env: FRA }); const s = new Stack(a, 'Shop', { env: FRA }); new DjangoApplication(s, 'App', { ...base, cdn: { publicMediaPaths: ['/p/*'] }, mediaStorage: new MediaStorage(o, 'SF', { profile: dev }) }); return a; },
  'mediaStorage other stack wrapped': () => { const a = new App(); const o = new Stack(a, 'Other', { env: FRA }); const s = new Stack(a, 'Shop', { env: FRA }); new DjangoApplication(s, 'App', { ...base, cdn: { publicMediaPaths: ['/p/*'] }, mediaStorage: MediaStorage.fromBucket(s, 'M', new Bucket(o, 'B')) }); return a; },
  'mediaStorage own bucket no block, kms': app((s) => ({ cdn: { publicMediaPaths: ['/p/*'] }, mediaStorage: MediaStorage.fromBucket(s, 'M', new Bucket(s, 'B', { encryption: BucketEncryption.KMS })) })),
  'media brought keys other stack': () => { const a = new App(); const o = new Stack(a, 'Other', { env: FRA }); const s = new Stack(a, 'Shop', { env: FRA }); new DjangoApplication(s, 'App', { ...base, media: {}, cdn: { signedMediaPaths: ['/p/*'] }, urlSigningKeys: new UrlSigningKeys(o, 'K', { profile: dev }) }); return a; },
  'signed, no domain': app(() => ({ media: {}, cdn: { signedMediaPaths: ['/p/*'] } })),
  'keys without cdn': app((s) => ({ urlSigningKeys: new UrlSigningKeys(s, 'K', { profile: dev }) })),
  'keysOptions w/o paths': app(() => ({ urlSigningKeysOptions: { longestLifetime: Duration.hours(2) } })),
  'keysOptions bad': app(() => ({ media: {}, cdn: { signedMediaPaths: ['/p/*'] }, urlSigningKeysOptions: { longestLifetime: Duration.days(200) } })),
  'keysOptions empty paths': app(() => ({ media: {}, cdn: { signedMediaPaths: [] }, urlSigningKeysOptions: { longestLifetime: Duration.days(2) } })),
  'two apps one stack': () => { const a = new App(); const s = new Stack(a, 'Shop', { env: FRA }); for (const id of ['A', 'B']) new DjangoApplication(s, id, { ...base, cdn: { publicMediaPaths: ['/p/*'], signedMediaPaths: ['/m/*'] }, media: {}, staticFiles: {} }); return a; },
  'redirected without domain': app(() => ({ redirectedDomainNames: ['www.example.com'] })),
  'redirected cdn VIR': app((s) => ({ cdn: {}, ...named(s), redirectedDomainNames: ['www.example.com', '*.x.example.com'] }), VIR),
  'redirected priority 1 taken': app((s) => ({ ...named(s), redirectedDomainNames: ['www.example.com'], web: { priority: 1 } }), VIR),
  'redirected wildcard priority 50000 taken': app((s) => ({ ...named(s), redirectedDomainNames: ['*.x.example.com'], web: { priority: 50000 } }), VIR),
  'redirected is a service host': app((s) => ({ domainNames: ['example.com', 'a.example.com'], hostedZone: zone(s), redirectedDomainNames: ['www.example.com'], web: { hostNames: ['www.example.com'] } }), VIR),
  'DjangoStack FRA all': () => { const a = new App(); new DjangoStack(a, 'Shop', { ...base, env: FRA, cdn: { publicMediaPaths: ['/p/*'], signedMediaPaths: ['/m/*'] }, media: {}, staticFiles: {}, domainName: 'example.com', redirectedDomainNames: ['www.example.com'], hostedZoneId: 'Z0123456789ABCDEFGHIJ' } as never); return a; },
  'DjangoStack prod FRA all': () => { const a = new App(); new DjangoStack(a, 'Shop', { ...base, profile: Profile.production(), notificationEmails: ['a@example.com'], env: FRA, cdn: { publicMediaPaths: ['/p/*'], signedMediaPaths: ['/m/*'] }, media: {}, staticFiles: {}, cache: {}, mail: {}, domainName: 'example.com', redirectedDomainNames: ['www.example.com'], hostedZoneId: 'Z0123456789ABCDEFGHIJ' } as never); return a; },
  'DjangoStack prod agnostic all': () => { const a = new App(); new DjangoStack(a, 'Shop', { ...base, profile: Profile.production(), notificationEmails: ['a@example.com'], cdn: { publicMediaPaths: ['/p/*'], signedMediaPaths: ['/m/*'] }, media: {}, staticFiles: {}, cache: {}, mail: {}, domainName: 'example.com', redirectedDomainNames: ['www.example.com'], hostedZoneId: 'Z0123456789ABCDEFGHIJ' } as never); return a; },
  'imported static kms': app((s) => ({ cdn: {}, staticFilesStorage: StaticFiles.fromBucket(s, 'SF', Bucket.fromBucketAttributes(s, 'B', { bucketName: 'company', region: 'eu-west-1', encryptionKey: Key.fromKeyArn(s, 'K', 'arn:aws:kms:eu-west-1:111122223333:key/1234') })) }), FRA),
  'same bucket static and media': app((s) => { const m = new MediaStorage(s, 'M', { profile: dev }); return { cdn: { publicMediaPaths: ['/p/*'] }, mediaStorage: m, staticFilesStorage: StaticFiles.fromBucket(s, 'SF', m.bucket) }; }),
  'static path = media path': app(() => ({ media: {}, cdn: { publicMediaPaths: ['/static/*'] }, staticFiles: {} })),
  'staticPaths empty': app(() => ({ cdn: { staticPaths: [] }, staticFiles: {} })),
  'media paths no media': app(() => ({ cdn: { publicMediaPaths: ['/p/*'] } })),
  'mediaCSP no paths': app(() => ({ media: {}, cdn: { mediaContentSecurityPolicy: 'x' } })),
  'env collides': app(() => ({ cdn: {}, staticFiles: {}, environment: { STATIC_FILES_PATHS: 'x' } })),
  'env collides2': app(() => ({ cdn: { publicMediaPaths: ['/p/*'] }, media: {}, environment: { AWS_S3_CUSTOM_DOMAIN: 'x' } })),
  'errorPages media': app(() => ({ cdn: { publicMediaPaths: ['/p/*'], errorPages: { '403': '/p/x.html' } }, media: {} })),
  'china': app(() => ({ cdn: { publicMediaPaths: ['/p/*'] }, media: {} }), { account: '111122223333', region: 'cn-north-1' }),
  'gov': app(() => ({ cdn: { publicMediaPaths: ['/p/*'] }, media: {} }), { account: '111122223333', region: 'us-gov-west-1' }),
  'ap-east-2': app(() => ({ cdn: { publicMediaPaths: ['/p/*'] }, media: {}, staticFiles: {} }), { account: '111122223333', region: 'ap-east-2' }),
  'maintenance': app(() => ({ cdn: { publicMediaPaths: ['/p/*'], maintenancePage: '<p>x</p>' }, media: {}, staticFiles: {} })),
};
const only = process.argv[2];
for (const [name, make] of Object.entries(cases)) {
  if (only && !name.includes(only)) continue;
  try {
    const a = make();
    const asm = a.synth();
    const warn = asm.stacks.flatMap((s) => s.messages.filter((m) => m.level !== 'info').map((m) => `${m.level} ${m.id}: ${String((m.entry as any).data).slice(0, 220)}`));
    console.log(`## ${name}: OK ${asm.stacks.map((s) => `${s.stackName}(${Object.keys(s.template.Resources).length}r,${Math.round(JSON.stringify(s.template).length/1000)}K)`).join(' ')}`); for (const w of warn) console.log('   ', w);
  } catch (e) { console.log(`## ${name}: ERR ${(e as Error).message.slice(0, 700)}`); }
}
