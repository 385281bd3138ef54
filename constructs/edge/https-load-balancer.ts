import { Annotations, Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Certificate, CertificateValidation, type ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type Connections,
  type IConnectable,
  type IPeer,
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
} from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  type DesyncMitigationMode,
  type HttpCodeElb,
  type HttpCodeTarget,
  type IApplicationListener,
  type IApplicationLoadBalancer,
  ListenerAction,
  SslPolicy,
  XffHeaderProcessingMode,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IAliasRecordTarget, IHostedZone } from 'aws-cdk-lib/aws-route53';
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { inWordsOf } from '../core/checks';
import { checkKinds } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { certifiedNames, lowerCase } from './host-names';
import type { OriginHeader } from './origin-header';
import { AccessLogBucket, sendAccessLogs } from './private/access-log-bucket';
import { aliasRecords } from './private/alias-records';
import { cloudFront } from './private/cloudfront-regions';
import { DEFAULT_HSTS } from './private/hsts';
import { checkAttributes, checkLoadBalancer } from './private/load-balancer-checks';
import { originHeader } from './private/origin-keys';
import { redirectToHttps, redirectToMain } from './private/redirects';

/** Which sites may show pages of the application inside a frame. */
export enum FramePolicy {
  /** No site. */
  DENY = 'DENY',
  /** Pages of the same origin. */
  SAMEORIGIN = 'SAMEORIGIN',
  /** The application decides, response by response. */
  APPLICATION = 'APPLICATION',
}

/** A load balancer that applications attach their listener rules to. */
export interface IHttpsLoadBalancer extends IConstruct, IConnectable {
  /** The load balancer. */
  readonly loadBalancer: IApplicationLoadBalancer;
  /** The listener. It answers 404 to requests that no rule matches, 403 behind a distribution. */
  readonly listener: IApplicationListener;
  /** Host names that it answers to over HTTPS. Empty when it has only its own name. */
  readonly domainNames: string[];
  /** Further host names, which it redirects to the first of `domainNames`. Empty where there are none. */
  readonly redirectedDomainNames: string[];
  /** How long a connection may be silent. Servers behind it must keep theirs longer. */
  readonly idleTimeout: Duration;
  /** Whether the listener speaks HTTPS. */
  readonly secure: boolean;
  /** Its address: the first domain name, or its own name over HTTP. */
  readonly url: string;
  /** The certificate of the first domain name, when known. */
  readonly certificate?: ICertificate;
  /**
   * What a request must carry to match a rule, where the load balancer answers a distribution alone.
   *
   * Every rule needs a condition for it; services of this package have one.
   */
  readonly originHeader?: OriginHeader;

  /**
   * Requests that targets received.
   *
   * @default - sum over 5 minutes
   */
  metricRequestCount(props?: MetricOptions): Metric;
  /**
   * Seconds that targets took to answer.
   *
   * @default - average over 5 minutes
   */
  metricTargetResponseTime(props?: MetricOptions): Metric;
  /**
   * Responses of the load balancer itself, by class of status code.
   *
   * @default - sum over 5 minutes
   */
  metricHttpCodeElb(code: HttpCodeElb, props?: MetricOptions): Metric;
  /**
   * Responses of targets, by class of status code.
   *
   * @default - sum over 5 minutes
   */
  metricHttpCodeTarget(code: HttpCodeTarget, props?: MetricOptions): Metric;
  /**
   * Connections refused because the load balancer was full.
   *
   * @default - sum over 5 minutes
   */
  metricRejectedConnectionCount(props?: MetricOptions): Metric;
}

