import { CfnDeletionPolicy, CfnOutput, Fn, ReferenceStrength, Stack, type StackProps, Token } from 'aws-cdk-lib';
import {
  Certificate,
  CertificateValidation,
  type CfnCertificate,
  type ICertificate,
} from 'aws-cdk-lib/aws-certificatemanager';
import { Key } from 'aws-cdk-lib/aws-kms';
import { HostedZone, type IHostedZone } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import { Checks, type Rule } from '../constructs/core/checks';
import { checkEffects, type Effects, needsOneOf, voidWith, warnOfNoEffect } from '../constructs/core/effects';
import { checkKinds, pathOf } from '../constructs/core/kinds';
import { Profile, profileValues } from '../constructs/core/profile';
import { type CertifiedNames, checkCertifiedNames } from '../constructs/edge/certified-names';
import { EDGE_REGION } from '../constructs/edge/edge-region';
import { certifiedNames, lowerCase } from '../constructs/edge/host-names';
import { FirewallScope, WebFirewall, type WebFirewallOptions } from '../constructs/edge/web-firewall';

/** Properties of `EdgeStack`. */
export interface EdgeStackProps extends StackProps {
  /**
   * Host names of the distribution, the main one first.
   *
   * @default - none, and no certificate: the distribution answers under its own name
   */
  readonly domainNames?: string[];
  /**
   * Further host names, possibly wildcards, which the load balancer redirects to the first of `domainNames`.
   *
   * @default - none
   */
  readonly redirectedDomainNames?: string[];
  /**
   * Public hosted zone of the domain names, in which the certificate is validated.
   *
   * @default - none
   */
  readonly hostedZone?: IHostedZone;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Whether there is a firewall; false where a web ACL is brought to the distribution.
   *
   * @default - by profile: production true, development false
   */
  readonly webFirewall?: boolean;
  /**
   * What to change in the firewall.
   *
   * @default - the defaults of `WebFirewall`
   */
  readonly firewallOptions?: WebFirewallOptions;
}

/**
 * What a CloudFront distribution uses and AWS keeps in us-east-1: its certificate and its web ACL, for an
 * application in another Region. `DjangoStack` makes one where it is needed.
 *
 * A certificate cannot be changed: other domain names make a new one. It is there, validated, before a stack
 * that uses it is deployed, and the one before stays, since the distribution uses it until then and would
 * again after a rollback. **Nothing deletes the one before; it costs nothing, and is not renewed any more.**
 *
 * @example
 * declare const hostedZone: route53.IHostedZone;
 * declare const application: Stack;
 * const edge = new EdgeStack(this, 'Edge', {
 *   env: { account: '111122223333', region: 'us-east-1' },
 *   domainNames: ['shop.example.com'],
 *   hostedZone,
 * });
 * const certificate = edge.certificateFor(application);
 * const webAclArn = edge.webAclArnFor(application);
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
 */
export class EdgeStack extends Stack {
  /** The certificate, where there are domain names. */
  public readonly certificate?: ICertificate;
  /** The firewall, unless `webFirewall` or the profile leaves it out. */
  public readonly webFirewall?: WebFirewall;
  private published?: ICertificate;

  constructor(scope: Construct, id: string, props: EdgeStackProps = {}) {
    checkKinds(pathOf(scope, id), 'EdgeStackProps', props, new.target !== EdgeStack);
    super(scope, id, {
      suppressTemplateIndentation: true,
      ...props,
      env: { account: props.env?.account, region: props.env?.region ?? EDGE_REGION },
    });
    const domainNames = lowerCase(props.domainNames ?? []);
    const redirectedDomainNames = lowerCase(props.redirectedDomainNames ?? []);
    const names = { domainNames, redirectedDomainNames };
    validate(this, props, names);
    warnOfOptions(this, props);

    if (domainNames.length > 0) {
      this.certificate = this.makeCertificate(certifiedNames(names), props.hostedZone as IHostedZone);
      this.publish(CERTIFICATE_ARN, 'Certificate of the distribution', this.certificate.certificateArn);
    }
    if (hasFirewall(props)) {
      this.webFirewall = this.makeFirewall(props);
      this.publish(WEB_ACL_ARN, 'Web ACL of the distribution', this.webFirewall.webAclArn);
    }
  }

  /**
   * The certificate for a stack of another Region, which is then deployed after this one and reads the ARN
   * each time.
   *
   * Fails where this stack has no domain names.
   */
  public certificateFor(scope: Construct): ICertificate {
    this.insistOn(this.certificate, 'domainNames', {
      given: undefined,
      must: 'be given for `certificateFor()`',
      remedy:
        'A certificate is made for them: without them the distribution answers under its own name, and needs none.',
    });
    const certificateArn = this.read(scope, CERTIFICATE_ARN);
    // It stands here, not in `scope`, so that it tells its Region.
    this.published ??= Certificate.fromCertificateArn(this, 'Published', certificateArn);
    return this.published;
  }

