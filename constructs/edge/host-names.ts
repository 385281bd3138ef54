import type { IHttpsLoadBalancer } from './https-load-balancer';

/** The host names that the load balancer answers to: its domain names, or its own name where it has none. */
export function hostNamesOf(loadBalancer: IHttpsLoadBalancer): string[] {
  return loadBalancer.domainNames.length > 0
    ? loadBalancer.domainNames
    : [loadBalancer.loadBalancer.loadBalancerDnsName];
}

/** The origins that forms may be posted from: the host names with the scheme that users see. */
export function originsOf(loadBalancer: IHttpsLoadBalancer, hostNames = hostNamesOf(loadBalancer)): string[] {
  return hostNames.map((host) => `${loadBalancer.secure ? 'https' : 'http'}://${host}`);
}
