import { App } from 'aws-cdk-lib';
import { DjangoStack } from 'cdk-django-fargate';
import { exampleProps } from './example-props';

/**
 * The example on an Aurora cluster with a reader.
 *
 * `npx cdk synth --app 'npx tsx --conditions=source test/rehearsal/aurora-app.ts' -o .cache/aurora` and then
 * `npm start -- --check --assembly .cache/aurora` rehearse it.
 */
const app = new App();
new DjangoStack(app, 'Aurora', {
  ...exampleProps(app),
  domainNames: ['shop.example.com'],
  queues: { default: {}, express: {} },
  workers: { general: { queueNames: ['default'] }, express: { queueNames: ['express'] } },
  aurora: { readers: 1 },
});