/** What can be tuned in a load balancer. */
export interface HttpsLoadBalancerOptions {
  /**
   * Subnets of the load balancer, in two zones at least.
   *
   * @default - public subnets; private ones when not internet-facing
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Certificates of further names, for applications that share the load balancer.
   *
   * @default - none
   */
  readonly additionalCertificates?: ICertificate[];
  /**
   * Names of the additional certificates, such as `blog.example.com` or `*.example.com`.
   *
   * Port 80 redirects the domain names and these to HTTPS, and answers 404 to every other name.
   *
   * @default - none
   */
  readonly additionalHostNames?: string[];
  /**
   * TLS versions and ciphers that the load balancer accepts.
   *
   * @default SslPolicy.TLS13_12_RES_PQ
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
   */
  readonly sslPolicy?: SslPolicy;
  /**
   * Whether the load balancer has a public address.
   *
   * **A change makes a new load balancer, which cannot take over the targets of services that run:** see
   * docs/changing.md.
   *
   * @default true; false with `behindDistribution`
   */
  readonly internetFacing?: boolean;
  /**
   * Addresses or security groups that may connect.
   *
   * @default - everybody; the VPC when not internet-facing; CloudFront's addresses with `behindDistribution`
   */
  readonly allowFrom?: IPeer[];
  /**
   * How long a connection may be silent, 1 to 4000 seconds.
   *
   * Give more than the interval at which your WebSockets send a ping: the load balancer closes a silent
   * connection. Behind a distribution an answer must begin within 120 seconds, whatever this says: a longer
   * time is for WebSockets, with a warning.
   *
   * @default Duration.seconds(60)
   */
  readonly idleTimeout?: Duration;
  /**
   * How the load balancer treats requests that could smuggle another one.
   *
   * @default - by profile: production STRICTEST, development DEFENSIVE
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/desync-mitigation-mode.html
   */
  readonly desyncMitigationMode?: DesyncMitigationMode;
  /**
   * Capacity units that are ready at all times, in whole numbers from 100 on, for a rush that is known
   * before.
   *
   * One unit is about 25 new connections a second or 2.2 Mbit/s. **Each is paid by the hour, used or not.**
   * AWS limits what a load balancer may reserve, and how often the reservation falls in a day.
   *
   * @default - none: the load balancer grows with its traffic, within minutes
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/capacity-unit-reservation.html
   */
  readonly minimumCapacityUnit?: number;
  /**
   * Value of the Strict-Transport-Security header.
   *
   * Add `includeSubDomains; preload` only when every subdomain speaks HTTPS: browsers remember it. Behind a
   * distribution, give this and the next two props to the `Cdn`: they are refused here.
   *
   * @default 'max-age=31536000'
   */
  readonly strictTransportSecurity?: string;
  /**
   * Value of the Content-Security-Policy header, in place of the application's own.
   *
   * @default - the application sets it, or nobody does
   */
  readonly contentSecurityPolicy?: string;
  /**
   * Which sites may show pages in a frame (X-Frame-Options).
   *
   * @default FramePolicy.DENY
   */
  readonly framePolicy?: FramePolicy;
  /**
   * Names of the secrets by which the load balancer knows the distribution before it: rules accept all of
   * them, and the distribution sends the first.
   *
   * To replace the secret without a refused request, deploy three times: `['1', '2']`, `['2', '1']`, `['2']`.
   *
   * @default ['1'] with `behindDistribution`
   */
  readonly originKeys?: string[];
  /**
   * Bucket for access logs.
   *
   * It must let the load balancer write, and be encrypted by S3 itself.
   *
   * @default - a new one; `DjangoApplication` with `cdn`: one for load balancer and distribution
   */
  readonly accessLogsBucket?: IBucket;
  /**
   * How long the bucket that is made here keeps access logs.
   *
   * @default - by profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * What happens to the bucket that is made here when it leaves the stack.
   *
   * **RemovalPolicy.DESTROY empties the bucket first: its access logs are gone.**
   *
   * @default - by profile: production RETAIN, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether AWS refuses to delete the load balancer.
   *
   * `DjangoApplication` switches it on when everything else is there. A load balancer of its own is protected
   * from the start: switch it off by hand before a failed creation can be rolled back. False is left out of
   * the template, and does not switch off what is on.
   *
   * @default - by profile: production true, development false
   */
  readonly deletionProtection?: boolean;
}

