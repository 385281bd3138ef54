import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import { type Checks, isUnknown } from '../core/checks';
import { HOST_NAME } from './host-names';
import { isPrivateZone, zoneNameOf } from './zone';

/** Names that ACM puts into one certificate, unless AWS raised the quota. */
const MOST_NAMES = 10;

/** Refuses names that no certificate can be made for in the hosted zone. */
export function checkCertifiedNames(checks: Checks, domainNames: string[], hostedZone: IHostedZone | undefined): void {
  checks
    .known('domainNames', domainNames)
    .that('domainNames', domainNames, new Set(domainNames).size === domainNames.length, {
      must: 'name every host once',
      remedy: 'Remove the repeated names.',
    })
    .that('domainNames', `${domainNames.length} names`, domainNames.length <= MOST_NAMES, {
      must: `be at most ${MOST_NAMES}, as many as one certificate takes`,
      remedy: 'Bring a certificate for all of them, with a wildcard or a raised quota.',
    })
    .optional('domainNames[0]', domainNames[0], () => domainNames[0].length <= 64, {
      must: 'be at most 64 characters long to be the first name of a certificate',
      remedy: 'Put a shorter name first.',
    })
    .that('hostedZone', hostedZone, domainNames.length === 0 || hostedZone !== undefined, {
      must: 'be given with `domainNames`',
      remedy: 'Give the public hosted zone of the names.',
    })
    .that('hostedZone', hostedZone, hostedZone === undefined || !isPrivateZone(hostedZone), {
      must: 'be a public one',
      remedy: 'ACM looks for its record on the internet.',
    });
  checkNames(checks, domainNames, hostedZone);
}

function checkNames(checks: Checks, domainNames: string[], hostedZone: IHostedZone | undefined): void {
  const zoneName = hostedZone && zoneNameOf(hostedZone);
  checks.that('hostedZone', hostedZone, hostedZone === undefined || zoneName !== undefined, {
    must: 'know its name',
    remedy: 'Use HostedZone.fromHostedZoneAttributes() with `hostedZoneId` and `zoneName`.',
  });
  const end = zoneName === undefined || isUnknown(zoneName) ? '' : `.${zoneName.toLowerCase()}`;
  for (const [index, name] of domainNames.entries()) {
    checks
      .matches(`domainNames[${index}]`, name, HOST_NAME, {
        must: 'be a host name, without scheme, port, path or wildcard',
        remedy: 'Write it as in shop.example.com.',
      })
      .that(`domainNames[${index}]`, name, `.${name}`.endsWith(end), {
        must: `lie in the hosted zone ${zoneName}`,
        remedy: 'Give the zone of that name; names of other zones need a certificate and records of their own.',
      });
  }
}
