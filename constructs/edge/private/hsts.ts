import { Duration } from 'aws-cdk-lib';
import type { Checks } from '../../core/checks';

/** For a year, and for the host itself alone. */
export const DEFAULT_HSTS = 'max-age=31536000';

/** What Elastic Load Balancing and CloudFront take as a Content-Security-Policy. */
export const POLICY = /^[\x20-\x7e]{1,1024}$/;
export const POLICY_MUST = 'be one line of 1 to 1024 plain characters';

/** Refuses values of security headers that Elastic Load Balancing or CloudFront would not send. */
export function checkHeaders(
  checks: Checks,
  {
    strictTransportSecurity: hsts,
    contentSecurityPolicy,
  }: { readonly strictTransportSecurity?: string; readonly contentSecurityPolicy?: string },
): void {
  checks
    .optional('strictTransportSecurity', hsts, () => isHsts(hsts as string), {
      must: 'be max-age=<seconds>, with includeSubDomains and preload if wanted, each once, separated by semicolons',
      remedy: `Use '${DEFAULT_HSTS}'.`,
    })
    .matches('contentSecurityPolicy', contentSecurityPolicy, POLICY, {
      must: POLICY_MUST,
      remedy: 'Longer ones have to come from the application: leave it out here.',
    });
}

/** The directives of a Strict-Transport-Security header as CloudFront takes them. */
export function directivesOf(header = DEFAULT_HSTS) {
  const directives = namesAndValues(header);
  const [seconds] = /\d+/.exec(directives.find((each) => each.startsWith('max-age=')) ?? '') ?? ['0'];
  return {
    accessControlMaxAge: Duration.seconds(Number(seconds)),
    includeSubdomains: directives.includes('includesubdomains'),
    preload: directives.includes('preload'),
  };
}

/** Whether a value of Strict-Transport-Security has each directive once, in any order (RFC 6797). */
function isHsts(header: string): boolean {
  const known = namesAndValues(header).map((name) => (/^max-age=("?)\d+\1$/.test(name) ? 'max-age' : name));
  return (
    /^[\x20-\x7e]+$/.test(header) &&
    known.includes('max-age') &&
    new Set(known).size === known.length &&
    known.every((name) => ['max-age', 'includesubdomains', 'preload'].includes(name))
  );
}

function namesAndValues(header: string): string[] {
  return header.split(';').map((directive) => directive.trim().toLowerCase());
}
