import { App, type AppProps, Stack, type StackProps } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { DjangoApplication, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';
import { ShopStack, type ShopStackProps } from '../examples/django-app/shop-stack';

const PARTS = {
  cdn: { publicMediaPaths: ['/public/*'], signedMediaPaths: ['/media/*'] },
  staticFiles: {},
  databaseDump: {},
  restoreDrill: {},
};

/**
 * The full production example in an app of its own: what the compliance packs, the wiring walk and the
 * benchmark look at.
 */
export function productionExample(props: AppProps = {}): { app: App; stack: ShopStack } {
  const app = new App(props);
  return { app, stack: productionStack(app, 'Shop') };
}

/** The same behind a distribution, with static files in a bucket, and dumps that are proven. */
export function everyPart(props: AppProps = {}): { app: App; stack: ShopStack } {
  const app = new App(props);
  const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
  const certificate = Certificate.fromCertificateArn(new Stack(app, 'Edge'), 'Certificate', arn);
  return { app, stack: productionStack(app, 'Shop', { ...PARTS, cdn: { ...PARTS.cdn, certificate } }) };
}

/** Every part in a known account and Region: certificate and firewall stand in a stack in us-east-1. */
export function everyPartAbroad(props: AppProps = {}): { app: App; stack: ShopStack } {
  const app = new App(props);
  const env = { account: '111122223333', region: 'eu-central-1' };
  return { app, stack: productionStack(app, 'Shop', { ...PARTS, env }) };
}

/**
 * An application on Aurora as the profile has it: in production with two instances, in development
 * serverless.
 */
export function auroraExample(profile: Profile, props: AppProps = {}): { app: App; stack: Stack } {
  const app = new App(props);
  return { app, stack: auroraStack(app, 'Orders', profile) };
}

/** The same as one stack of several. */
export function auroraStack(scope: Construct, id: string, profile: Profile, props: StackProps = {}): Stack {
  const stack = new Stack(scope, id, props);
  const isProduction = profile.name === 'production';
  const zone = { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' };
  new DjangoApplication(stack, 'App', {
    profile,
    image: ContainerImage.fromRegistry('orders:1'),
    settingsModule: 'config.settings',
    queues: { default: {} },
    aurora: {},
    ...(isProduction && {
      domainNames: ['orders.example.com'],
      hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', zone),
    }),
  });
  return stack;
}

/** The production example as one stack of several. */
export function productionStack(scope: Construct, id: string, more: Partial<ShopStackProps> = {}): ShopStack {
  return new ShopStack(scope, id, {
    ...more,
    // The one thing that rule packs ask for and production does without, because of its price.
    profile: Profile.production({ containerInsights: ContainerInsights.ENHANCED }),
    domainName: 'shop.example.com',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    notificationEmail: 'ops@example.com',
  });
}
