import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InterfaceVpcEndpointAwsService, IpAddresses, Peer } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DesyncMitigationMode, SslPolicy } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DjangoApplication } from '../../constructs/application/django-application';
import { Profile } from '../../constructs/core/profile';
import { FramePolicy } from '../../constructs/edge/https-load-balancer';
import { Match, only, templateOf, testStack } from '../support';
import { interfacesOf } from './interfaces';

const APPLICATION = interfacesOf('application/django-application-props.ts').DjangoApplicationProps.props;

/**
 * The parts whose every prop a user of the application can reach: by the options of that part, or by the prop of the
 * application that sets it.
 */
const PARTS = [
  {
    part: 'HttpsLoadBalancer',
    file: 'edge/https-load-balancer.ts',
    options: 'loadBalancerOptions',
    setBy: {
      vpc: 'vpc',
      profile: 'profile',
      domainNames: 'domainNames',
      redirectedDomainNames: 'redirectedDomainNames',
      hostedZone: 'hostedZone',
      certificate: 'certificate',
      behindDistribution: 'cdn',
      encryptionKey: 'encryptionKey',
    },
  },
  {
    part: 'Cdn',
    file: 'edge/cdn.ts',
    options: 'cdn',
    setBy: {
      loadBalancer: 'loadBalancerOptions',
      hostedZone: 'hostedZone',
      profile: 'profile',
      mediaStorage: 'media',
      urlSigningKeys: 'urlSigningKeysOptions',
      staticFiles: 'staticFiles',
    },
  },
  {
    part: 'WebFirewall',
    file: 'edge/web-firewall.ts',
    options: 'firewallOptions',
    setBy: {
      loadBalancer: 'loadBalancerOptions',
      behindDistribution: 'cdn',
      scope: 'cdn',
      profile: 'profile',
      encryptionKey: 'encryptionKey',
    },
  },
  {
    part: 'Network',
    file: 'network/network.ts',
    options: 'networkOptions',
    setBy: { profile: 'profile', encryptionKey: 'encryptionKey' },
  },
  {
    part: 'MediaStorage',
    file: 'storage/media-storage.ts',
    options: 'media',
    setBy: { profile: 'profile', encryptionKey: 'encryptionKey' },
  },
  {
    part: 'StaticFiles',
    file: 'storage/static-files.ts',
    options: 'staticFiles',
    setBy: { profile: 'profile' },
  },
  {
    part: 'UrlSigningKeys',
    file: 'storage/url-signing-keys.ts',
    options: 'urlSigningKeysOptions',
    setBy: {
      profile: 'profile',
      encryptionKey: 'encryptionKey',
      removalPolicy: 'profile',
      logRetention: 'profile',
      deadLetterTopic: 'notifications',
      handlerReservedConcurrency: 'handlerReservedConcurrency',
    },
  },
  {
    part: 'Cache',
    file: 'cache/cache.ts',
    options: 'cache',
    setBy: {
      vpc: 'vpc',
      profile: 'profile',
      encryptionKey: 'encryptionKey',
      logRetention: 'profile',
      deadLetterTopic: 'notifications',
      handlerReservedConcurrency: 'handlerReservedConcurrency',
    },
  },
  {
    part: 'Mail',
    file: 'mail/mail.ts',
    options: 'mail',
    setBy: {},
  },
  {
    part: 'DatabaseBackup',
    file: 'backup/database-backup.ts',
    options: 'backupOptions',
    setBy: { database: 'database', vpc: 'vpc', profile: 'profile', notifications: 'notifications' },
  },
  {
    part: 'PostgresDatabase',
    file: 'database/postgres-database.ts',
    options: 'databaseOptions',
    setBy: { vpc: 'vpc', profile: 'profile', encryptionKey: 'encryptionKey' },
  },
  {
    part: 'AuroraPostgresDatabase',
    file: 'database/aurora-postgres-database.ts',
    options: 'aurora',
    setBy: { vpc: 'vpc', profile: 'profile', encryptionKey: 'encryptionKey' },
  },
] as const;

describe.each(PARTS)('every prop of $part', ({ part, file, options, setBy }) => {
  const declared = interfacesOf(file);

  test(`is in the type of \`${options}\`, or the application has a prop that sets it`, () => {
    expect(declared[`${part}Props`].extended).toEqual([APPLICATION[options]]);
    expect(Object.keys(declared[APPLICATION[options]].props).length).toBeGreaterThan(0);
    expect(Object.keys(declared[`${part}Props`].props).sort()).toEqual(Object.keys(setBy).sort());
    expect(Object.keys(APPLICATION)).toEqual(expect.arrayContaining(Object.values(setBy)));
  });
});

describe('the options of a part that the application makes', () => {
  const stack = testStack();
  new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    profile: Profile.production(),
    domainNames: ['example.com'],
    certificate: Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
    ),
    loadBalancerOptions: {
      sslPolicy: SslPolicy.TLS13_RES,
      allowFrom: [Peer.ipv4('203.0.113.0/24')],
      idleTimeout: Duration.seconds(100),
      minimumCapacityUnit: 500,
      desyncMitigationMode: DesyncMitigationMode.MONITOR,
      framePolicy: FramePolicy.SAMEORIGIN,
      deletionProtection: false,
    },
    firewallOptions: {
      rateLimit: 500,
      rateLimitWindow: Duration.minutes(1),
      countedRules: ['CrossSiteScripting_BODY'],
      logRetention: RetentionDays.ONE_WEEK,
    },
    networkOptions: {
      maxAzs: 3,
      natGateways: 1,
      ipAddresses: IpAddresses.cidr('10.9.0.0/16'),
      interfaceEndpoints: [InterfaceVpcEndpointAwsService.SQS],
      removalPolicy: RemovalPolicy.DESTROY,
    },
    releaseOptions: { command: ['./release.sh'] },
    backupOptions: { restoreTesting: false },
  });
  const template = templateOf(stack);

  test('reach the load balancer, and a longer idle timeout the keep-alive of the server behind it', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', { SslPolicy: SslPolicy.TLS13_RES });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      MinimumLoadBalancerCapacity: { CapacityUnits: 500 },
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'idle_timeout.timeout_seconds', Value: '100' },
        { Key: 'routing.http.desync_mitigation_mode', Value: 'monitor' },
      ]),
    });
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [Match.objectLike({ Command: Match.arrayWith(['--keep-alive', '115']) })],
    });
  });

  test('reach the firewall', () => {
    const [rate] = only(template, 'AWS::WAFv2::WebACL').resource.Properties.Rules;
    expect(rate.Statement.RateBasedStatement).toMatchObject({ Limit: 500, EvaluationWindowSec: 60 });
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  });

  test('reach the network, over the numbers of the profile', () => {
    expect(only(template, 'AWS::EC2::VPC').resource.Properties.CidrBlock).toBe('10.9.0.0/16');
    template.resourceCountIs('AWS::EC2::NatGateway', 1);
    template.resourceCountIs('AWS::EC2::Subnet', 9);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 2);
  });

  test('reach the release and the backups', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [Match.objectLike({ Name: 'release', Command: ['./release.sh'] })],
    });
    template.resourceCountIs('AWS::Backup::RestoreTestingPlan', 0);
  });
});

test('a standby that the database is given reaches the network: its endpoint stands in every zone', () => {
  const stack = testStack();
  new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    databaseOptions: { multiAz: true },
  });
  const endpoints = Object.values(templateOf(stack).findResources('AWS::EC2::VPCEndpoint'));
  expect(endpoints.flatMap(({ Properties }) => Properties.SubnetIds ?? [])).toHaveLength(2);
});
