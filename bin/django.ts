import { App } from 'aws-cdk-lib';
import { ShopStack } from '../examples/django-app/shop-stack';
import { Profile } from '../lib';

/**
 * `npx cdk deploy` for the example, configured by the context of cdk.json or by `-c name=value`:
 *
 *   profile       development (default) or production
 *   domainName    where the application answers, and what it sends mail from; without it, the load balancer's
 *                 own name over HTTP, and no mail (development only)
 *   redirectedDomainName
 *                 another name, such as www.example.com, that is redirected to it
 *   hostedZoneId  of the domain's hosted zone; looked up by hostedZoneName where there are credentials
 *   mail          false: no mail although there is a domain, for example in a region without Amazon SES
 *   hostedZoneName, region, account, notificationEmail
 */
const app = new App();
const context = (name: string): string | undefined => app.node.tryGetContext(name);

new ShopStack(app, context('stackName') ?? 'Shop', {
  profile: profileNamed(context('profile') ?? 'development'),
  env: {
    account: context('account') ?? process.env.CDK_DEFAULT_ACCOUNT,
    region: context('region') ?? process.env.CDK_DEFAULT_REGION,
  },
  domainName: context('domainName'),
  redirectedDomainNames: listOf(context('redirectedDomainName')),
  hostedZoneId: context('hostedZoneId'),
  hostedZoneName: context('hostedZoneName'),
  mail: String(context('mail')) === 'false' ? false : undefined, // false by cdk.json, 'false' by -c
  notificationEmail: context('notificationEmail'),
});

function listOf(name: string | undefined): string[] | undefined {
  return name === undefined ? undefined : [name];
}

function profileNamed(name: string): Profile {
  switch (name) {
    case 'production':
      return Profile.production();
    case 'development':
      return Profile.development();
    default:
      throw new Error(
        `App: \`profile\` must be one of "production", "development", got "${name}". Give it with -c profile=production.`,
      );
  }
}