/** Properties of `HttpsLoadBalancer`. */
export interface HttpsLoadBalancerProps extends HttpsLoadBalancerOptions {
  /** VPC of the load balancer, with two zones at least. */
  readonly vpc: IVpc;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Host names that the load balancer answers to; the first one is the name of the certificate and of `url`.
   *
   * @default - none, in development only: plain HTTP on its own name, or to the distribution before it
   */
  readonly domainNames?: string[];
  /**
   * Further host names, such as `www.example.com` or `*.example.com`, which are redirected to the first of
   * `domainNames` by the load balancer itself, with path and query: no process sees such a request.
   *
   * They are on the certificate and have records like the domain names; a certificate that is brought must
   * have them. The rules have the first priorities of the listener, those of wildcards the last ones, after
   * every service.
   * **Browsers remember such a redirect: they may go on with it when the name is back in `domainNames`.**
   *
   * @default - none
   */
  readonly redirectedDomainNames?: string[];
  /**
   * Hosted zone of the domain names.
   *
   * It gets alias records, and validates the certificate unless one is given.
   *
   * @default - no records
   */
  readonly hostedZone?: IHostedZone;
  /**
   * Certificate for the domain names, from the region of the stack.
   *
   * @default - a new one, validated in the hosted zone
   */
  readonly certificate?: ICertificate;
  /**
   * Whether the load balancer answers a CloudFront distribution alone, that of a `Cdn`.
   *
   * It then has no public address unless `internetFacing` says so, lets CloudFront's addresses in and nobody
   * else, and answers 403 to what does not carry the secret of the distribution. Without domain names it
   * speaks HTTP inside the VPC. The alias records are made by the `Cdn`.
   *
   * @default false
   */
  readonly behindDistribution?: boolean;
  /**
   * Key of the secret that a distribution before it shows.
   *
   * @default - the AWS managed key of Secrets Manager
   */
  readonly encryptionKey?: IKey;
}

/** What is known of a load balancer that exists. */
export interface HttpsLoadBalancerAttributes {
  /** ARN of the load balancer. */
  readonly loadBalancerArn: string;
  /** Its own name. */
  readonly loadBalancerDnsName: string;
  /**
   * Id of the hosted zone of its own name.
   *
   * @default - alias records to it are not possible
   */
  readonly loadBalancerCanonicalHostedZoneId?: string;
  /** ARN of the listener that rules are added to. */
  readonly listenerArn: string;
  /** Id of its security group. */
  readonly securityGroupId: string;
  /** VPC of the load balancer. */
  readonly vpc: IVpc;
  /**
   * Names that its HTTPS listener has certificates for.
   *
   * @default - none: plain HTTP
   */
  readonly domainNames?: string[];
  /**
   * How long a connection may be silent.
   *
   * @default Duration.seconds(60)
   */
  readonly idleTimeout?: Duration;
  /**
   * Whether the load balancer drops header fields whose names are malformed
   * (`routing.http.drop_invalid_header_fields.enabled`).
   *
   * Without that, a header such as `SCRIPT_NAME` of any client reaches the application, where some servers
   * and frameworks take it for one of their own variables.
   *
   * @default false, with a warning
   */
  readonly dropInvalidHeaderFields?: boolean;
}

/** What made and imported load balancers share. */
abstract class LoadBalancerBase extends Construct implements IHttpsLoadBalancer {
  public abstract readonly loadBalancer: IApplicationLoadBalancer;
  public abstract readonly listener: IApplicationListener;
  public abstract readonly connections: Connections;
  public abstract readonly domainNames: string[];
  public abstract readonly redirectedDomainNames: string[];
  public abstract readonly idleTimeout: Duration;
  public abstract readonly secure: boolean;
  public abstract readonly url: string;
  public abstract readonly certificate?: ICertificate;
  public abstract readonly originHeader?: OriginHeader;

  public metricRequestCount(props?: MetricOptions): Metric {
    return this.loadBalancer.metrics.requestCount(props);
  }

  public metricTargetResponseTime(props?: MetricOptions): Metric {
    return this.loadBalancer.metrics.targetResponseTime(props);
  }

  public metricHttpCodeElb(code: HttpCodeElb, props?: MetricOptions): Metric {
    return this.loadBalancer.metrics.httpCodeElb(code, props);
  }

  public metricHttpCodeTarget(code: HttpCodeTarget, props?: MetricOptions): Metric {
    return this.loadBalancer.metrics.httpCodeTarget(code, props);
  }

  public metricRejectedConnectionCount(props?: MetricOptions): Metric {
    return this.loadBalancer.metrics.rejectedConnectionCount(props);
  }
}

/**
 * An Application Load Balancer that terminates TLS: certificate and alias records from a hosted zone, TLS 1.2
 * and 1.3 with post-quantum key exchange, port 80 only to redirect known host names, security headers, access
 * logs in a bucket of their own.
 *
 * Requests that no rule matches get 404, or 403 behind a distribution, so several applications can share it:
 * each adds rules for its own hosts.
 *
 * @example
 * declare const vpc: ec2.IVpc;
 * declare const hostedZone: route53.IHostedZone;
 * const balancer = new HttpsLoadBalancer(this, 'Balancer', {
 *   vpc,
 *   hostedZone,
 *   domainNames: ['shop.example.com'],
 * });
 * balancer.url; // https://shop.example.com
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
 */
