import { Arn, ArnFormat, Duration, Stack, Token } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { CnameRecord, type IHostedZone, MxRecord, TxtRecord } from 'aws-cdk-lib/aws-route53';
import {
  ConfigurationSet,
  ConfigurationSetTlsPolicy,
  DkimIdentity,
  EasyDkimSigningKeyLength,
  EmailIdentity,
  EmailSendingEvent,
  EventDestination,
  type IConfigurationSet,
  Identity,
  type IEmailIdentity,
  MailFromBehaviorOnMxFailure,
  SuppressionReasons,
} from 'aws-cdk-lib/aws-ses';
import { Construct, type IConstruct } from 'constructs';
import type { ContractVariable } from '../core/contract';
import { checkKinds } from '../core/kinds';
import { zoneNameOf } from '../edge/zone';
import { checkAttributes, checkMail } from './private/mail-checks';
import { warnWithoutSes } from './private/regions';

/** SES offers this one bus alone. */
const DEFAULT_BUS = 'default';
/** SES counts over a representative volume, not over a time: more often there is nothing new. */
const REPUTATION_PERIOD = Duration.hours(1);
const RECORD_TTL = Duration.minutes(30);

/** Outgoing mail of an application. */
export interface IMail extends IConstruct {
  /** The domain or address that SES has verified. */
  readonly emailIdentity: IEmailIdentity;
  /** The configuration set that messages are sent with. Undefined where there is none. */
  readonly configurationSet?: IConfigurationSet;
  /** Environment variables of every process that sends. */
  readonly containerEnvironment: { [name: string]: string };
  /** Grants permission to send from the addresses of this mail, and from no other. */
  grantSend(grantee: IGrantable): Grant;
  /** Share of messages that bounced for good, 0 to 1: of the configuration set, or else of the account. */
  metricBounceRate(props?: MetricOptions): Metric;
  /** Share of messages reported as spam, 0 to 1: of the configuration set, or else of the account. */
  metricComplaintRate(props?: MetricOptions): Metric;
}

/** What receivers are asked to do with mail that claims to come from the domain and fails DKIM and SPF. */
export enum DmarcPolicy {
  /** Deliver it, and report. */
  NONE = 'none',
  /** Put it aside as spam. */
  QUARANTINE = 'quarantine',
  /** Refuse it. */
  REJECT = 'reject',
}

/** What can be tuned in the outgoing mail of an application. */
export interface MailOptions {
  /**
   * Domain that mail comes from.
   *
   * SES has one identity for each domain, account and region. **A deployment fails where another stack has
   * made it already: take a name of the application's own, or bring that identity as `emailIdentity`.**
   *
   * @default - the main domain name of the application; without an application the name of the hosted zone
   */
  readonly domain?: string;
  /**
   * Public hosted zone of the domain, which gets the records for DKIM and for the MAIL FROM domain.
   *
   * @default - that of the application; required unless there is an `emailIdentity`
   */
  readonly hostedZone?: IHostedZone;
  /**
   * An identity that SES has already, of this account and region, with records of its own.
   *
   * Only the configuration set is made then, so that several stacks can send from one domain.
   *
   * @default - a new one for `domain`
   */
  readonly emailIdentity?: IEmailIdentity;
  /**
   * Addresses that processes may send from; the first is DEFAULT_FROM_EMAIL.
   *
   * They are addresses of the identity, without a display name, and compared with what is sent letter by
   * letter. An asterisk stands for any characters before the @, but not in the first.
   *
   * @default - `no-reply@` and the domain, or the address that the identity is
   */
  readonly fromAddresses?: string[];
  /**
   * Subdomain for the return path, which gets an MX record and an SPF record: it can receive no other mail.
   *
   * @default - `bounces.` and the domain
   */
  readonly mailFromDomain?: string;
  /**
   * DMARC policy of the domain, which gets a TXT record.
   *
   * **It holds for all mail of the domain, whoever sends it: begin with NONE, and read the reports.**
   *
   * @default - no record
   */
  readonly dmarcPolicy?: DmarcPolicy;
  /**
   * Address that receivers send DMARC reports to.
   *
   * One of another domain needs a record there that allows it.
   *
   * @default - no reports
   */
  readonly dmarcReportAddress?: string;
}

/** Properties of `Mail`. */
export interface MailProps extends MailOptions {}

