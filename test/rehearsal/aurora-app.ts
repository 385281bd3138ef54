import { App } from 'aws-cdk-lib';
import { DjangoStack } from 'cdk-django-fargate';
import { exampleProps } from './example-props';

/**
 * The example on an Aurora cluster with a reader.
 *
 * `npm start -- --check --aurora` rehearses it: roles, logins and passwords of the cluster, and its reader.
 */
const app = new App();
new DjangoStack(app, 'Aurora', {
  ...exampleProps(app),
  domainNames: ['shop.example.com'],
  queues: { default: {} },
  aurora: { readers: 1 },
});