export class HttpsLoadBalancer extends LoadBalancerBase {
  /** A load balancer that exists, for example one that another stack shares. */
  public static fromHttpsLoadBalancerAttributes(
    scope: Construct,
    id: string,
    attrs: HttpsLoadBalancerAttributes,
  ): IHttpsLoadBalancer {
    return new ImportedHttpsLoadBalancer(scope, id, attrs);
  }

  public readonly loadBalancer: IApplicationLoadBalancer;
  public readonly listener: IApplicationListener;
  public readonly connections: Connections;
  public readonly domainNames: string[];
  public readonly redirectedDomainNames: string[];
  public readonly idleTimeout: Duration;
  public readonly secure: boolean;
  public readonly url: string;
  public readonly certificate?: ICertificate;
  public readonly originHeader?: OriginHeader;
  /** Bucket of the access logs. */
  public readonly accessLogsBucket: IBucket;

  constructor(scope: Construct, id: string, given: HttpsLoadBalancerProps) {
    super(scope, id);
    checkKinds(this, 'HttpsLoadBalancerProps', given);
    const props = inLowerCase(given);
    checkLoadBalancer(this, props);
    const profile = profileValues(props.profile);
    const behindDistribution = props.behindDistribution ?? false;
    const internetFacing = props.internetFacing ?? !behindDistribution;
    const deletionProtection = props.deletionProtection ?? profile.deletionProtection;
    this.domainNames = props.domainNames ?? [];
    this.redirectedDomainNames = props.redirectedDomainNames ?? [];
    this.idleTimeout = props.idleTimeout ?? Duration.seconds(60);
    this.secure = this.domainNames.length > 0;

    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Load balancer',
      allowAllOutbound: false, // Consumers open the way to their own targets.
    });
    const loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets ?? (internetFacing ? { subnetType: SubnetType.PUBLIC } : undefined),
      internetFacing,
      securityGroup,
      idleTimeout: this.idleTimeout,
      http2Enabled: true,
      dropInvalidHeaderFields: true,
      // CloudFront has appended the viewer; its own address would only be one more that has to be believed.
      xffHeaderProcessingMode: behindDistribution ? XffHeaderProcessingMode.PRESERVE : undefined,
      desyncMitigationMode: props.desyncMitigationMode ?? profile.desyncMitigationMode,
      deletionProtection,
      minimumCapacityUnit: props.minimumCapacityUnit,
    });
    if (!deletionProtection) {
      // Left out instead of false: with every change of the attributes, CloudFormation would switch off again
      // what was switched on after the creation.
      loadBalancer.removeAttribute('deletion_protection.enabled');
    }
    this.loadBalancer = loadBalancer;
    this.connections = loadBalancer.connections;

    this.accessLogsBucket =
      props.accessLogsBucket ??
      new AccessLogBucket(this, 'AccessLogs', {
        retention: props.logRetention ?? profile.logRetention,
        removalPolicy: props.removalPolicy ?? profile.removalPolicy,
      });
    sendAccessLogs(loadBalancer, this.accessLogsBucket);

    this.originHeader = behindDistribution
      ? originHeader(this, 'OriginKeys', { names: props.originKeys ?? ['1'], encryptionKey: props.encryptionKey })
      : undefined;
    this.certificate = this.secure ? (props.certificate ?? this.makeCertificate(props.hostedZone)) : undefined;
    this.listener = this.certificate
      ? this.listenSecurely(loadBalancer, this.certificate, props)
      : this.listenPlainly(loadBalancer, props);
    redirectToMain(this, this);
    this.open(securityGroup, props, internetFacing);

    if (props.hostedZone && !behindDistribution) {
      this._pointTo(new LoadBalancerTarget(loadBalancer), props.hostedZone);
    }
    this.url = this.secure ? `https://${this.domainNames[0]}` : `http://${loadBalancer.loadBalancerDnsName}`;
  }

  /**
   * Makes the alias records.
   *
   * They stand here wherever they point: with other ids CloudFormation would make second records of the same
   * names, which Route 53 refuses, before it deletes the first ones.
   *
   * @internal
   */
  public _pointTo(target: IAliasRecordTarget, hostedZone: IHostedZone): void {
    aliasRecords(this, hostedZone, certifiedNames(this), target);
  }

  private makeCertificate(hostedZone?: IHostedZone) {
    const [domainName, ...subjectAlternativeNames] = certifiedNames(this);
    return new Certificate(this, 'Certificate', {
      domainName,
      subjectAlternativeNames: subjectAlternativeNames.length > 0 ? subjectAlternativeNames : undefined,
      validation: CertificateValidation.fromDns(hostedZone),
    });
  }

  private listenSecurely(
    loadBalancer: ApplicationLoadBalancer,
    certificate: ICertificate,
    props: HttpsLoadBalancerProps,
  ) {
    const listener = new ApplicationListener(this, 'HttpsListener', {
      loadBalancer,
      port: 443,
      protocol: ApplicationProtocol.HTTPS,
      certificates: [certificate, ...(props.additionalCertificates ?? [])],
      sslPolicy: props.sslPolicy ?? SslPolicy.TLS13_12_RES_PQ,
      defaultAction: props.behindDistribution ? forbidden() : notFound(),
      open: false,
    });
    if (props.behindDistribution) {
      hideServer(listener);
      return listener; // The distribution redirects to HTTPS, and sets the headers.
    }
    listener.setAttribute(
      'routing.http.response.strict_transport_security.header_value',
      props.strictTransportSecurity ?? DEFAULT_HSTS,
    );
    setHeaders(listener, props);

    const redirect = new ApplicationListener(this, 'HttpListener', {
      loadBalancer,
      port: 80,
      protocol: ApplicationProtocol.HTTP,
      defaultAction: notFound(),
      open: false,
    });
    hideServer(redirect);
    const hostNames = [this.domainNames, props.additionalHostNames ?? [], this.redirectedDomainNames];
    redirectToHttps(this, 'Redirects', redirect, hostNames);
    acknowledge(
      redirect,
      'ELBv2ACMCertificateRequired',
      'Port 80 only answers with a redirect to HTTPS or with 404 and never reaches a target; browsers that type a bare name start here.',
    );
    acknowledge(
      redirect,
      'ALBHttpToHttpsRedirection',
      'Port 80 redirects every host name of the load balancer to HTTPS, by rules, which this check does not read; other names get 404 instead of a redirect to wherever a client says.',
    );
    return listener;
  }

  private listenPlainly(loadBalancer: ApplicationLoadBalancer, props: HttpsLoadBalancerProps) {
    const listener = new ApplicationListener(this, 'HttpListener', {
      loadBalancer,
      port: 80,
      protocol: ApplicationProtocol.HTTP,
      defaultAction: props.behindDistribution ? forbidden() : notFound(),
      open: false,
    });
    if (props.behindDistribution) {
      hideServer(listener);
      const insideTheVpc =
        'Browsers speak HTTPS with the distribution and cannot reach this load balancer; what CloudFront sends to it over its interfaces in the VPC is HTTP, since no certificate can be had for a name of Elastic Load Balancing.';
      acknowledge(listener, 'ELBv2ACMCertificateRequired', insideTheVpc);
      acknowledge(listener, 'ALBHttpToHttpsRedirection', insideTheVpc);
      return listener;
    }
    Annotations.of(this).addWarningV2(
      'cdk-django-fargate:plainHttp',
      inWordsOf(
        this,
        "There is no domain name: the application is served over plain HTTP on the name of the load balancer. Give `domainNames` and `hostedZone` before anyone signs in, or the application `cdn: {}`: HTTPS under CloudFront's own name.",
      ),
    );
    setHeaders(listener, props);
    return listener;
  }

  private peerByDefault({ vpc, behindDistribution }: HttpsLoadBalancerProps, internetFacing: boolean): IPeer {
    if (behindDistribution) {
      return cloudFront(this, 'CloudFront');
    }
    return internetFacing ? Peer.anyIpv4() : Peer.ipv4(vpc.vpcCidrBlock);
  }

  private open(securityGroup: SecurityGroup, props: HttpsLoadBalancerProps, internetFacing: boolean) {
    const { behindDistribution = false } = props;
    const redirects = this.secure && !behindDistribution;
    for (const peer of props.allowFrom ?? [this.peerByDefault(props, internetFacing)]) {
      for (const port of [this.secure ? 443 : 80, ...(redirects ? [80] : [])]) {
        securityGroup.addIngressRule(
          peer,
          Port.tcp(port),
          port === 80 && this.secure ? 'HTTP, redirected' : 'Requests',
        );
      }
    }
    if (internetFacing && props.allowFrom === undefined && !behindDistribution) {
      acknowledge(
        securityGroup,
        'EC23',
        'A public site is open to everybody, on the ports of the load balancer alone; tasks and database accept only security groups, and unknown hosts get 404.',
      );
    }
  }
}

