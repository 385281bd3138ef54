import { App, type AppProps, Stage } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { Profile } from 'cdk-django-fargate';
import { WITHOUT_SES } from '../constructs/mail/private/regions';
import { ShopStack } from '../examples/django-app/shop-stack';
import { ExistingNetworkStack } from '../examples/existing-network/stack';
import { MinimalStack } from '../examples/minimal/stack';
import { NotesPipelineStack } from '../examples/pipeline/stack';
import { auroraExample, auroraStack, productionExample, productionStack } from './production-example';

const env = { account: '111122223333', region: 'eu-central-1' };

function pipelineIn(app: App, region: string) {
  const connection = `${region}:${env.account}:connection/11111111-2222-3333-4444-555555555555`;
  const connectionArn = `arn:${RegionInfo.get(region).partition}:codeconnections:${connection}`;
  return new NotesPipelineStack(app, 'Pipeline', {
    account: env.account,
    region,
    productionAccount: '444455556666',
    connectionArn,
  });
}

/**
 * Every TypeScript example in every profile that it has, each in an app of its own.
 *
 * Nothing in examples/ uses Aurora: the two are applications of their own.
 *
 * The stages of the pipeline deploy the application of the minimal example: staging with the profile of
 * development, production with that of production.
 */
export const EXAMPLES: { readonly [name: string]: (props: AppProps) => App } = {
  'django-app in production': (props) => productionExample(props).app,
  'django-app in development': (props) =>
    appWith(props, (app) => new ShopStack(app, 'Shop', { profile: Profile.development() })),
  minimal: (props) => appWith(props, (app) => new MinimalStack(app, 'Notes')),
  'existing-network in production': (props) =>
    appWith(props, (app) => new ExistingNetworkStack(app, 'Intranet', { env })),
  'existing-network in development': (props) =>
    appWith(props, (app) => new ExistingNetworkStack(app, 'Intranet', { env, profile: Profile.development() })),
  'Aurora in production': (props) => auroraExample(Profile.production(), props).app,
  'Aurora in development': (props) => auroraExample(Profile.development(), props).app,
  pipeline: (props) => appWith(props, (app) => pipelineIn(app, env.region)),
};

/** All of them in one app, synthesized for a region. */
export function examplesIn(region: string, props: AppProps = {}): App {
  const inRegion = { account: env.account, region };
  return appWith(props, (app) => {
    const production = new Stage(app, 'Production-of', { env: inRegion });
    const development = new Stage(app, 'Development-of', { env: inRegion });
    productionStack(production, 'Shop', { mail: !WITHOUT_SES.includes(region) });
    new ShopStack(development, 'Shop', { profile: Profile.development() });
    new MinimalStack(development, 'Notes');
    new ExistingNetworkStack(production, 'Intranet', { env: inRegion });
    new ExistingNetworkStack(development, 'Intranet', { env: inRegion, profile: Profile.development() });
    auroraStack(production, 'Orders', Profile.production(), { env: inRegion });
    auroraStack(development, 'Orders', Profile.development(), { env: inRegion });
    pipelineIn(app, region);
  });
}

/** An app with what `make` puts into it. */
export function appWith(props: AppProps, make: (app: App) => unknown): App {
  const app = new App(props);
  make(app);
  return app;
}
