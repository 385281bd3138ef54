import { Arn, ArnFormat, Stack } from 'aws-cdk-lib';
import type { IEmailIdentity } from 'aws-cdk-lib/aws-ses';
import type { Construct } from 'constructs';
import { Checks, isUnknown } from '../../core/checks';
import { checkEffects, type Effects, needsOneOf, voidBeside } from '../../core/effects';
import { HOST_NAME, HOST_NAME_IN_ANY_CASE } from '../../edge/host-names';
import { isPrivateZone, zoneNameOf } from '../../edge/zone';
import type { MailAttributes, MailProps } from '../mail';

/** ASCII, as SES asks for; no question mark: IAM takes it for any one character. */
const FROM_ADDRESS = /^(?=[!-~]+$)[^\s@<>()[\]:;,"\\?]+@[^\s@<>()[\]:;,"\\?*]+$/;
const ADDRESS = /^(?=[!-~]+$)[^\s@<>()[\]:;,"\\*?!]+@[^\s@<>()[\]:;,"\\*?!]+$/;

const OF_IDENTITY = voidBeside<MailProps>('emailIdentity', '`emailIdentity` is used as it is, with its own records');
const EFFECTS: Effects<MailProps> = {
  domain: [OF_IDENTITY],
  hostedZone: [OF_IDENTITY],
  mailFromDomain: [OF_IDENTITY],
  dmarcPolicy: [OF_IDENTITY],
  dmarcReportAddress: [OF_IDENTITY, needsOneOf<MailProps>(['dmarcPolicy'], 'Add a `dmarcPolicy` that it belongs to.')],
};

/** What follows from the props and their defaults. */
export interface MailNames {
  readonly domain: string;
  readonly mailFromDomain: string;
}

/** Validates the props of `Mail`. */
export function checkMail(scope: Construct, props: MailProps, names: MailNames): void {
  const checks = new Checks(scope);
  checkEffects(checks, props, EFFECTS);
  if (props.emailIdentity === undefined) {
    checkZone(checks, props);
    checkDomain(checks, props, names);
    checkFrom(checks, props, names.domain);
  } else {
    checkIdentity(checks, props.emailIdentity, Stack.of(scope));
    checkFrom(checks, props, props.emailIdentity.emailIdentityName);
  }
  checks.throwIfAny();
}

/** Validates what is said of mail that is set up elsewhere. */
export function checkAttributes(scope: Construct, attrs: MailAttributes): void {
  const checks = new Checks(scope);
  const { account } = Stack.of(scope);
  checkPart(checks, 'account', attrs.emailIdentity, account);
  checkFrom(checks, attrs, attrs.emailIdentity.emailIdentityName);
  checks.throwIfAny();
}

function checkZone(checks: Checks, { hostedZone }: MailProps): void {
  if (hostedZone === undefined) {
    checks.refuse('hostedZone', hostedZone, {
      must: 'be given, unless `emailIdentity` is',
      remedy:
        'SES verifies a domain by records in its zone: give the hosted zone of the domain, bring an identity that SES has verified, or leave `mail` out.',
    });
    return;
  }
  checks
    .that('hostedZone', hostedZone, !isPrivateZone(hostedZone), {
      must: 'be a public one, where SES and the receivers of mail find the records',
      remedy: 'Give the public zone of the domain.',
    })
    .that('hostedZone', hostedZone, zoneNameOf(hostedZone) !== undefined, {
      must: 'know its name',
      remedy: 'Use HostedZone.fromHostedZoneAttributes() with `hostedZoneId` and `zoneName`.',
    });
}

