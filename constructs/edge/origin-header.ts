/**
 * A header that a distribution adds to what it sends to the load balancer, and that every rule of the load
 * balancer asks for.
 */
export interface OriginHeader {
  /** Name of the header. */
  readonly name: string;
  /**
   * Values that rules accept, of which the distribution sends the first.
   *
   * Each is a reference to a secret, which only the deployment resolves.
   */
  readonly values: string[];
}

/** Name of the header with the secret. */
export const ORIGIN_HEADER = 'X-Origin-Key';

/**
 * Header with the address of the viewer, which the distribution writes over whatever a client has sent.
 *
 * For a firewall at the load balancer, where every request comes from an address of CloudFront.
 */
export const VIEWER_ADDRESS_HEADER = 'x-viewer-address';

/** Header in which CloudFront says by which protocol the viewer came, over whatever a client has sent. */
export const FORWARDED_PROTO = 'CloudFront-Forwarded-Proto';