/** What must be known about mail that is set up elsewhere. */
export interface MailAttributes {
  /** The domain or address that SES has verified, of this account. */
  readonly emailIdentity: IEmailIdentity;
  /**
   * Its configuration set, in the region of the identity.
   *
   * Bounces are reported where it publishes its events to EventBridge.
   *
   * @default - none: no event is reported, and alarms watch the account
   */
  readonly configurationSet?: IConfigurationSet;
  /**
   * Addresses that processes may send from; the first is DEFAULT_FROM_EMAIL.
   *
   * @default - `no-reply@` and the domain, or the address that the identity is
   */
  readonly fromAddresses?: string[];
}

/** What made and imported mail share. */
abstract class MailBase extends Construct implements IMail {
  public abstract readonly emailIdentity: IEmailIdentity;
  public abstract readonly configurationSet?: IConfigurationSet;
  protected abstract readonly fromAddresses: string[];

  public get containerEnvironment(): { [name: string]: string } {
    return {
      DEFAULT_FROM_EMAIL: this.fromAddresses[0],
      AWS_SES_REGION_NAME: regionOf(this.emailIdentity),
      ...(this.configurationSet && { AWS_SES_CONFIGURATION_SET: this.configurationSet.configurationSetName }),
    } satisfies { [name in ContractVariable]?: string };
  }

  public grantSend(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['ses:SendEmail', 'ses:SendRawEmail'],
      resourceArns: [this.emailIdentity.emailIdentityArn, ...this.configurationSetArns()],
      conditions: { StringLike: { 'ses:FromAddress': this.fromAddresses } },
    });
  }

  public metricBounceRate(props?: MetricOptions): Metric {
    return this.metric('Reputation.BounceRate', props);
  }

  public metricComplaintRate(props?: MetricOptions): Metric {
    return this.metric('Reputation.ComplaintRate', props);
  }

  private metric(metricName: string, props?: MetricOptions): Metric {
    return new Metric({
      namespace: 'AWS/SES',
      metricName,
      dimensionsMap: this.configurationSet && { 'ses:configuration-set': this.configurationSet.configurationSetName },
      period: REPUTATION_PERIOD,
      statistic: Stats.MAXIMUM,
      region: regionOf(this.emailIdentity),
      ...props,
    }).attachTo(this);
  }

  private configurationSetArns(): string[] {
    if (this.configurationSet === undefined) {
      return [];
    }
    const { configurationSetName, env } = this.configurationSet;
    return [
      Stack.of(this).formatArn({
        service: 'ses',
        account: env.account,
        region: regionOf(this.emailIdentity),
        resource: 'configuration-set',
        resourceName: configurationSetName,
      }),
    ];
  }
}

/**
 * Outgoing mail of a Django application through Amazon SES: a verified domain with DKIM and a return path of
 * its own, and a configuration set that requires TLS.
 *
 * Processes send by the API of SES with the role of their task, so there is no password. SES keeps addresses
 * that bounced or complained on the suppression list of the account, and publishes bounces, complaints and
 * rejects to EventBridge, from where `ApplicationAlarms` reports them. A new account is in the sandbox: SES
 * sends to verified addresses alone, until AWS grants production access.
 *
 * @example
 * declare const hostedZone: route53.IHostedZone;
 *
 * const mail = new Mail(this, 'Mail', {
 *   hostedZone,
 *   domain: 'shop.example.com',
 *   fromAddresses: ['no-reply@shop.example.com', 'orders@shop.example.com'],
 * });
 * mail.containerEnvironment; // DEFAULT_FROM_EMAIL, AWS_SES_REGION_NAME, AWS_SES_CONFIGURATION_SET
 *
 * @see https://docs.aws.amazon.com/ses/latest/dg/best-practices.html
 */
export class Mail extends MailBase {
  /** Uses an identity, and a configuration set, as they are. */
  public static fromMailAttributes(scope: Construct, id: string, attrs: MailAttributes): IMail {
    return new ImportedMail(scope, id, attrs);
  }

  public readonly emailIdentity: IEmailIdentity;
  public readonly configurationSet?: IConfigurationSet;
  protected readonly fromAddresses: string[];