class ImportedHttpsLoadBalancer extends LoadBalancerBase {
  public readonly loadBalancer: IApplicationLoadBalancer;
  public readonly listener: IApplicationListener;
  public readonly connections: Connections;
  public readonly domainNames: string[];
  public readonly redirectedDomainNames: string[] = [];
  public readonly idleTimeout: Duration;
  public readonly secure: boolean;
  public readonly url: string;
  public readonly certificate?: ICertificate;
  public readonly originHeader?: OriginHeader;

  constructor(scope: Construct, id: string, given: HttpsLoadBalancerAttributes) {
    super(scope, id);
    checkKinds(this, 'HttpsLoadBalancerAttributes', given);
    const attrs = inLowerCase(given);
    checkAttributes(this, attrs);
    warnOfInvalidHeaders(this, attrs);
    this.domainNames = attrs.domainNames ?? [];
    this.idleTimeout = attrs.idleTimeout ?? Duration.seconds(60);
    this.secure = this.domainNames.length > 0;
    this.url = this.secure ? `https://${this.domainNames[0]}` : `http://${attrs.loadBalancerDnsName}`;
    const securityGroup: ISecurityGroup = SecurityGroup.fromSecurityGroupId(
      this,
      'SecurityGroup',
      attrs.securityGroupId,
      { allowAllOutbound: false },
    );
    this.loadBalancer = ApplicationLoadBalancer.fromApplicationLoadBalancerAttributes(this, 'LoadBalancer', {
      loadBalancerArn: attrs.loadBalancerArn,
      loadBalancerDnsName: attrs.loadBalancerDnsName,
      loadBalancerCanonicalHostedZoneId: attrs.loadBalancerCanonicalHostedZoneId,
      securityGroupId: attrs.securityGroupId,
      securityGroupAllowsAllOutbound: false,
      vpc: attrs.vpc,
    });
    this.connections = this.loadBalancer.connections;
    this.listener = ApplicationListener.fromApplicationListenerAttributes(this, 'Listener', {
      listenerArn: attrs.listenerArn,
      securityGroup,
      defaultPort: this.secure ? 443 : 80,
    });
  }
}

