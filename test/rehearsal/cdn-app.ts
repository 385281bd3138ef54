import { App } from 'aws-cdk-lib';
import { ShopStack } from '../../examples/django-app/shop-stack';
import { Profile } from '../../lib';

/**
 * The example in development behind a distribution, without a domain.
 *
 * `npm start -- --check --cdn` rehearses it.
 */
const app = new App();

new ShopStack(app, 'Cdn', { profile: Profile.development(), cdn: {} });
