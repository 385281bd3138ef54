/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles (see scripts/build-handlers.js): a Lambda
 * function's credentials are in its environment, and the clients of the other ways to find some (SSO,
 * profiles, instance metadata) are a third of the bundle.
 */
export function defaultProvider(): () => Promise<{
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}> {
  return async () => ({
    accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? '',
    sessionToken: process.env.AWS_SESSION_TOKEN,
  });
}
