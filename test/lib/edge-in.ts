import { type AppProps, Stack } from 'aws-cdk-lib';
import { CfnDistribution } from 'aws-cdk-lib/aws-cloudfront';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { EdgeStack } from '../../lib/edge-stack';
import { appWith } from '../../scripts/examples';

/** An edge in production; and where asked, a stack of another Region with a distribution that reads it. */
export function edgeIn(props: AppProps, read: boolean) {
  return appWith(props, (app) => {
    const env = { account: '111122223333', region: 'eu-central-1' };
    const consumer = new Stack(app, 'Shop', { env });
    const edge = new EdgeStack(app, 'Edge', {
      env: { account: env.account, region: 'us-east-1' },
      domainNames: ['shop.example.com', 'www.example.com'],
      hostedZone: HostedZone.fromHostedZoneAttributes(consumer, 'Zone', {
        hostedZoneId: 'Z0123456789ABCDEFGHIJ',
        zoneName: 'example.com',
      }),
      firewallOptions: { uploadPaths: ['/admin/*'], loginFingerprintRateLimit: 5000 },
    });
    if (read) {
      new CfnDistribution(consumer, 'Distribution', {
        distributionConfig: {
          enabled: true,
          aliases: ['shop.example.com', 'www.example.com'],
          origins: [
            { id: 'app', domainName: 'origin.example.com', customOriginConfig: { originProtocolPolicy: 'https-only' } },
          ],
          defaultCacheBehavior: {
            targetOriginId: 'app',
            viewerProtocolPolicy: 'redirect-to-https',
            cachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
          },
          viewerCertificate: {
            acmCertificateArn: edge.certificateFor(consumer).certificateArn,
            sslSupportMethod: 'sni-only',
            minimumProtocolVersion: 'TLSv1.2_2025',
          },
          webAclId: edge.webAclArnFor(consumer),
        },
      });
    }
  });
}
