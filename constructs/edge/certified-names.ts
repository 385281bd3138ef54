import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import { type Checks, isUnknown } from '../core/checks';
import { HOST_NAME } from './host-names';
import { isPrivateZone, zoneNameOf } from './zone';

/** Names that ACM puts into one certificate, unless AWS raised the quota. */
const MOST_NAMES = 10;

/** Refuses names that no certificate can be made for in the hosted zone. */
export function checkCertifiedNames(checks: Checks, domainNames: string[], hostedZone: IHostedZone | undefined): void {
  checks.known('domainNames', domainNames);
  checkOnce(checks, domainNames);
  checkFitIntoOne(checks, domainNames);
  checks
    .that('hostedZone', hostedZone, domainNames.length === 0 || hostedZone !== undefined, {
      must: 'be given with `domainNames`',
      remedy: 'Give the public hosted zone of the names.',
    })
    .that('hostedZone', hostedZone, hostedZone === undefined || !isPrivateZone(hostedZone), {
      must: 'be a public one',
      remedy: 'ACM looks for its record on the internet.',
    });
  for (const [index, name] of domainNames.entries()) {
    checks.matches(`domainNames[${index}]`, name, HOST_NAME, {
      must: 'be a host name, without scheme, port, path or wildcard',
      remedy: 'Write it as in shop.example.com.',
    });
  }
  if (hostedZone !== undefined) {
    checkInZone(checks, domainNames, hostedZone);
  }
}

/** Refuses names that repeat one before. */
export function checkOnce(checks: Checks, domainNames: string[]): void {
  checks.that('domainNames', domainNames, new Set(domainNames).size === domainNames.length, {
    must: 'name every host once',
    remedy: 'Remove the repeated names.',
  });
}

/** Refuses names that do not fit into one certificate that is made here, the first one as its name. */
export function checkFitIntoOne(checks: Checks, domainNames: string[]): void {
  const [first] = domainNames;
  checks
    .optional('domainNames[0]', first, () => first.length <= 64, {
      must: 'be at most 64 characters long to be the first name of a certificate',
      remedy: 'Put a shorter name first.',
    })
    .that('domainNames', `${domainNames.length} names`, isUnknown(domainNames) || domainNames.length <= MOST_NAMES, {
      must: `be at most ${MOST_NAMES}, as many as one certificate takes`,
      remedy: 'Bring a certificate for all of them, with a wildcard or a raised quota.',
    });
}

/** Refuses a zone that does not know its name, and names that do not lie in it. */
export function checkInZone(checks: Checks, domainNames: string[], hostedZone: IHostedZone): void {
  const zoneName = zoneNameOf(hostedZone);
  checks.that('hostedZone', hostedZone, zoneName !== undefined, {
    must: 'know its name',
    remedy: 'Use HostedZone.fromHostedZoneAttributes() with `hostedZoneId` and `zoneName`.',
  });
  if (zoneName === undefined || isUnknown(zoneName)) {
    return;
  }
  for (const [index, name] of domainNames.entries()) {
    checks.that(`domainNames[${index}]`, name, `.${name}`.endsWith(`.${zoneName.toLowerCase()}`), {
      must: `lie in the hosted zone ${zoneName}`,
      remedy: 'Give the zone of that name; names of other zones need a certificate and records of their own.',
    });
  }
}