  constructor(scope: Construct, id: string, props: MailProps = {}) {
    super(scope, id);
    checkKinds(this, 'MailProps', props);
    const domain = domainOf(props);
    const mailFromDomain = props.mailFromDomain ?? `bounces.${domain}`;
    const fromAddresses = props.fromAddresses ?? defaultFrom(props.emailIdentity?.emailIdentityName ?? domain);
    checkMail(this, props, { domain, mailFromDomain });
    warnWithoutSes(this);

    const configurationSet = new ConfigurationSet(this, 'ConfigurationSet', {
      tlsPolicy: ConfigurationSetTlsPolicy.REQUIRE,
      reputationMetrics: true,
      suppressionReasons: SuppressionReasons.BOUNCES_AND_COMPLAINTS,
    });
    configurationSet.addEventDestination('Events', {
      destination: EventDestination.eventBus(EventBus.fromEventBusName(this, 'EventBus', DEFAULT_BUS)),
      events: [EmailSendingEvent.BOUNCE, EmailSendingEvent.COMPLAINT, EmailSendingEvent.REJECT],
    });
    this.configurationSet = configurationSet;
    this.emailIdentity = props.emailIdentity ?? this.makeIdentity(configurationSet, domain, mailFromDomain);
    this.fromAddresses = fromAddresses;
    if (props.hostedZone !== undefined && props.emailIdentity === undefined) {
      this.makeMailFrom(props.hostedZone, mailFromDomain);
      this.makeDmarc(props.hostedZone, domain, props);
    }
    if (props.hostedZone !== undefined && this.emailIdentity instanceof EmailIdentity) {
      this.makeDkim(props.hostedZone, this.emailIdentity);
    }
  }

  private makeIdentity(configurationSet: IConfigurationSet, domain: string, mailFromDomain: string): EmailIdentity {
    return new EmailIdentity(this, 'Identity', {
      identity: Identity.domain(domain),
      configurationSet, // For messages that name none.
      dkimIdentity: DkimIdentity.easyDkim(EasyDkimSigningKeyLength.RSA_2048_BIT),
      feedbackForwarding: false, // To the sender, whose mail nobody reads: events tell instead.
      mailFromDomain,
      // While DNS is not there yet, mail leaves with a return path of SES.
      mailFromBehaviorOnMxFailure: MailFromBehaviorOnMxFailure.USE_DEFAULT_VALUE,
    });
  }

  /** The L2 construct makes these records for the name of a zone alone. */
  private makeDkim(zone: IHostedZone, { dkimRecords }: EmailIdentity): void {
    dkimRecords.forEach(({ name, value }, index) => {
      new CnameRecord(this, `Dkim${index + 1}`, {
        zone,
        recordName: `${name}.`,
        domainName: value,
        ttl: RECORD_TTL,
      });
    });
  }

  private makeMailFrom(zone: IHostedZone, mailFromDomain: string): void {
    const recordName = `${mailFromDomain}.`;
    const hostName = `feedback-smtp.${Stack.of(this).region}.amazonses.com`;
    new MxRecord(this, 'MailFromMx', { zone, recordName, values: [{ priority: 10, hostName }], ttl: RECORD_TTL });
    new TxtRecord(this, 'MailFromSpf', {
      zone,
      recordName,
      values: ['v=spf1 include:amazonses.com ~all'],
      ttl: RECORD_TTL,
    });
  }

  private makeDmarc(zone: IHostedZone, domain: string, { dmarcPolicy, dmarcReportAddress }: MailProps): void {
    if (dmarcPolicy !== undefined) {
      const reports = dmarcReportAddress === undefined ? '' : `; rua=mailto:${dmarcReportAddress}`;
      new TxtRecord(this, 'Dmarc', {
        zone,
        recordName: `_dmarc.${domain}.`,
        values: [`v=DMARC1; p=${dmarcPolicy}${reports}`],
        ttl: RECORD_TTL,
      });
    }
  }
}

class ImportedMail extends MailBase {
  public readonly emailIdentity: IEmailIdentity;
  public readonly configurationSet?: IConfigurationSet;
  protected readonly fromAddresses: string[];

  constructor(scope: Construct, id: string, attrs: MailAttributes) {
    super(scope, id);
    checkKinds(this, 'MailAttributes', attrs);
    this.emailIdentity = attrs.emailIdentity;
    this.configurationSet = attrs.configurationSet;
    this.fromAddresses = attrs.fromAddresses ?? defaultFrom(attrs.emailIdentity.emailIdentityName);
    checkAttributes(this, attrs);
  }
}

/** In lower case, as DNS compares names; empty where the checks refuse what is missing. */
function domainOf({ domain, hostedZone, emailIdentity }: MailProps): string {
  const name =
    emailIdentity?.emailIdentityName ?? domain ?? (hostedZone === undefined ? undefined : zoneNameOf(hostedZone));
  return name === undefined ? '' : Token.isUnresolved(name) ? name : name.toLowerCase();
}

function defaultFrom(identity: string): string[] {
  return [identity.includes('@') ? identity : `no-reply@${identity}`];
}

/** An identity that is imported by its ARN does not tell its region as other resources do. */
function regionOf({ emailIdentityArn, env }: IEmailIdentity): string {
  return Token.isUnresolved(emailIdentityArn)
    ? env.region
    : (Arn.split(emailIdentityArn, ArnFormat.SLASH_RESOURCE_NAME).region ?? env.region);
}
