import { App } from 'aws-cdk-lib';
import { MagazineStack } from './stack';

new MagazineStack(new App(), 'Magazine');
