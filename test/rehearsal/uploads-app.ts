import { App, Size } from 'aws-cdk-lib';
import { DjangoStack } from 'cdk-django-fargate';
import { exampleProps } from './example-props';

/**
 * Web and ASGI, with temporary storage where the context says so.
 *
 * `npm run load -- --only uploads` rehearses both.
 */
const app = new App();
const temporaryStorage = app.node.tryGetContext('storage') === undefined ? undefined : Size.gibibytes(10);
new DjangoStack(app, 'Uploads', {
  ...exampleProps(app),
  domainNames: ['shop.example.com'],
  web: { temporaryStorage },
  asgi: { paths: ['/ws/*'], temporaryStorage },
});
