import { App } from 'aws-cdk-lib';
import { StartprojectStack } from './stack';

new StartprojectStack(new App(), 'Shop');
