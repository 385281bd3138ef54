import { App, type AppProps } from 'aws-cdk-lib';
import { Profile } from 'cdk-django-fargate';
import { ShopStack } from '../examples/django-app/shop-stack';

/** The full production example in an app of its own: what the compliance packs, the wiring walk and the benchmark look at. */
export function productionExample(props: AppProps = {}): { app: App; stack: ShopStack } {
  const app = new App(props);
  const stack = new ShopStack(app, 'Shop', {
    profile: Profile.production(),
    domainName: 'shop.example.com',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    notificationEmail: 'ops@example.com',
  });
  return { app, stack };
}
