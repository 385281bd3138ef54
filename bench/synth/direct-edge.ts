import { ArnFormat, Aws, Duration, Fn, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Certificate, CertificateValidation } from 'aws-cdk-lib/aws-certificatemanager';
import { Peer, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  DesyncMitigationMode,
  ListenerAction,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { AaaaRecord, ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { encryptedLogs, type Foundation } from './direct-foundation';

export type Edge = ReturnType<typeof edge>;

export const DOMAIN_NAME = 'shop.example.com';

/** Load balancer, certificate, records and firewall. */
export function edge(stack: Stack, base: Foundation) {
  const { vpc } = base;
  const securityGroup = new SecurityGroup(stack, 'LoadBalancerSecurityGroup', {
    vpc,
    description: 'Load balancer',
    allowAllOutbound: false,
  });
  const loadBalancer = new ApplicationLoadBalancer(stack, 'LoadBalancer', {
    vpc,
    vpcSubnets: { subnetType: SubnetType.PUBLIC },
    internetFacing: true,
    securityGroup,
    idleTimeout: Duration.seconds(60),
    http2Enabled: true,
    dropInvalidHeaderFields: true,
    desyncMitigationMode: DesyncMitigationMode.STRICTEST,
    deletionProtection: true,
  });
  accessLogs(stack, loadBalancer);
  const zone = HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });
  const certificate = new Certificate(stack, 'Certificate', {
    domainName: DOMAIN_NAME,
    validation: CertificateValidation.fromDns(zone),
  });
  const listener = new ApplicationListener(stack, 'HttpsListener', {
    loadBalancer,
    port: 443,
    protocol: ApplicationProtocol.HTTPS,
    certificates: [certificate],
    sslPolicy: SslPolicy.TLS13_12_RES_PQ,
    defaultAction: ListenerAction.fixedResponse(404, { contentType: 'text/plain', messageBody: 'Not found' }),
    open: false,
  });
  const response = 'routing.http.response';
  listener.setAttribute(`${response}.strict_transport_security.header_value`, 'max-age=31536000');
  listener.setAttribute(`${response}.x_content_type_options.header_value`, 'nosniff');
  listener.setAttribute(`${response}.x_frame_options.header_value`, 'DENY');
  listener.setAttribute(`${response}.server.enabled`, 'false');
  const redirect = new ApplicationListener(stack, 'HttpListener', {
    loadBalancer,
    port: 80,
    protocol: ApplicationProtocol.HTTP,
    defaultAction: ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }),
    open: false,
  });
  redirect.setAttribute(`${response}.server.enabled`, 'false');
  securityGroup.addIngressRule(Peer.anyIpv4(), Port.tcp(443), 'Requests');
  securityGroup.addIngressRule(Peer.anyIpv4(), Port.tcp(80), 'HTTP, redirected');

  const target = RecordTarget.fromAlias(new LoadBalancerTarget(loadBalancer));
  new ARecord(stack, 'Ipv4', { zone, recordName: `${DOMAIN_NAME}.`, target });
  new AaaaRecord(stack, 'Ipv6', { zone, recordName: `${DOMAIN_NAME}.`, target });
  firewall(stack, base, loadBalancer);
  return { loadBalancer, listener, certificate };
}

function accessLogs(stack: Stack, loadBalancer: ApplicationLoadBalancer): void {
  const bucket = new Bucket(stack, 'AccessLogs', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      {
        expiration: Duration.days(365),
        noncurrentVersionExpiration: Duration.days(30),
        abortIncompleteMultipartUploadAfter: Duration.days(7),
      },
    ],
  });
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AllowLoadBalancerLogs',
      principals: [new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects(`AWSLogs/${stack.account}/*`)],
    }),
  );
  loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
  loadBalancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
  loadBalancer.node.addDependency(bucket);
}

function firewall(stack: Stack, { key }: Foundation, loadBalancer: ApplicationLoadBalancer): void {
  const seen = (metricName: string) => ({ metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true });
  const managed = (name: string, priority: number, counted?: string): CfnWebACL.RuleProperty => ({
    name,
    priority,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name,
        ruleActionOverrides: counted ? [{ name: counted, actionToUse: { count: {} } }] : undefined,
      },
    },
    visibilityConfig: seen(name),
  });
  const acl = new CfnWebACL(stack, 'WebAcl', {
    scope: 'REGIONAL',
    description: 'Limit per address and AWS managed rules',
    defaultAction: { allow: {} },
    visibilityConfig: seen('Shop-WebAcl'),
    rules: [
      {
        name: 'RateLimit',
        priority: 0,
        action: { block: { customResponse: { responseCode: 429 } } },
        statement: { rateBasedStatement: { aggregateKeyType: 'IP', limit: 2000, evaluationWindowSec: 300 } },
        visibilityConfig: seen('RateLimit'),
      },
      managed('AWSManagedRulesAmazonIpReputationList', 1),
      managed('AWSManagedRulesCommonRuleSet', 2, 'SizeRestrictions_BODY'),
      managed('AWSManagedRulesKnownBadInputsRuleSet', 3),
      managed('AWSManagedRulesSQLiRuleSet', 4),
    ],
  });
  const stackUuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  const unique = Fn.select(4, Fn.split('-', stackUuid));
  const logGroup = encryptedLogs(stack, 'FirewallLogs', key, `aws-waf-logs-Shop-${unique}`);
  const delivery = logGroup.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AllowFirewallLogs',
      principals: [new ServicePrincipal('delivery.logs.amazonaws.com')],
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': stack.formatArn({ service: 'logs', resource: '*' }) },
      },
    }),
  );
  const logging = new CfnLoggingConfiguration(stack, 'FirewallLogging', {
    resourceArn: acl.attrArn,
    logDestinationConfigs: [
      stack.formatArn({
        service: 'logs',
        resource: 'log-group',
        resourceName: logGroup.logGroupName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    ],
    redactedFields: ['authorization', 'cookie', 'x-csrftoken'].map((Name) => ({ singleHeader: { Name } })),
    loggingFilter: {
      DefaultBehavior: 'DROP',
      Filters: [
        {
          Behavior: 'KEEP',
          Requirement: 'MEETS_ANY',
          Conditions: ['BLOCK', 'COUNT', 'EXCLUDED_AS_COUNT'].map((Action) => ({ ActionCondition: { Action } })),
        },
      ],
    },
  });
  if (delivery.policyDependable) {
    logging.node.addDependency(delivery.policyDependable);
  }
  new CfnWebACLAssociation(stack, 'Association', {
    webAclArn: acl.attrArn,
    resourceArn: loadBalancer.loadBalancerArn,
  });
}
