/** Where AWS keeps what CloudFront uses: it takes no certificate and no web ACL of another Region. */
export const EDGE_REGION = 'us-east-1';
