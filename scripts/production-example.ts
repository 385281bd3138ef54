import { App, type AppProps } from 'aws-cdk-lib';
import { ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';
import { ShopStack } from '../examples/django-app/shop-stack';

/**
 * The full production example in an app of its own: what the compliance packs, the wiring walk and the
 * benchmark look at.
 */
export function productionExample(props: AppProps = {}): { app: App; stack: ShopStack } {
  const app = new App(props);
  return { app, stack: productionStack(app, 'Shop') };
}

/** The production example as one stack of several. */
export function productionStack(scope: Construct, id: string): ShopStack {
  return new ShopStack(scope, id, {
    // The one thing that rule packs ask for and production does without, because of its price.
    profile: Profile.production({ containerInsights: ContainerInsights.ENHANCED }),
    domainName: 'shop.example.com',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    notificationEmail: 'ops@example.com',
  });
}
