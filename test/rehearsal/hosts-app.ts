import { App } from 'aws-cdk-lib';
import { DjangoStack } from 'cdk-django-fargate';
import { exampleProps } from './example-props';

/**
 * Two load-balanced services with three host names each, one of them a wildcard, and two names that are
 * redirected.
 *
 * `npm start -- --check --hosts` rehearses it: each process must allow the host names of its own rules and no
 * others.
 */
const app = new App();
new DjangoStack(app, 'Hosts', {
  ...exampleProps(app),
  domainNames: ['shop.example.com', 'www.example.com', 'live.example.com', 'push.example.com'],
  redirectedDomainNames: ['example.com', '*.old.example.com'],
  web: { hostNames: ['shop.example.com', 'www.example.com', '*.shops.example.com'] },
  asgi: { hostNames: ['live.example.com', 'push.example.com', '*.rooms.example.com'], paths: ['/ws/*'] },
});