  /**
   * ARN of the web ACL for a stack of another Region, which is then deployed after this one and reads the ARN
   * each time.
   *
   * Fails where this stack has no firewall.
   */
  public webAclArnFor(scope: Construct): string {
    this.insistOn(this.webFirewall, 'webFirewall', {
      given: false,
      must: 'be true for `webAclArnFor()`',
      remedy: 'Set it, or take Profile.production(): this stack has no firewall.',
    });
    return this.read(scope, WEB_ACL_ARN);
  }

  private makeCertificate([domainName, ...others]: string[], zone: IHostedZone): Certificate {
    const certificate = new Certificate(this, 'Certificate', {
      domainName,
      subjectAlternativeNames: others.length > 0 ? others : undefined,
      validation: CertificateValidation.fromDns(this.readable(zone)),
    });
    const { cfnOptions } = certificate.node.defaultChild as CfnCertificate;
    // The distribution still uses the one before when this stack is done, and ACM would refuse to delete it.
    cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    cfnOptions.deletionPolicy = CfnDeletionPolicy.DELETE;
    return certificate;
  }

  private makeFirewall({ profile, firewallOptions }: EdgeStackProps): WebFirewall {
    const encryptionKey = new Key(this, 'EncryptionKey', {
      description: `Logs of the firewall of ${this.node.path}`,
      enableKeyRotation: true,
      removalPolicy: profileValues(profile).removalPolicy,
    });
    return new WebFirewall(this, 'WebFirewall', {
      ...firewallOptions,
      scope: FirewallScope.CLOUDFRONT,
      profile,
      encryptionKey,
    });
  }

  private publish(id: string, description: string, value: string): void {
    new CfnOutput(this, id, { description, value });
  }

  /**
   * Reads an output by its name.
   *
   * A reference of the CDK's own would be a strong one unless the app says otherwise: two functions that
   * refuse every change of what is read.
   */
  private read(scope: Construct, output: string): string {
    Stack.of(scope).addDependency(this);
    return Fn.getStackOutput(this.stackName, output, this.region);
  }

  /** The zone, with a weak reference where another stack of the app makes it. */
  private readable(zone: IHostedZone): IHostedZone {
    const hostedZoneId = weakly(zone.hostedZoneId) as string;
    return HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName: zone.zoneName });
  }

  private insistOn(part: unknown, prop: string, { given, must, remedy }: Rule & { readonly given: unknown }): void {
    new Checks(this).that(prop, given, part !== undefined, { must, remedy }).throwIfAny();
  }
}

const CERTIFICATE_ARN = 'CertificateArn';
const WEB_ACL_ARN = 'WebAclArn';

const NO_NAMES = needsOneOf<EdgeStackProps>(['domainNames'], 'Add the names under which the distribution answers.');
const EFFECTS: Effects<EdgeStackProps> = {
  redirectedDomainNames: [
    {
      when: ({ domainNames = [] }) => domainNames.length === 0,
      must: 'come with `domainNames`',
      remedy: 'Add the name that they are redirected to.',
    },
  ],
  hostedZone: [NO_NAMES],
  firewallOptions: [voidWith('webFirewall: false', (props) => props.webFirewall === false, 'there is no firewall')],
};

function hasFirewall({ webFirewall, profile }: EdgeStackProps): boolean {
  return webFirewall ?? profileValues(profile).webFirewall;
}

/** The profile leaves the firewall out: one code base serves both. */
function warnOfOptions(stack: Stack, props: EdgeStackProps): void {
  const { profile = Profile.production(), webFirewall, firewallOptions } = props;
  if (webFirewall === undefined && !hasFirewall(props)) {
    warnOfNoEffect(stack, 'firewallOptions', firewallOptions, `\`webFirewall\` of Profile.${profile.name}() is false`);
  }
}

function validate(stack: Stack, props: EdgeStackProps, names: CertifiedNames): void {
  const { hostedZone } = props;
  const checks = new Checks(stack).that('env.region', stack.region, stack.region === EDGE_REGION, {
    must: `be ${EDGE_REGION}`,
    remedy: 'CloudFront looks for certificates and web ACLs nowhere else; the application may be in any Region.',
  });
  checkEffects(checks, props, EFFECTS);
  checkCertifiedNames(checks, names, hostedZone);
  checks
    .that('hostedZone', 'an id that no stack tells', hostedZone === undefined || canBeRead(hostedZone), {
      must: 'have an id that is known at synthesis, or be made in a stack with a region',
      remedy: 'Use HostedZone.fromHostedZoneAttributes() with `hostedZoneId` and `zoneName`, or bring a certificate.',
    })
    .throwIfAny();
}

function canBeRead({ hostedZoneId, env }: IHostedZone): boolean {
  const isKnown = !Token.isUnresolved(hostedZoneId);
  return isKnown || (!Token.isUnresolved(env.region) && weakly(hostedZoneId) !== undefined);
}

/** What an attribute of a resource in another stack is read by; undefined for tokens of other kinds. */
function weakly(attribute: string): string | undefined {
  if (!Token.isUnresolved(attribute)) {
    return attribute;
  }
  try {
    return Stack.consumeReference(attribute, ReferenceStrength.WEAK);
  } catch {
    return undefined; // The CDK throws for what is no attribute.
  }
}
