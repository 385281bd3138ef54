import { App } from 'aws-cdk-lib';
import { ShopStack } from '../../examples/django-app/shop-stack';
import { Profile } from '../../lib';

/**
 * The example in development behind a distribution that serves its pictures, without a domain, with its static
 * files in a bucket.
 *
 * `npm start -- --check --cdn` rehearses it.
 */
const app = new App();

new ShopStack(app, 'Cdn', {
  profile: Profile.development(),
  cdn: { publicMediaPaths: ['/public/*'], signedMediaPaths: ['/media/*'] },
  staticFiles: {},
});