function checkDomain(checks: Checks, props: MailProps, { domain, mailFromDomain }: MailNames): void {
  const zoneName = props.hostedZone && zoneNameOf(props.hostedZone);
  checks
    .matches('domain', props.domain, HOST_NAME_IN_ANY_CASE, {
      must: 'be a full domain name',
      remedy: 'Write it without an asterisk, an @ or a dot at the end, for example shop.example.com.',
    })
    .optional(
      'domain',
      props.domain,
      () => zoneName === undefined || isUnknown(zoneName) || isWithin(domain, zoneName),
      {
        must: `lie in the hosted zone ${zoneName}`,
        remedy: 'Give the zone of that domain: SES looks for the records there.',
      },
    )
    .optional(
      'mailFromDomain',
      props.mailFromDomain,
      () => HOST_NAME.test(mailFromDomain) && (isUnknown(domain) || isBelow(mailFromDomain, domain)),
      {
        must: `be a subdomain of ${isUnknown(domain) ? 'the domain' : domain}, in lower case`,
        remedy: 'SES takes no other one: write for example bounces.shop.example.com for shop.example.com.',
      },
    )
    .matches('dmarcReportAddress', props.dmarcReportAddress, ADDRESS, {
      must: 'be an e-mail address',
      remedy: 'Write it as name@domain, without a display name and without mailto.',
    });
}

/** A configuration set cannot be used with an identity of another region. */
function checkIdentity(checks: Checks, identity: IEmailIdentity, { account, region }: Stack): void {
  checkPart(checks, 'account', identity, account);
  checkPart(checks, 'region', identity, region);
}

function checkPart(checks: Checks, part: 'account' | 'region', identity: IEmailIdentity, own: string): void {
  const arn = identity.emailIdentityArn;
  const given = isUnknown(arn) ? undefined : Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME)[part];
  checks.optional('emailIdentity', given === undefined ? undefined : arn, () => isUnknown(own) || given === own, {
    must: `be of the ${part} of the stack, ${own}`,
    remedy:
      part === 'account'
        ? 'Processes send with roles of this account: have SES verify the domain here.'
        : 'Have SES verify the domain in this region, or bring the identity with a configuration set of its region: Mail.fromMailAttributes().',
  });
}

/** Checks the addresses that the user wrote: the default follows from the identity. */
function checkFrom(checks: Checks, { fromAddresses }: MailProps | MailAttributes, identity: string): void {
  if (fromAddresses === undefined) {
    return;
  }
  checks.that('fromAddresses', fromAddresses, fromAddresses.length > 0, {
    must: 'hold at least one address',
    remedy: 'The first is DEFAULT_FROM_EMAIL; leave the prop out for no-reply@ and the domain.',
  });
  const [first] = fromAddresses;
  checks.optional('fromAddresses[0]', first, () => !first.includes('*'), {
    must: 'be one address, because it is DEFAULT_FROM_EMAIL',
    remedy: 'Put an address without an asterisk first.',
  });
  for (const [index, address] of fromAddresses.entries()) {
    const prop = `fromAddresses[${index}]`;
    const isAddress = FROM_ADDRESS.test(address);
    checks
      .matches(prop, address, FROM_ADDRESS, {
        must: 'be an e-mail address in ASCII, with an asterisk before the @ at most',
        remedy: 'Write it as name@domain; a display name goes into the settings of Django.',
      })
      .that(prop, address, !isAddress || isUnknown(identity) || isOf(address, identity), {
        must: `be an address of ${isUnknown(identity) ? 'the identity' : identity || 'the domain'}`,
        remedy: 'SES sends from nothing else: give an address of it, or the `domain` that this one belongs to.',
      });
  }
}

/** An identity is one address, or a domain with all that lies below it. */
function isOf(address: string, identity: string): boolean {
  const [given, own] = [address.toLowerCase(), identity.toLowerCase()];
  return identity === '' || (own.includes('@') ? given === own : isWithin(given.slice(given.indexOf('@') + 1), own));
}

function isWithin(name: string, zone: string): boolean {
  return `.${name}`.endsWith(`.${zone.toLowerCase()}`);
}

function isBelow(name: string, domain: string): boolean {
  return name.endsWith(`.${domain}`);
}
