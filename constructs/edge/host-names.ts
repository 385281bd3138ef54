import { Token } from 'aws-cdk-lib';
import type { IHttpsLoadBalancer } from './https-load-balancer';

/** A host name that is served, or redirected, with a certificate and records. */
type Named = Pick<IHttpsLoadBalancer, 'domainNames' | 'redirectedDomainNames'>;

/** A full host name in lower case, without the dot at the end. */
export const HOST_NAME = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;
/** The same as somebody may write it. */
export const HOST_NAME_IN_ANY_CASE = new RegExp(HOST_NAME, 'i');

/** What Django must know of the names that a process is reached under. */
export interface Address {
  /** As in ALLOWED_HOSTS: a wildcard is a leading dot. */
  readonly allowedHosts: string[];
  /** As in CSRF_TRUSTED_ORIGINS: with the scheme, and a wildcard is an asterisk. */
  readonly csrfTrustedOrigins: string[];
}

/** Host names in lower case, as DNS compares them. A token stays as it is. */
export function lowerCase(names: string[]): string[] {
  return Token.isUnresolved(names)
    ? names
    : names.map((name) => (Token.isUnresolved(name) ? name : name.toLowerCase()));
}

/** Every name with a certificate and records: those that are served, and those that are redirected. */
export function certifiedNames({ domainNames, redirectedDomainNames }: Named): string[] {
  return redirectedDomainNames.length === 0 ? domainNames : [...domainNames, ...redirectedDomainNames];
}

/**
 * The host names that the load balancer answers to: its domain names, or its own name where it has none.
 *
 * None where a distribution without a domain stands before it: its rules then look at the secret of the
 * distribution alone, whose name is made after them.
 */
export function hostNamesOf({ domainNames, originHeader, loadBalancer }: IHttpsLoadBalancer): string[] {
  if (domainNames.length > 0) {
    return domainNames;
  }
  return originHeader === undefined ? [loadBalancer.loadBalancerDnsName] : [];
}

/**
 * The same host names in the two forms that Django knows.
 *
 * @see https://docs.djangoproject.com/en/stable/ref/settings/#allowed-hosts
 */
export function addressOf(loadBalancer: IHttpsLoadBalancer, hostNames: string[]): Address {
  const scheme = loadBalancer.secure ? 'https' : 'http';
  return {
    allowedHosts: hostNames.map((host) => host.replace(/^\*\./, '.')),
    csrfTrustedOrigins: hostNames.map((host) => `${scheme}://${host}`),
  };
}
