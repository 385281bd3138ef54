import { App, Stack } from 'aws-cdk-lib';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { EdgeStack } from '../../lib/edge-stack';
import { Account } from '../lifecycle/account';
import { type Artifact, deploy, destroy } from '../lifecycle/cli';
import { CloudFormation } from '../lifecycle/cloudformation';
import { findingsOf } from '../lifecycle/scenarios';

/** The stack as the CDK would deploy it, for some names. */
function edgeFor(...domainNames: string[]): Artifact {
  const app = new App();
  const zones = new Stack(app, 'Zones');
  const hostedZone = HostedZone.fromHostedZoneAttributes(zones, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });
  new EdgeStack(app, 'Edge', { domainNames, hostedZone, firewallOptions: { uploadPaths: ['/admin/*'] } });
  const { stackName, template, terminationProtection = false } = app.synth().getStackByName('Edge');
  return { stackName, resources: template.Resources, terminationProtection };
}

function certificatesIn({ account }: CloudFormation): string[] {
  return [...account.things.values()]
    .filter(({ type }) => type === 'AWS::CertificateManager::Certificate')
    .map(({ resource }) =>
      [resource.Properties?.DomainName, ...(resource.Properties?.SubjectAlternativeNames ?? [])].join(),
    );
}

describe('in a model of CloudFormation', () => {
  test('a failure at any resource can be tried again, and the end leaves nothing that is in the way', () => {
    expect(findingsOf(edgeFor('shop.example.com'))).toEqual([]);
  });

  test('other names make another certificate, and the distribution can use the one before', () => {
    const cloudFormation = new CloudFormation(new Account());
    deploy(cloudFormation, edgeFor('shop.example.com'));
    expect(certificatesIn(cloudFormation)).toEqual(['shop.example.com']);
    const { status } = deploy(cloudFormation, edgeFor('shop.example.com', 'www.example.com'));
    expect(status).toBe('UPDATE_COMPLETE');
    expect(certificatesIn(cloudFormation).sort()).toEqual(['shop.example.com', 'shop.example.com,www.example.com']);
    destroy(cloudFormation, 'Edge');
    expect(certificatesIn(cloudFormation)).toEqual(['shop.example.com']); // docs/edge.md has the command.
  });
});
