import { type Checks, isUnknown } from '../../core/checks';
import type { ProcessProps } from '../process-props';

/** One of ALLOWED_HOSTS: a name or an address, a domain with a leading dot, or an asterisk. */
const ALLOWED_HOST = /^(\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])$/;

/** One of CSRF_TRUSTED_ORIGINS: scheme, name, perhaps a port. */
const ORIGIN = /^https?:\/\/(\*\.)?([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;

/**
 * Validates host names and origins by what Django makes of them, and the numbers among the variables that a
 * user may replace.
 *
 * The lists reach the process joined by commas.
 */
export function checkAddresses(checks: Checks, props: ProcessProps): void {
  const { allowedHosts = [], csrfTrustedOrigins = [], environment = {} } = props;
  for (const [index, host] of known(allowedHosts).entries()) {
    checkHost(checks, `allowedHosts[${index}]`, host);
  }
  for (const [index, origin] of known(csrfTrustedOrigins).entries()) {
    checkOrigin(checks, `csrfTrustedOrigins[${index}]`, origin);
  }
  for (const host of listOf(environment.DJANGO_ALLOWED_HOSTS)) {
    checkHost(checks, 'environment.DJANGO_ALLOWED_HOSTS', host);
  }
  for (const origin of listOf(environment.DJANGO_CSRF_TRUSTED_ORIGINS)) {
    checkOrigin(checks, 'environment.DJANGO_CSRF_TRUSTED_ORIGINS', origin);
  }
  checks.matches('environment.WEB_CONCURRENCY', environment.WEB_CONCURRENCY, /^[1-9]\d{0,3}$/, {
    must: 'be a number of processes',
    remedy: 'Leave it out and give `processes`, which is compared with the memory of the task.',
  });
}

function checkHost(checks: Checks, prop: string, host: string): void {
  checks.matches(prop, host, ALLOWED_HOST, {
    must: 'be a host name as ALLOWED_HOSTS takes it, without scheme, port and path',
    remedy: 'Write one name as in "shop.example.com", or ".example.com" for a domain and its subdomains.',
  });
}

function checkOrigin(checks: Checks, prop: string, origin: string): void {
  checks.matches(prop, origin, ORIGIN, {
    must: 'be an origin with its scheme and without a path',
    remedy: 'Write one as in "https://shop.example.com": Django does not start with another form.',
  });
}

/** A list that is a token as a whole has no items that say anything. */
function known(items: string[]): string[] {
  return isUnknown(items) && items.length === 1 && !isUnknown(items[0]) ? [] : items;
}

/** What a settings module splits at the commas; nothing is said about what is empty. */
function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
