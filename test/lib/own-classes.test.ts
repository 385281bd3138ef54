import { join } from 'node:path';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import {
  DjangoApplication,
  DjangoStack,
  type DjangoStackProps,
  DjangoStage,
  PipelineStack,
  Profile,
} from 'cdk-django-fargate';

/** A prop that only the class of somebody else knows. */
const OWN = { vatRate: 7 };

const application = () => ({
  image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
  settingsModule: 'config.settings',
  profile: Profile.development(),
});

class OwnApplication extends DjangoApplication {}
class OwnStack extends DjangoStack {}
class OwnStage extends DjangoStage {}
class OwnPipeline extends PipelineStack {}

/** Makes one of ours, and one of a class that extends it. */
const MADE = {
  DjangoApplication: (Class: typeof DjangoApplication) =>
    new Class(new Stack(new App(), 'Shop'), 'App', { ...application(), ...OWN }),
  DjangoStack: (Class: typeof DjangoStack) => new Class(new App(), 'Shop', { ...application(), ...OWN }),
  DjangoStage: (Class: typeof DjangoStage) => new Class(new App(), 'Shop', { application: application(), ...OWN }),
  PipelineStack: (Class: typeof PipelineStack) => {
    const app = new App();
    const stage = (id: string) => {
      const made = new Stage(app, id);
      new Stack(made, 'Empty');
      return made;
    };
    return new Class(app, 'Shop', {
      repository: 'example/shop',
      connectionArn:
        'arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555',
      staging: stage('Staging'),
      production: stage('Production'),
      ...OWN,
    });
  },
};

test.each([
  ['DjangoApplication', () => MADE.DjangoApplication(OwnApplication), () => MADE.DjangoApplication(DjangoApplication)],
  ['DjangoStack', () => MADE.DjangoStack(OwnStack), () => MADE.DjangoStack(DjangoStack)],
  ['DjangoStage', () => MADE.DjangoStage(OwnStage), () => MADE.DjangoStage(DjangoStage)],
  ['PipelineStack', () => MADE.PipelineStack(OwnPipeline), () => MADE.PipelineStack(PipelineStack)],
])('%s takes props that it does not know from a class that extends it, and from nobody else', (name, own, ours) => {
  expect(own).not.toThrow();
  expect(ours).toThrow(`\`vatRate\` must be a property of ${name}Props`);
});

test('the options in the props of such a class may hold none', () => {
  const props: DjangoStackProps & typeof OWN = { ...application(), ...OWN, web: Object.assign({ cpu: 256 }, OWN) };
  expect(() => new OwnStack(new App(), 'Shop', props)).toThrow('Shop: `web.vatRate` must be a property of');
});
