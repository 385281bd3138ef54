import { App } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { DjangoStack, Profile } from 'cdk-django-fargate';
import { EXAMPLES } from '../../scripts/examples';
import type { Artifact } from './cli';
import type { Resources } from './template';

/** The stacks of an example, by a name that says which it is. */
export function artifactsOf(example: string): { readonly [name: string]: Artifact } {
  const artifacts = stacksOf(EXAMPLES[example]({ analyticsReporting: false }).synth());
  const only = artifacts.length === 1;
  return Object.fromEntries(artifacts.map((each) => [only ? example : `${example}: ${each.stackName}`, each]));
}

/** Two stacks with the same construct id under two names, as two environments in one account have them. */
export function pairOf(profile: Profile): readonly [Artifact, Artifact] {
  const [staging] = stacksOf(environment(profile, 'shop-staging', 'staging.example.com'));
  const [live] = stacksOf(environment(profile, 'shop-live', 'shop.example.com'));
  return [staging, live];
}

function environment(profile: Profile, stackName: string, domainName: string): CloudAssembly {
  const app = new App({ analyticsReporting: false });
  new DjangoStack(app, 'Shop', {
    stackName,
    profile,
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    domainName,
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    asgi: { paths: ['/ws/*'] },
    queues: { default: {} },
    beat: {},
    scheduledCommands: { clear: { command: ['./clear'], schedule: ScheduleExpression.expression('rate(1 day)') } },
    databaseOptions: { readReplicas: 1 },
  });
  return app.synth();
}

function stacksOf(assembly: CloudAssembly): Artifact[] {
  const own = assembly.stacks.map(({ stackName, template, terminationProtection }) => ({
    stackName,
    resources: (template as { Resources: Resources }).Resources,
    terminationProtection: terminationProtection ?? false,
  }));
  return [...own, ...assembly.nestedAssemblies.flatMap(({ nestedAssembly }) => stacksOf(nestedAssembly))];
}

export const PROFILES: { readonly [name: string]: Profile } = {
  production: Profile.production(),
  development: Profile.development(),
};
