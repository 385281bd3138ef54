import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import { type Checks, isUnknown } from '../core/checks';
import { certifiedNames, HOST_NAME } from './host-names';
import { isPrivateZone, zoneNameOf } from './zone';

/** Names that ACM puts into one certificate, unless AWS raised the quota. */
const MOST_NAMES = 10;

/** Names by what happens to their requests. */
export interface CertifiedNames {
  readonly domainNames: string[];
  readonly redirectedDomainNames: string[];
}

/** Refuses names that no certificate can be made for in the hosted zone. */
export function checkCertifiedNames(checks: Checks, names: CertifiedNames, hostedZone: IHostedZone | undefined): void {
  const { domainNames } = names;
  checks.known('domainNames', domainNames);
  checkOnce(checks, domainNames);
  checkRedirected(checks, names);
  checkFitIntoOne(checks, names);
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
    checkInZone(checks, names, hostedZone);
  }
}

/** Refuses names that cannot be redirected to the first domain name. */
export function checkRedirected(checks: Checks, names: CertifiedNames): void {
  const { domainNames, redirectedDomainNames } = names;
  const prop = 'redirectedDomainNames';
  if (redirectedDomainNames.length === 0) {
    return;
  }
  checks.known(prop, redirectedDomainNames).known('domainNames', domainNames); // They are compared.
  if (isUnknown(redirectedDomainNames) || isUnknown(domainNames)) {
    return;
  }
  for (const [index, name] of redirectedDomainNames.entries()) {
    const here = `${prop}[${index}]`;
    checks
      .matches(here, name.replace(/^\*\./, ''), HOST_NAME, {
        must: 'be a host name, without scheme, port and path, a wildcard only as the first label',
        remedy: 'Write it as in www.example.com or *.example.com.',
      })
      .that(here, name, !domainNames.includes(name), {
        must: 'not be among `domainNames`',
        remedy: 'A name is either served or redirected: leave it in one of them.',
      })
      .that(here, name, redirectedDomainNames.indexOf(name) === index, {
        must: 'be named once',
        remedy: 'Remove the repeated name.',
      })
      .that(here, name, !covers(name, domainNames[0]), {
        must: 'not stand for the name that it is redirected to, the first of `domainNames`',
        remedy: 'Name what is redirected one by one, such as www.example.com.',
      });
  }
}

/** Whether a name is a wildcard that stands for another one. */
function covers(wildcard: string, name: string | undefined): boolean {
  return wildcard.startsWith('*.') && (name ?? '').endsWith(wildcard.slice(1));
}

/** Refuses names that repeat one before. */
export function checkOnce(checks: Checks, domainNames: string[]): void {
  checks.that('domainNames', domainNames, new Set(domainNames).size === domainNames.length, {
    must: 'name every host once',
    remedy: 'Remove the repeated names.',
  });
}

/** Refuses names that do not fit into one certificate that is made here, the first one as its name. */
export function checkFitIntoOne(checks: Checks, { domainNames, redirectedDomainNames }: CertifiedNames): void {
  const [first] = domainNames;
  const all = certifiedNames({ domainNames, redirectedDomainNames });
  const together = redirectedDomainNames.length === 0 ? '' : ' together with `redirectedDomainNames`';
  checks
    .optional('domainNames[0]', first, () => first.length <= 64, {
      must: 'be at most 64 characters long to be the first name of a certificate',
      remedy: 'Put a shorter name first.',
    })
    .that('domainNames', `${all.length} names`, isUnknown(all) || all.length <= MOST_NAMES, {
      must: `be at most ${MOST_NAMES}${together}, as many as one certificate takes`,
      remedy: 'Bring a certificate for all of them, with a wildcard or a raised quota.',
    });
}

/** Refuses a zone that does not know its name, and names that do not lie in it. */
export function checkInZone(checks: Checks, names: CertifiedNames, hostedZone: IHostedZone): void {
  const zoneName = zoneNameOf(hostedZone);
  checks.that('hostedZone', hostedZone, zoneName !== undefined, {
    must: 'know its name',
    remedy: 'Use HostedZone.fromHostedZoneAttributes() with `hostedZoneId` and `zoneName`.',
  });
  if (zoneName === undefined || isUnknown(zoneName)) {
    return;
  }
  const { domainNames, redirectedDomainNames } = names;
  for (const [prop, some] of Object.entries({ domainNames, redirectedDomainNames })) {
    for (const [index, name] of some.entries()) {
      checks.that(`${prop}[${index}]`, name, `.${name}`.endsWith(`.${zoneName.toLowerCase()}`), {
        must: `lie in the hosted zone ${zoneName}`,
        remedy: 'Give the zone of that name; names of other zones need a certificate and records of their own.',
      });
    }
  }
}
