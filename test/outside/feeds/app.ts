import { App } from 'aws-cdk-lib';
import { FeedsStack } from './stack';

new FeedsStack(new App(), 'Feeds');