/**
 * It is the owner of the load balancer who can change it: a warning, which the owner of this stack can
 * acknowledge.
 */
function warnOfInvalidHeaders(scope: Construct, { dropInvalidHeaderFields }: HttpsLoadBalancerAttributes) {
  if (dropInvalidHeaderFields !== true) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:dropInvalidHeaderFields',
      'The load balancer may pass malformed header names, such as SCRIPT_NAME, to the application. Set its attribute routing.http.drop_invalid_header_fields.enabled to true, then `dropInvalidHeaderFields` here.',
    );
  }
}

/** The same with host names as DNS compares them. */
function inLowerCase<
  T extends {
    readonly domainNames?: string[];
    readonly redirectedDomainNames?: string[];
    readonly additionalHostNames?: string[];
  },
>(given: T): T {
  const { domainNames, redirectedDomainNames, additionalHostNames } = given;
  return {
    ...given,
    ...(domainNames && { domainNames: lowerCase(domainNames) }),
    ...(redirectedDomainNames && { redirectedDomainNames: lowerCase(redirectedDomainNames) }),
    ...(additionalHostNames && { additionalHostNames: lowerCase(additionalHostNames) }),
  };
}

function notFound() {
  return ListenerAction.fixedResponse(404, { contentType: 'text/plain', messageBody: 'Not found' });
}

/** For what did not come through the distribution, and for hosts that nobody serves. */
function forbidden() {
  return ListenerAction.fixedResponse(403, { contentType: 'text/plain', messageBody: 'Forbidden' });
}

function hideServer(listener: ApplicationListener) {
  listener.setAttribute('routing.http.response.server.enabled', 'false');
}

function setHeaders(listener: ApplicationListener, props: HttpsLoadBalancerProps) {
  const framePolicy = props.framePolicy ?? FramePolicy.DENY;
  const header = (name: string, value: string | undefined) =>
    value && listener.setAttribute(`routing.http.response.${name}.header_value`, value);
  header('x_content_type_options', 'nosniff');
  header('x_frame_options', framePolicy === FramePolicy.APPLICATION ? undefined : framePolicy);
  header('content_security_policy', props.contentSecurityPolicy);
  hideServer(listener);
}
